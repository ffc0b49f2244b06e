package tailhook

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/policy"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/settle"
)

func TestMemoryIsShortUnwantedTracesGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{}
		r := start(t, next, func(c *Config) {
			c.MaxBytes, c.MaxTraceBytes, c.NumShards = 1<<20, 0, 1
		})
		r.send(spans(0, 1, failing))
		for n := 1; n < 300; n++ {
			r.send(spans(n, 1, sized(10_000)))
			r.settle()
			assert.LessOrEqual(t, r.ledger.held.Load(), int64(1<<20))
		}
		assert.Zero(t, next.spans(), "the wanted trace, though the oldest, still waits")
		assert.LessOrEqual(t, r.ledger.held.Load(), r.ledger.high)
		r.close()
		assert.Equal(t, 1, next.of(0))
		early := r.count("tailhook_traces_decided", "reason", "memory")
		assert.Greater(t, early, int64(150))
		assert.Equal(t, early, r.count("tailhook_traces_decided", "reason", "memory", "decision", "not_sampled"))
	})
}

func TestMemoryIsShortOfWantedTracesTheOldestGoEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{}
		r := start(t, next, func(c *Config) {
			c.MaxBytes, c.MaxTraceBytes = 1<<20, 0
		})
		for n := range 300 {
			r.send(spans(n, 1, sized(10_000), failing))
			r.settle()
		}
		assert.Greater(t, next.spans(), 150)
		assert.Equal(t, 1, next.of(0))
		assert.Equal(t, 0, next.of(299))
		r.close()
		assert.Equal(t, 300, next.spans())
		assert.Zero(t, r.count("tailhook_refused_spans"))
	})
}

func TestMemoryFullOfUndeliveredTracesRefusesMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		next := &sink{answer: blockUntil(stuck)}
		r := start(t, next, func(c *Config) {
			c.MaxBytes, c.MaxTraceBytes = 1<<20, 0
		})
		accepted, refused := 0, 0
		for n := range 300 {
			err := r.ConsumeTraces(t.Context(), spans(n, 1, sized(10_000), failing, settled))
			r.settle()
			if err == nil {
				accepted++
				continue
			}
			require.ErrorIs(t, err, errFull)
			assert.False(t, consumererror.IsPermanent(err), "the sender may try again")
			refused++
		}
		assert.Greater(t, accepted, 50)
		assert.Greater(t, refused, 50)
		close(stuck)
		r.settle()
		r.send(spans(1000, 1, failing, settled))
		r.close()
		assert.Equal(t, accepted+1, next.spans())
		assert.Equal(t, int64(refused), r.count("tailhook_refused_spans"))
	})
}

func TestATraceIsNotHeldTwiceWhileItIsHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		r := start(t, &sink{answer: blockUntil(stuck)}, func(c *Config) { c.NumShards, c.MaxTraceBytes = 1, 0 })
		const size = 100_000
		for n := range 8 {
			r.send(spans(n, 1, sized(size), failing))
		}
		r.settle() // the shard waits
		before := r.ledger.held.Load()
		assert.Greater(t, before, int64(8*size))
		s := r.shards[0]
		for range 8 { // as when all are due at once
			s.decide(s.traces.oldest-1, settle.Memory)
			assert.InDelta(t, before, r.ledger.held.Load(), size/2)
		}
		s.endMessage()
		close(stuck)
		r.close()
	})
}

func TestBeyondNumTracesTheOldestIsDecided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{}
		r := start(t, next, func(c *Config) { c.NumTraces, c.NumShards = 10, 1 })
		for n := range 30 {
			r.send(spans(n, 1, failing))
		}
		r.settle()
		assert.Equal(t, 20, next.spans())
		assert.Equal(t, int64(10), r.ledger.traces.Load())
		r.close()
		assert.Equal(t, 30, next.spans(), "decided early, not discarded")
		assert.Equal(t, int64(20), r.count("tailhook_traces_decided", "reason", "num_traces"))
	})
}

