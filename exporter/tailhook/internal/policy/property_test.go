package policy

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// everyKind has one policy of each type that looks at spans and keeps no budget.
func everyKind() []Config {
	text := func(name, key string, invert bool, values ...string) Config {
		return Config{Name: name, Type: StringAttribute, StringAttribute: StringAttributeConfig{Key: key, Values: values, InvertMatch: invert}}
	}
	return []Config{
		{Name: "latency", Type: Latency, Latency: LatencyConfig{ThresholdMs: 300}},
		{Name: "band", Type: Latency, Latency: LatencyConfig{ThresholdMs: 100, UpperThresholdMs: 200}},
		{Name: "status", Type: StatusCode, StatusCode: StatusCodeConfig{StatusCodes: []string{"ERROR"}}},
		{Name: "flags", Type: TraceFlags},
		{Name: "state", Type: TraceState, TraceState: TraceStateConfig{Key: "v", Values: []string{"a"}}},
		text("text", "k", false, "a"),
		text("other", "k", true, "b"),
		{Name: "pattern", Type: StringAttribute, StringAttribute: StringAttributeConfig{Key: "k", Values: []string{"^c"}, EnabledRegexMatching: true}},
		{Name: "number", Type: NumericAttribute, NumericAttribute: NumericAttributeConfig{Key: "n", MinValue: 7, MaxValue: 9}},
		{Name: "bool", Type: BooleanAttribute, BooleanAttribute: BooleanAttributeConfig{Key: "b", Value: true}},
		{Name: "ottl", Type: OTTLCondition, OTTLCondition: OTTLConditionConfig{ErrorMode: "propagate", Span: []string{`Len(attributes["k"]) == 3`}}},
		{Name: "count", Type: SpanCount, SpanCount: SpanCountConfig{MinSpans: 4, MaxSpans: 8}},
		{Name: "share", Type: Probabilistic, Probabilistic: ProbabilisticConfig{SamplingPercentage: 50}},
		{Name: "most", Type: KernelFact, KernelFact: KernelFactConfig{Key: "n", Over: "span", AtLeast: 8}},
		{Name: "sum", Type: KernelFact, KernelFact: KernelFactConfig{Key: "n", Over: "trace", AtLeast: 12}},
		{Name: "links", Type: Stitching, Stitching: StitchingConfig{ConfidenceBelow: 0.5, OrphanShare: 0.6, Methods: []string{"guess"}}},
	}
}

// randomSpans makes a call of n spans in a few resources and scopes.
func randomSpans(r *rand.Rand, n int) ptrace.Traces {
	td := ptrace.NewTraces()
	var ss ptrace.ScopeSpans
	for i := range n {
		if i == 0 || r.IntN(3) == 0 {
			rs := td.ResourceSpans().AppendEmpty()
			if r.IntN(4) == 0 {
				rs.Resource().Attributes().PutStr("k", string(rune('a'+r.IntN(4))))
			}
			ss = rs.ScopeSpans().AppendEmpty()
		}
		randomSpan(r, ss.Spans().AppendEmpty())
	}
	return td
}

func randomSpan(r *rand.Rand, s ptrace.Span) {
	s.SetTraceID(testID)
	s.SetName(fmt.Sprint(r.IntN(3)))
	s.SetKind(ptrace.SpanKind(r.IntN(6)))
	if r.IntN(3) > 0 {
		s.SetParentSpanID(pcommon.SpanID{1})
	}
	start := 1_000_000 * (1_000 + r.Int64N(200))
	s.SetStartTimestamp(pcommon.Timestamp(start))
	s.SetEndTimestamp(pcommon.Timestamp(start + 1_000_000*r.Int64N(250)))
	s.Status().SetCode(ptrace.StatusCode(max(0, r.IntN(20)-17)))
	s.SetFlags(uint32(r.IntN(16) / 15))
	if r.IntN(10) == 0 {
		s.TraceState().FromRaw("v=" + string(rune('a'+r.IntN(2))))
	}
	a := s.Attributes()
	switch r.IntN(8) {
	case 0:
		a.PutStr("k", []string{"a", "b", "c", "abc"}[r.IntN(4)])
	case 1:
		a.PutInt("k", 3) // its length cannot be taken
	case 2:
		a.PutInt("n", r.Int64N(10))
	case 3:
		a.PutBool("b", r.IntN(2) == 0)
	case 4:
		a.PutDouble(evidence.KeyConfidence, r.Float64())
		a.PutStr(evidence.KeyMethod, []string{"thread", "order", "guess"}[r.IntN(3)])
	}
}

