package tailhook

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pipeline"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/policy"
)

type pipelineID = pipeline.ID

var (
	mainID    = pipeline.NewID(pipeline.SignalTraces)
	archiveID = pipeline.NewIDWithName(pipeline.SignalTraces, "archive")
)

// settle lets the hook work off what it got.
func (r *rig) settle() { synctest.Wait() }

func TestASettledTraceIsDecidedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{}
		r := start(t, next, nil)
		r.send(spans(1, 3, child))
		r.send(spans(2, 1, settled))
		r.send(spans(1, 1, failing, settled))
		r.settle()
		assert.Equal(t, 4, next.of(1), "the whole trace")
		assert.Equal(t, 0, next.of(2), "no policy wants it")
		r.close()
		assert.Equal(t, int64(1), r.count("tailhook_traces_decided", "policy", "errors", "decision", "sampled", "reason", "settled"))
		assert.Equal(t, int64(1), r.count("tailhook_traces_decided", "decision", "not_sampled", "reason", "settled"))
	})
}

func TestAfterANetworkHopSettledMayWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{}
		r := start(t, next, func(c *Config) { c.SettledWait = 200 * time.Millisecond })
		r.send(spans(1, 1, failing, settled))
		time.Sleep(150 * time.Millisecond)
		r.send(spans(1, 2, child))
		r.settle()
		assert.Zero(t, next.spans())
		time.Sleep(100 * time.Millisecond)
		r.settle()
		assert.Equal(t, 3, next.of(1))
		r.close()
		assert.Zero(t, r.count("tailhook_late_spans"))
	})
}

func TestAnUnsettledTraceWaits(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		after  time.Duration
		reason string
	}{
		"for decision_wait after its first span": {func(*Config) {}, 10 * time.Second, "decision_wait"},
		"for decision_wait_after_root_received": {
			func(c *Config) { c.DecisionWaitAfterRootReceived = 2 * time.Second }, 2 * time.Second, "root_wait",
		},
		"until it has been quiet": {
			func(c *Config) { c.QuietWait = time.Second }, time.Second, "quiet",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				next := &sink{}
				r := start(t, next, c.change)
				r.send(spans(1, 2, failing))
				time.Sleep(c.after - 100*time.Millisecond)
				r.settle()
				assert.Zero(t, next.spans())
				time.Sleep(200 * time.Millisecond)
				r.settle()
				assert.Equal(t, 2, next.of(1))
				r.close()
				assert.Equal(t, int64(1), r.count("tailhook_traces_decided", "reason", c.reason))
			})
		})
	}
}

func TestSpansKeepATraceFromBeingQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{}
		r := start(t, next, func(c *Config) { c.QuietWait = time.Second })
		r.send(spans(1, 1, failing))
		for range 5 {
			time.Sleep(800 * time.Millisecond)
			r.send(spans(1, 1, child))
		}
		r.settle()
		assert.Zero(t, next.spans())
		time.Sleep(1100 * time.Millisecond)
		r.settle()
		assert.Equal(t, 6, next.of(1))
		r.close()
	})
}

func TestLateSpansFollowTheDecision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{}
		r := start(t, next, nil)
		r.send(spans(1, 1, failing, settled))
		r.send(spans(2, 1, settled))
		r.send(spans(1, 2, child))
		r.send(spans(2, 3, child, failing))
		r.settle()
		assert.Equal(t, 3, next.of(1))
		assert.Equal(t, 0, next.of(2), "too late to change the decision")
		r.close()
		assert.Equal(t, int64(2), r.count("tailhook_late_spans", "outcome", "sampled"))
		assert.Equal(t, int64(3), r.count("tailhook_late_spans", "outcome", "not_sampled"))
	})
}

func TestTracesThatShareHalfAnIDAreStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{}
		r := start(t, next, nil)
		half := func(n int, high byte, opts ...spanOption) ptrace.Traces {
			td := spans(n, 1, opts...)
			tid := id(n)
			tid[0] = high
			td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetTraceID(tid)
			return td
		}
		r.send(half(1, 1, failing, settled))
		r.send(half(1, 2, settled))
		r.settle()
		assert.Equal(t, 1, next.spans())
		r.close()
		assert.Zero(t, r.count("tailhook_late_spans"))
	})
}

func TestAForgottenTraceIsANewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{}
		r := start(t, next, func(c *Config) {
			c.DecisionCache = DecisionCacheConfig{}
		})
		r.send(spans(1, 1, settled))
		r.send(spans(1, 1, failing, settled))
		r.settle()
		assert.Equal(t, 1, next.of(1))
		r.close()
	})
}

func TestShutdownDecidesAndDeliversAllThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{}
		r := start(t, next, nil)
		for n := range 100 {
			if n%2 == 0 {
				r.send(spans(n, 3, failing))
			} else {
				r.send(spans(n, 3))
			}
		}
		r.close()
		assert.Equal(t, 150, next.spans())
		assert.Equal(t, int64(50), r.count("tailhook_traces_decided", "decision", "sampled", "reason", "shutdown"))
		assert.Equal(t, int64(50), r.count("tailhook_traces_decided", "decision", "not_sampled", "reason", "shutdown"))
		assert.ErrorIs(t, r.ConsumeTraces(context.Background(), spans(1, 1)), errStopped)
	})
}

