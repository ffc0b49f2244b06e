package policy

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

func put(key string, v any) func(ptrace.Span) {
	return func(s ptrace.Span) { _ = s.Attributes().PutEmpty(key).FromRaw(v) }
}

func TestKernelFactsArePerSpanOrSummedUp(t *testing.T) {
	const key = "tcp.retransmits"
	for name, c := range map[string]struct {
		over    string
		atLeast float64
		calls   []ptrace.Traces
		keep    bool
	}{
		"one span reaches it":               {"span", 3, []ptrace.Traces{spansOf(put(key, 1), put(key, 3))}, true},
		"only together they reach it":       {"span", 3, []ptrace.Traces{spansOf(put(key, 2), put(key, 2))}, false},
		"together they reach it":            {"trace", 3, []ptrace.Traces{spansOf(put(key, 1), put(key, 1)), spansOf(put(key, 1))}, true},
		"together they do not":              {"trace", 3, []ptrace.Traces{spansOf(put(key, 1)), spansOf(plain)}, false},
		"the largest is in an earlier call": {"span", 3, []ptrace.Traces{spansOf(put(key, 5)), spansOf(put(key, 1))}, true},
		"fractions":                         {"trace", 1, []ptrace.Traces{spansOf(put(key, 0.4), put(key, 0.7))}, true},
		"a flag is one":                     {"span", 1, []ptrace.Traces{spansOf(put(key, true))}, true},
		"a flag that is not set":            {"span", 1, []ptrace.Traces{spansOf(put(key, false))}, false},
		"text is nothing":                   {"span", 1, []ptrace.Traces{spansOf(put(key, "9"))}, false},
		"negative numbers take nothing off": {"trace", 2, []ptrace.Traces{spansOf(put(key, 2), put(key, -5))}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSet(t, nil, Config{Name: "k", Type: KernelFact, KernelFact: KernelFactConfig{Key: key, Over: c.over, AtLeast: c.atLeast}})
			assert.Equal(t, c.keep, s.Decide(observe(s, c.calls...)).Keep)
		})
	}
}

func TestStitchingWantsLinksInDoubt(t *testing.T) {
	of := func(k ptrace.SpanKind, parent bool) func(ptrace.Span) {
		return func(s ptrace.Span) {
			s.SetKind(k)
			if parent {
				s.SetParentSpanID(pcommon.SpanID{1})
			}
		}
	}
	server, call := of(ptrace.SpanKindServer, false), of(ptrace.SpanKindClient, true)
	for name, c := range map[string]struct {
		cfg   StitchingConfig
		calls []ptrace.Traces
		keep  bool
	}{
		"one weak link":              {StitchingConfig{ConfidenceBelow: 0.9}, []ptrace.Traces{spansOf(put(evidence.KeyConfidence, 0.95), put(evidence.KeyConfidence, 0.8))}, true},
		"the weak link came first":   {StitchingConfig{ConfidenceBelow: 0.9}, []ptrace.Traces{spansOf(put(evidence.KeyConfidence, 0.8)), spansOf(put(evidence.KeyConfidence, 1.0))}, true},
		"no weak link":               {StitchingConfig{ConfidenceBelow: 0.9}, []ptrace.Traces{spansOf(put(evidence.KeyConfidence, 0.95))}, false},
		"nobody stitched":            {StitchingConfig{ConfidenceBelow: 0.9}, []ptrace.Traces{spansOf(plain)}, false},
		"a method":                   {StitchingConfig{Methods: []string{"time"}}, []ptrace.Traces{spansOf(put(evidence.KeyMethod, "thread")), spansOf(put(evidence.KeyMethod, "time"))}, true},
		"other methods":              {StitchingConfig{Methods: []string{"time"}}, []ptrace.Traces{spansOf(put(evidence.KeyMethod, "thread"))}, false},
		"a call without a parent":    {StitchingConfig{OrphanShare: 0.5}, []ptrace.Traces{spansOf(of(ptrace.SpanKindClient, false))}, true},
		"a server may have none":     {StitchingConfig{OrphanShare: 0.1}, []ptrace.Traces{spansOf(server, call)}, false},
		"a second root has lost one": {StitchingConfig{OrphanShare: 0.5}, []ptrace.Traces{spansOf(server), spansOf(server)}, true},
		"too small a share":          {StitchingConfig{OrphanShare: 0.5}, []ptrace.Traces{spansOf(server, server, call, call)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSet(t, nil, Config{Name: "s", Type: Stitching, Stitching: c.cfg})
			assert.Equal(t, c.keep, s.Decide(observe(s, c.calls...)).Keep)
		})
	}
}

// entry makes a trace of one server span of an operation.
func entry(name string, d time.Duration) ptrace.Traces {
	return spansOf(func(s ptrace.Span) {
		s.SetName(name)
		s.SetKind(ptrace.SpanKindServer)
		during(0, d)(s)
	})
}