// split cuts a call into several, between spans, keeping the order.
func split(r *rand.Rand, td ptrace.Traces) []ptrace.Traces {
	var calls []ptrace.Traces
	var cur ptrace.Traces
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				if len(calls) == 0 || r.IntN(2) == 0 {
					cur = ptrace.NewTraces()
					calls = append(calls, cur)
				}
				to := cur.ResourceSpans().AppendEmpty()
				rs.Resource().CopyTo(to.Resource())
				s.CopyTo(to.ScopeSpans().AppendEmpty().Spans().AppendEmpty())
			}
		}
	}
	return calls
}

func TestHoweverATraceIsCutIntoCallsItIsDecidedAlike(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	s := newSet(t, &Options{TraceState: true}, everyKind()...)
	met := map[string]int{}
	for range 1500 {
		td := randomSpans(r, 1+r.IntN(12))
		whole, cut := observe(s, td), observe(s, split(r, td)...)
		whole.ID = randomID(r)
		cut.ID = whole.ID
		require.Equal(t, whole.State, cut.State)
		require.Equal(t, whole.Summary.Start, cut.Summary.Start)
		require.Equal(t, whole.Summary.End, cut.Summary.End)
		require.Equal(t, whole.Summary.Spans, cut.Summary.Spans)
		for i := range s.policies {
			a, errA := s.policies[i].decide(whole)
			b, errB := s.policies[i].decide(cut)
			require.Equal(t, errA, errB, s.Name(i))
			require.Equal(t, a, b, s.Name(i))
			if accepted(a.decision) {
				met[s.Name(i)]++
			}
		}
	}
	for i := range s.Len() {
		assert.NotZero(t, met[s.Name(i)], "%s was never met", s.Name(i))
		assert.Less(t, met[s.Name(i)], 1500, "%s was always met", s.Name(i))
	}
}

func TestMergingIsAssociative(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	s := newSet(t, &Options{TraceState: true}, everyKind()...)
	for range 300 {
		var parts []State
		for range 3 {
			parts = append(parts, observe(s, randomSpans(r, 1+r.IntN(4))).State)
		}
		join := func(a, b State) State {
			out := append(State(nil), a...)
			s.Merge(out, b)
			return out
		}
		left := join(join(parts[0], parts[1]), parts[2])
		right := join(parts[0], join(parts[1], parts[2]))
		require.Equal(t, left[:2*s.bitWords], right[:2*s.bitWords])
		require.InDeltaSlice(t, asFloats(left[2*s.bitWords:]), asFloats(right[2*s.bitWords:]), 1e-6)
		none := make(State, s.Words())
		require.Equal(t, parts[0], join(none, parts[0]), "nothing seen before changes nothing")
		require.Equal(t, parts[0], join(parts[0], none), "nor does nothing after")
	}
}

func asFloats(words []uint64) (out []float64) {
	for _, w := range words {
		out = append(out, float64(w))
	}
	return out
}

func TestWithoutBudgetsLeaningIsDeciding(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 400 {
		list := everyKind()
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		list = list[:1+r.IntN(4)]
		if r.IntN(2) == 0 {
			list = append(list, Config{Name: "drop", Type: Drop, Drop: &DropConfig{SubPolicies: []Config{everyKind()[r.IntN(10)]}}})
		}
		s := newSet(t, &Options{TraceState: true}, list...)
		tr := observe(s, randomSpans(r, 1+r.IntN(10)))
		d := s.Decide(tr)
		if d.Errors == 0 {
			require.Equal(t, d.Keep, s.Leans(tr))
		}
	}
}

func TestADecisionOnNothingIsNo(t *testing.T) {
	s := newSet(t, nil, everyKind()[2])
	d := s.Decide(&Trace{State: make(State, s.Words()), Summary: &Summary{}})
	assert.Equal(t, Decision{Policy: -1}, d)
}