func TestAGiantTraceIsCutButDecidedOnAllItsSpans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{}
		r := start(t, next, func(c *Config) { c.MaxTraceBytes = 50_000 })
		for range 100 {
			r.send(spans(1, 1, child, sized(1000)))
		}
		r.send(spans(2, 1, failing))
		r.send(spans(1, 1, failing, settled, sized(1000)))
		r.settle()
		kept := next.of(1)
		assert.Greater(t, kept, 40)
		assert.Less(t, kept, 50)
		first := next.one(t, 1)
		omitted, ok := first.Attributes().Get(attrOmittedSpans)
		require.True(t, ok)
		assert.Equal(t, int64(101-kept), omitted.Int())
		bytes, _ := first.Attributes().Get(attrOmittedBytes)
		assert.Greater(t, bytes.Int(), omitted.Int()*1000)
		r.close()
		assert.Equal(t, int64(101-kept), r.count("tailhook_omitted_spans"))
		assert.Equal(t, 1, next.of(2))
	})
}

func TestAGiantTraceLeavesTheOthersTheirMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{}
		r := start(t, next, func(c *Config) { c.MaxBytes, c.MaxTraceBytes, c.NumShards = 4<<20, 1<<20, 1 })
		for n := range 500 {
			r.send(spans(0, 10, child, sized(2000))) // 10 MB in all
			r.send(spans(n+1, 1, child, sized(1000)))
		}
		r.settle()
		assert.Equal(t, int64(501), r.ledger.traces.Load(), "none was decided early for it")
		for n := range 500 {
			r.send(spans(n+1, 1, failing, settled))
		}
		r.settle()
		assert.Equal(t, 1000, next.spans(), "whole")
		r.close()
		assert.Zero(t, r.count("tailhook_traces_decided", "reason", "memory"))
		assert.Zero(t, r.count("tailhook_refused_spans"))
		assert.Greater(t, r.count("tailhook_omitted_spans"), int64(4000))
	})
}

func TestATooLargeTraceMayBeDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{}
		r := start(t, next, func(c *Config) { c.MaximumTraceSizeBytes = 20_000 })
		for range 10 {
			r.send(spans(1, 1, failing, sized(5000)))
		}
		r.send(spans(2, 1, failing, sized(5000)))
		r.close()
		assert.Equal(t, 0, next.of(1))
		assert.Equal(t, 1, next.of(2))
		assert.Equal(t, int64(1), r.count("tailhook_traces_decided", "reason", "too_large", "decision", "not_sampled"))
		assert.Equal(t, int64(6), r.count("tailhook_late_spans", "outcome", "not_sampled"))
	})
}

func TestManyTracesComeAndGoWithoutGrowth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &sink{}, func(c *Config) {
			c.DecisionWait, c.NumShards = time.Second, 1
			c.DecisionCache = DecisionCacheConfig{SampledCacheSize: 100, NonSampledCacheSize: 100}
		})
		for n := range 20_000 {
			r.send(spans(n, 2))
			if n%100 == 99 {
				time.Sleep(100 * time.Millisecond)
			}
		}
		s := r.shards[0]
		r.close()
		assert.LessOrEqual(t, len(s.traces.slots), 1200, "a second's worth")
		assert.LessOrEqual(t, s.notSampled.Len(), 101)
		assert.Empty(t, s.traces.ids)
		assert.Zero(t, s.store.Bytes())
	})
}

func TestPolicyErrorsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &sink{}, func(c *Config) {
			c.Policies = []policy.Config{{
				Name: "bad", Type: policy.OTTLCondition,
				OTTLCondition: policy.OTTLConditionConfig{ErrorMode: "propagate", Span: []string{`ParseJSON(name)["x"] == 1`}},
			}}
		})
		r.send(spans(1, 1, settled))
		r.close()
		assert.Equal(t, int64(1), r.count("tailhook_policy_errors"))
	})
}