func quantilePolicy(q float64, samples, operations int) Config {
	return Config{Name: "q", Type: LatencyQuantile, LatencyQuantile: LatencyQuantileConfig{Quantile: q, MinSamples: samples, MaxOperations: operations}}
}

func TestEachOperationHasItsOwnIdeaOfSlow(t *testing.T) {
	s := newSet(t, nil, quantilePolicy(0.95, 100, 0))
	r := rand.New(rand.NewPCG(1, 2))
	slow := func(name string, d time.Duration) bool { return s.Decide(observe(s, entry(name, d))).Keep }
	jitter := func(d time.Duration) time.Duration { return time.Duration(float64(d) * (0.5 + r.Float64())) }
	early := 0
	for range 99 {
		if slow("fast", jitter(2*time.Millisecond)) {
			early++
		}
	}
	assert.Zero(t, early, "too few samples to speak")
	kept := 0
	for range 5000 {
		if slow("fast", jitter(2*time.Millisecond)) {
			kept++
		}
		slow("slow", jitter(2*time.Second))
	}
	assert.LessOrEqual(t, kept, 5000*5/100, "at most what is beyond the quantile")
	assert.True(t, slow("fast", 10*time.Millisecond))
	assert.False(t, slow("slow", 1500*time.Millisecond))
	assert.True(t, slow("slow", 5*time.Second))
	assert.False(t, slow("new", time.Hour), "not known yet")
}

func TestSlowIsLearnedAgainWhenAnOperationChanges(t *testing.T) {
	s := newSet(t, nil, quantilePolicy(0.9, 100, 0))
	slow := func(d time.Duration) bool { return s.Decide(observe(s, entry("op", d))).Keep }
	for range 10_000 {
		slow(time.Millisecond)
	}
	assert.True(t, slow(10*time.Millisecond))
	for range 3 * relearn {
		slow(10 * time.Millisecond)
	}
	assert.False(t, slow(10*time.Millisecond))
}

func TestOnlyEntriesAreTimed(t *testing.T) {
	s := newSet(t, nil, quantilePolicy(0.5, 1, 0))
	inner := func(d time.Duration) ptrace.Traces {
		return spansOf(func(sp ptrace.Span) {
			sp.SetKind(ptrace.SpanKindClient)
			sp.SetParentSpanID(pcommon.SpanID{1})
			during(0, d)(sp)
		})
	}
	for range 100 {
		observe(s, inner(time.Millisecond))
	}
	assert.False(t, s.Decide(observe(s, inner(time.Hour))).Keep)
	assert.False(t, s.Decide(observe(s, entry("x", -time.Second))).Keep, "a broken clock")
}

func TestOperationsBeyondTheLimitAreNotLearned(t *testing.T) {
	s := newSet(t, nil, quantilePolicy(0.5, 1, 10))
	for n := range 100 {
		observe(s, entry(fmt.Sprint(n), time.Millisecond))
	}
	m := s.measures[0].measure.(*slowness)
	known := 0
	m.ops.Range(func(any, any) bool { known++; return true })
	assert.Equal(t, 10, known)
}

func TestSlownessIsLearnedByManyAtOnce(t *testing.T) {
	s := newSet(t, nil, quantilePolicy(0.9, 10, 0))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10_000 {
				observe(s, entry("op", time.Millisecond))
			}
		})
	}
	wg.Wait()
	assert.False(t, s.Decide(observe(s, entry("op", time.Millisecond))).Keep)
	assert.True(t, s.Decide(observe(s, entry("op", time.Second))).Keep)
}

func TestBucketsHoldWhatTheyShould(t *testing.T) {
	for ns := int64(1); ns < 1<<42; ns = ns*5/4 + 1 {
		b := bucketOf(ns)
		assert.LessOrEqual(t, ns, bucketEnd(b)+1)
		if b > 0 {
			assert.Greater(t, ns, bucketEnd(b-1)-1)
		}
	}
	assert.Equal(t, durationBuckets-1, bucketOf(1<<62))
}

// traffic decides a second of traces of some kinds, so many of each, and returns
// how many of each are kept and how many those stand for.
type traffic struct {
	s   *Set
	r   *rand.Rand
	now time.Time
}

func (tr *traffic) second(rates map[string]int) (kept map[string]int, standFor map[string]float64) {
	kept, standFor = map[string]int{}, map[string]float64{}
	for name, n := range rates {
		for range n {
			t := observe(tr.s, entry(name, time.Millisecond))
			binary.BigEndian.PutUint64(t.ID[:], tr.r.Uint64())
			binary.BigEndian.PutUint64(t.ID[8:], tr.r.Uint64())
			t.Now = tr.now
			if d := tr.s.Decide(t); d.Keep {
				kept[name]++
				standFor[name] += d.Mark.Threshold.AdjustedCount()
			}
		}
	}
	tr.now = tr.now.Add(time.Second)
	return kept, standFor
}