func TestShutdownMayDropWhatIsUndecided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{}
		r := start(t, next, func(c *Config) { c.DropPendingTracesOnShutdown = true })
		r.send(spans(1, 3, failing))
		r.send(spans(2, 3, failing, settled))
		r.close()
		assert.Zero(t, next.of(1))
		assert.Equal(t, 3, next.of(2))
		assert.Equal(t, int64(1), r.count("tailhook_traces_decided", "decision", "not_sampled", "reason", "shutdown"))
	})
}

// Not in a bubble: the callers race for real.
func TestWhatIsAcceptedIsDeliveredOrDecidedAgainst(t *testing.T) {
	next := &sink{}
	r := start(t, next, func(c *Config) {
		c.DecisionWait = 20 * time.Millisecond
		c.NumShards = 3
	})
	const callers, calls = 4, 200
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for n := range calls {
				switch (n + c) % 4 {
				case 0:
					r.send(spans(n, 5, failing))
				case 1:
					r.send(spans(n, 2, settled))
				default:
					r.send(spans(n, 1))
				}
			}
		})
	}
	wg.Wait()
	r.close()
	sent := int64(callers * calls / 4 * (5 + 2 + 1 + 1))
	kept := r.count("tailhook_spans_decided", "decision", "sampled") + r.count("tailhook_late_spans", "outcome", "sampled")
	rest := r.count("tailhook_spans_decided", "decision", "not_sampled") + r.count("tailhook_late_spans", "outcome", "not_sampled")
	assert.Equal(t, sent, kept+rest)
	assert.Equal(t, kept, int64(next.spans()))
	assert.Equal(t, kept, r.count("tailhook_delivered_spans"))
	assert.Zero(t, r.count("tailhook_lost_spans"))
	require.Positive(t, kept)
	require.Positive(t, rest)
}

func TestWhatIsNotKeptMayGoElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept, rest := &sink{}, &sink{}
		r := start(t, twoPipelines(kept, rest), func(c *Config) {
			c.DroppedPipelines = []pipeline.ID{archiveID}
		})
		r.send(spans(1, 2, failing, settled))
		r.send(spans(2, 3, settled))
		r.send(spans(1, 1, child))
		r.send(spans(2, 1, child))
		r.close()
		assert.Equal(t, 3, kept.of(1))
		assert.Equal(t, 3, kept.spans())
		assert.Equal(t, 4, rest.of(2))
		assert.Equal(t, 4, rest.spans())
	})
}

func TestStartFailsForPipelinesThatAreNotThere(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Policies = []policy.Config{everything}
	for name, ids := range map[string][]pipeline.ID{
		"a pipeline that it does not feed": {pipeline.NewIDWithName(pipeline.SignalTraces, "other")},
		"none left for kept traces":        {mainID, archiveID},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.DroppedPipelines = ids
			h, err := newHook(nopSettings(), cfg, twoPipelines(&sink{}, &sink{}))
			require.NoError(t, err)
			require.Error(t, h.Start(t.Context(), componenttest.NewNopHost()))
			require.NoError(t, h.Shutdown(t.Context()))
		})
	}
}

func TestStartFailsForAPolicyThatDoesNotExist(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Policies = []policy.Config{{Name: "mine", Type: "my_extension"}}
	require.NoError(t, cfg.Validate())
	h, err := newHook(nopSettings(), cfg, &sink{})
	require.NoError(t, err)
	assert.ErrorContains(t, h.Start(t.Context(), componenttest.NewNopHost()), `no extension with the id "my_extension"`)
	require.NoError(t, h.Shutdown(t.Context()))
}

func TestACallWithoutSpansIsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &sink{}, nil)
		r.send(ptrace.NewTraces())
		td := ptrace.NewTraces()
		td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
		r.send(td)
		r.close()
		assert.Zero(t, r.count("tailhook_traces_decided"))
	})
}

var _ connector.Traces = (*rig)(nil)

func TestManySettledTracesInOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{}
		r := start(t, next, func(c *Config) { c.Policies = []policy.Config{everything} })
		for call := range 20 {
			td := ptrace.NewTraces()
			for n := range 100 {
				spans(call*100+n, 3, settled).ResourceSpans().MoveAndAppendTo(td.ResourceSpans())
			}
			r.send(td)
		}
		r.close()
		assert.Len(t, next.got, 2000)
		for _, n := range next.got {
			require.Equal(t, 3, n)
		}
		for _, td := range next.all {
			for _, rs := range td.ResourceSpans().All() {
				require.Equal(t, map[string]any{"service.name": "checkout"}, rs.Resource().Attributes().AsRaw())
			}
		}
	})
}