func TestRareKindsAreKeptAndFrequentOnesShareTheRest(t *testing.T) {
	s := newSet(t, nil, Config{Name: "r", Type: Rarity, Rarity: RarityConfig{SpansPerSecond: 100}})
	tr := &traffic{s: s, r: rand.New(rand.NewPCG(1, 2)), now: time.Unix(1000, 0)}
	rates := map[string]int{"flood": 2000, "busy": 500, "rare": 5, "rarer": 1}
	for range 10 {
		tr.second(rates) // learns
	}
	total, kept, stand := 0, map[string]int{}, map[string]float64{}
	const seconds = 30
	for range seconds {
		k, st := tr.second(rates)
		for name := range rates {
			total += k[name]
			kept[name] += k[name]
			stand[name] += st[name]
		}
	}
	assert.Equal(t, 5*seconds, kept["rare"])
	assert.Equal(t, 1*seconds, kept["rarer"])
	assert.InDelta(t, 47*seconds, kept["flood"], 10*seconds, "a fair half of the rest")
	assert.InDelta(t, 47*seconds, kept["busy"], 10*seconds)
	assert.InDelta(t, 100*seconds, total, 15*seconds)
	assert.InEpsilon(t, 2000*seconds, stand["flood"], 0.15, "what is kept stands for all")
	assert.InEpsilon(t, 500*seconds, stand["busy"], 0.15)
}

func TestAFailedTraceIsAKindOfItsOwn(t *testing.T) {
	s := newSet(t, nil, Config{Name: "r", Type: Rarity, Rarity: RarityConfig{SpansPerSecond: 10}})
	tr := &traffic{s: s, r: rand.New(rand.NewPCG(3, 4)), now: time.Unix(1000, 0)}
	for range 10 {
		tr.second(map[string]int{"op": 1000})
	}
	bad := observe(s, spansOf(func(sp ptrace.Span) {
		sp.SetName("op")
		sp.SetKind(ptrace.SpanKindServer)
		sp.Status().SetCode(ptrace.StatusCodeError)
	}))
	bad.Now = tr.now
	assert.True(t, s.Leans(bad))
	assert.True(t, s.Decide(bad).Keep)
	assert.False(t, s.Leans(observe(s, entry("op", 0))))
}

func TestAFloodOfKindsSharesOne(t *testing.T) {
	s := newSet(t, nil, Config{Name: "r", Type: Rarity, Rarity: RarityConfig{SpansPerSecond: 50, MaxKinds: 20}})
	tr := &traffic{s: s, r: rand.New(rand.NewPCG(5, 6)), now: time.Unix(1000, 0)}
	n := 0
	total := 0
	for sec := range 20 {
		rates := map[string]int{}
		for range 500 {
			n++
			rates[fmt.Sprint(n)] = 1
		}
		k, _ := tr.second(rates)
		if sec >= 10 {
			total += len(k)
		}
	}
	r := s.policies[0].node.(*rarity)
	assert.LessOrEqual(t, len(r.kinds), 21)
	assert.Less(t, total, 10*50*2, "a flood of new kinds does not break the budget")
}

func TestATraceIsTheKindOfItsRoot(t *testing.T) {
	name := func(n string, root bool) func(ptrace.Span) {
		return func(s ptrace.Span) {
			s.SetName(n)
			if !root {
				s.SetParentSpanID(pcommon.SpanID{1})
			}
		}
	}
	s := newSet(t, nil, Config{Name: "r", Type: Rarity, Rarity: RarityConfig{SpansPerSecond: 1}})
	r := s.policies[0].node.(*rarity)
	root := r.kind(observe(s, spansOf(name("root", true))))
	assert.Equal(t, root, r.kind(observe(s, spansOf(name("child", false)), spansOf(name("root", true)))))
	assert.NotEqual(t, root, r.kind(observe(s, spansOf(name("child", false)))))
	first := r.kind(observe(s, spansOf(name("child", false)), spansOf(name("other", false))))
	assert.Equal(t, r.kind(observe(s, spansOf(name("child", false)))), first)
}

func TestTheFairRateUsesTheBudget(t *testing.T) {
	for name, c := range map[string]struct {
		rates  []float64
		target float64
		want   float64
	}{
		"nothing came":          {nil, 10, 10},
		"all fit":               {[]float64{1, 2, 3}, 10, 10},
		"one too many":          {[]float64{20}, 10, 10},
		"the small leave space": {[]float64{100, 1, 100}, 11, 5},
		"all too many":          {[]float64{10, 20, 30}, 6, 2},
	} {
		t.Run(name, func(t *testing.T) { assert.InDelta(t, c.want, fairRate(c.rates, c.target), 1e-9) })
	}
}
