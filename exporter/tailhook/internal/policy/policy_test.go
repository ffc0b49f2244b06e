package policy

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor/pkg/samplingpolicy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

func TestWhichCallBroughtASpanMakesNoDifference(t *testing.T) {
	is := func(v string) Config {
		return Config{Name: v, Type: StringAttribute, StringAttribute: StringAttributeConfig{Key: "k", Values: []string{v}}}
	}
	s := newSet(t, nil, Config{Name: "both", Type: And, And: &AndConfig{SubPolicies: []Config{is("a"), is("b")}}})
	for name, calls := range map[string][]ptrace.Traces{
		"in one call":  {spansOf(text("k", "a"), text("k", "b"))},
		"in two calls": {spansOf(text("k", "a")), spansOf(text("k", "b"))},
		"in reverse":   {spansOf(text("k", "b")), spansOf(plain), spansOf(text("k", "a"))},
	} {
		t.Run(name, func(t *testing.T) {
			assert.True(t, s.Decide(observe(s, calls...)).Keep)
		})
	}
	assert.False(t, s.Decide(observe(s, spansOf(text("k", "a")))).Keep)
}

func TestMoreThan64Conditions(t *testing.T) {
	var list []Config
	names := []string{}
	for i := range 150 {
		name := string(rune('A'+i/26)) + string(rune('a'+i%26))
		names = append(names, name)
		list = append(list, Config{Name: name, Type: StringAttribute, StringAttribute: StringAttributeConfig{Key: "k", Values: []string{name}}})
	}
	s := newSet(t, nil, list...)
	assert.Equal(t, 6, s.Words())
	for i, name := range names {
		d := s.Decide(observe(s, spansOf(plain, text("k", name))))
		require.True(t, d.Keep, name)
		require.Equal(t, i, d.Policy)
	}
	assert.False(t, s.Decide(observe(s, spansOf(text("k", "zz")))).Keep)
}

func TestAFailedConditionIsAnErrorUnlessItWasMetBefore(t *testing.T) {
	s := newSet(t, nil, Config{Name: "json", Type: OTTLCondition, OTTLCondition: OTTLConditionConfig{
		ErrorMode: "propagate", Span: []string{`ParseJSON(attributes["j"])["ok"] == true`},
	}})
	good, bad := text("j", `{"ok":true}`), text("j", `{`)
	for name, c := range map[string]struct {
		calls []ptrace.Traces
		keep  bool
		errs  int
	}{
		"met, then failed":                 {[]ptrace.Traces{spansOf(good, bad)}, true, 0},
		"failed, then met":                 {[]ptrace.Traces{spansOf(bad, good)}, false, 1},
		"met, then failed in a later call": {[]ptrace.Traces{spansOf(good), spansOf(bad)}, true, 0},
		"failed, then met in a later call": {[]ptrace.Traces{spansOf(bad), spansOf(good)}, false, 1},
		"neither":                          {[]ptrace.Traces{spansOf(text("j", `{"ok":false}`))}, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			tr := observe(s, c.calls...)
			d := s.Decide(tr)
			assert.Equal(t, c.keep, d.Keep)
			assert.Equal(t, c.errs, d.Errors)
			assert.Equal(t, c.errs, s.Failures(tr.State))
		})
	}
}

func TestAPolicyThatDropsWins(t *testing.T) {
	s := newSet(t, nil,
		Config{Name: "all", Type: AlwaysSample},
		Config{Name: "health", Type: Drop, Drop: &DropConfig{SubPolicies: []Config{{
			Type: StringAttribute, StringAttribute: StringAttributeConfig{Key: "url.path", Values: []string{"/health"}},
		}}}})
	health, other := observe(s, spansOf(text("url.path", "/health"))), observe(s, spansOf(text("url.path", "/")))
	d := s.Decide(health)
	assert.True(t, d.Dropped)
	assert.Equal(t, "health", s.Name(d.Policy))
	assert.False(t, s.Leans(health))
	d = s.Decide(other)
	assert.True(t, d.Keep)
	assert.Equal(t, "all", s.Name(d.Policy))
	assert.True(t, s.Leans(other))
	assert.Empty(t, s.Name(-1))
}

func TestFirstMatchSparesLaterBudgets(t *testing.T) {
	list := []Config{
		{Name: "all", Type: AlwaysSample},
		{Name: "some", Type: RateLimiting, RateLimiting: RateLimitingConfig{SpansPerSecond: 1, BurstCapacity: 1}},
	}
	for _, first := range []bool{true, false} {
		s := newSet(t, &Options{FirstMatch: first}, list...)
		tr := observe(s, spansOf(plain))
		s.Decide(tr)
		v, err := s.policies[1].decide(tr)
		require.NoError(t, err)
		assert.Equal(t, first, v.decision == samplingpolicy.Sampled)
	}
}

func TestLimitsSpendTheirBudget(t *testing.T) {
	s := newSet(t, nil, Config{Name: "r", Type: RateLimiting, RateLimiting: RateLimitingConfig{SpansPerSecond: 4}})
	tr := observe(s, spansOf(plain, plain, plain))
	keep := func() bool { return s.Decide(tr).Keep }
	assert.True(t, s.Leans(tr), "asking costs nothing")
	assert.Equal(t, []bool{true, true, false}, []bool{keep(), keep(), keep()}, "a bucket of 8")
	tr.Now = tr.Now.Add(250 * time.Millisecond)
	assert.True(t, keep(), "one more token makes three")
	assert.False(t, keep())
}

func TestACompositeHasABudgetPerPolicyAndSecond(t *testing.T) {
	is := func(v string) Config {
		return Config{Name: v, Type: StringAttribute, StringAttribute: StringAttributeConfig{Key: "k", Values: []string{v}}}
	}
	s := newSet(t, nil, Config{Name: "c", Type: Composite, Composite: &CompositeConfig{
		MaxTotalSpansPerSecond: 10, PolicyOrder: []string{"a", "b"}, SubPolicies: []Config{is("a"), is("b")},
		RateAllocation: []RateAllocationConfig{{Policy: "a", Percent: 20}},
	}})
	a, b := observe(s, spansOf(text("k", "a"))), observe(s, spansOf(text("k", "b")))
	keep := func(tr *Trace) (n int) {
		for range 20 {
			if s.Decide(tr).Keep {
				n++
			}
		}
		return n
	}
	assert.Equal(t, 2, keep(a))
	assert.Equal(t, 5, keep(b), "an equal share")
	assert.True(t, s.Leans(a))
	a.Now = a.Now.Add(time.Second)
	assert.Equal(t, 2, keep(a))
	none := observe(s, spansOf(plain))
	assert.False(t, s.Decide(none).Keep)
	assert.False(t, s.Leans(none))
}

func TestLatencyCountsFromTheFirstStartToTheLastEnd(t *testing.T) {
	ms := time.Millisecond
	for name, c := range map[string]struct {
		above, upTo int64
		calls       []ptrace.Traces
		keep        bool
	}{
		"long in one span":           {100, 0, []ptrace.Traces{spansOf(during(0, 101*ms))}, true},
		"exactly the threshold":      {100, 0, []ptrace.Traces{spansOf(during(0, 100*ms))}, false},
		"long over two calls":        {100, 0, []ptrace.Traces{spansOf(during(90*ms, 150*ms)), spansOf(during(0, 10*ms))}, true},
		"within the bounds":          {100, 200, []ptrace.Traces{spansOf(during(0, 200*ms))}, true},
		"beyond the upper bound":     {100, 200, []ptrace.Traces{spansOf(during(0, 201*ms))}, false},
		"grew beyond it later":       {100, 200, []ptrace.Traces{spansOf(during(0, 150*ms), during(0, 500*ms))}, true},
		"ends before it starts":      {100, 0, []ptrace.Traces{spansOf(during(500*ms, 0))}, false},
		"grew beyond it in one span": {100, 200, []ptrace.Traces{spansOf(during(0, 50*ms)), spansOf(during(0, 500*ms))}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSet(t, nil, Config{Name: "l", Type: Latency, Latency: LatencyConfig{ThresholdMs: c.above, UpperThresholdMs: c.upTo}})
			tr := observe(s, c.calls...)
			assert.Equal(t, c.keep, s.Decide(tr).Keep)
			assert.Equal(t, c.keep, s.Leans(tr))
		})
	}
}

func TestDurationIsOfTheWholeTrace(t *testing.T) {
	s := newSet(t, nil, Config{Name: "all", Type: AlwaysSample})
	tr := observe(s, spansOf(during(2*time.Second, 3*time.Second)), spansOf(during(time.Second, 2*time.Second)))
	assert.Equal(t, 2*time.Second, tr.Summary.Duration())
	assert.Zero(t, (&Summary{}).Duration())
}

func TestPatternsRememberAFewAnswers(t *testing.T) {
	p, err := newPatterns([]string{"^a.*", "b$"}, 2)
	require.NoError(t, err)
	f := p.fork()
	ask := func(s string) bool { return f.value(pcommon.NewValueStr(s), true) }
	for range 3 {
		assert.True(t, ask("abc"))
		assert.True(t, ask("xb"))
		assert.False(t, ask("xyz"))
		assert.LessOrEqual(t, len(f.known), 2)
	}
	assert.False(t, ask(""), "a span's empty string never matches")
	_, err = newPatterns([]string{"("}, 0)
	assert.Error(t, err)
}

// oracle answers like an extension.
type oracle struct {
	d    samplingpolicy.Decision
	th   sampling.Threshold
	err  error
	cfg  map[string]any
	seen int
}

func (o *oracle) NewEvaluator(_ string, cfg map[string]any) (samplingpolicy.Evaluator, error) {
	o.cfg = cfg
	if cfg["fail"] == true {
		return nil, errors.New("no")
	}
	return o, nil
}

func (o *oracle) Evaluate(context.Context, pcommon.TraceID, *samplingpolicy.TraceData) (samplingpolicy.Decision, error) {
	return o.d, o.err
}

func (o *oracle) EvaluateWithThreshold(_ context.Context, id pcommon.TraceID, td *samplingpolicy.TraceData) (samplingpolicy.Decision, sampling.Threshold, error) {
	if id == testID {
		o.seen = td.ReceivedBatches.SpanCount()
	}
	return o.d, o.th, o.err
}

func (*oracle) IsStateful() bool { return false }

//nolint:staticcheck // extensions may still use the inverted decisions
func TestVerdictsOfExtensionsAreWeighed(t *testing.T) {
	half, err := sampling.ProbabilityToThreshold(0.5)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		says []samplingpolicy.Decision
		want Decision
	}{
		"sampled":                       {[]samplingpolicy.Decision{samplingpolicy.NotSampled, samplingpolicy.Sampled}, Decision{Keep: true, Policy: 1, Mark: Mark{Threshold: half}}},
		"dropped beats sampled":         {[]samplingpolicy.Decision{samplingpolicy.Sampled, samplingpolicy.Dropped}, Decision{Dropped: true, Policy: 1}},
		"inverted no beats sampled":     {[]samplingpolicy.Decision{samplingpolicy.Sampled, samplingpolicy.InvertNotSampled}, Decision{Policy: -1}},
		"inverted yes alone":            {[]samplingpolicy.Decision{samplingpolicy.InvertSampled}, Decision{Keep: true}},
		"inverted yes against a no":     {[]samplingpolicy.Decision{samplingpolicy.InvertSampled, samplingpolicy.NotSampled}, Decision{Policy: -1}},
		"neither yes nor no":            {[]samplingpolicy.Decision{samplingpolicy.Pending}, Decision{Policy: -1}},
		"a number that means something": {[]samplingpolicy.Decision{samplingpolicy.Decision(99), samplingpolicy.Sampled}, Decision{Keep: true, Policy: 1, Mark: Mark{Threshold: half}}},
	} {
		t.Run(name, func(t *testing.T) {
			exts := map[string]samplingpolicy.Extension{}
			var list []Config
			for i, d := range c.says {
				typ := string(rune('a' + i))
				exts[typ] = &oracle{d: d, th: half}
				list = append(list, Config{Name: typ, Type: typ})
			}
			s := newSet(t, &Options{Extensions: exts}, list...)
			assert.Equal(t, c.want, s.Decide(observe(s, spansOf(plain))))
		})
	}
}

func TestAnExtensionGetsItsBlockAndTheSpans(t *testing.T) {
	o := &oracle{d: samplingpolicy.Sampled}
	ext := map[string]samplingpolicy.Extension{"mine/1": o}
	c := Config{Name: "x", Type: "mine/1", Extension: map[string]any{"mine/1": map[string]any{"key": "v"}}}
	s := newSet(t, &Options{Extensions: ext}, c)
	tr := observe(s, spansOf(plain), spansOf(plain, plain))
	assert.True(t, s.Leans(tr))
	assert.True(t, s.Decide(tr).Keep)
	assert.Equal(t, 3, o.seen)
	assert.Equal(t, map[string]any{"key": "v"}, o.cfg)

	o.err = errors.New("broken")
	assert.Equal(t, 1, s.Decide(tr).Errors)

	c.Extension = map[string]any{"mine/1": map[string]any{"fail": true}}
	_, err := NewSet([]Config{c}, componenttest.NewNopTelemetrySettings(), &Options{Extensions: ext})
	assert.ErrorContains(t, err, "extension mine/1: no")
}

func TestGroupsPassErrorsOn(t *testing.T) {
	ext := map[string]samplingpolicy.Extension{"bad": &oracle{err: errors.New("broken")}, "odd": &oracle{d: samplingpolicy.Pending}}
	bad := Config{Name: "bad", Type: "bad"}
	for name, c := range map[string]Config{
		"and":       {Type: And, And: &AndConfig{SubPolicies: []Config{bad}}},
		"not":       {Type: Not, Not: &NotConfig{SubPolicy: &bad}},
		"drop":      {Type: Drop, Drop: &DropConfig{SubPolicies: []Config{bad}}},
		"composite": {Type: Composite, Composite: &CompositeConfig{SubPolicies: []Config{bad}}},
	} {
		t.Run(name, func(t *testing.T) {
			c.Name = name
			s := newSet(t, &Options{Extensions: ext}, c)
			assert.Equal(t, Decision{Policy: -1, Errors: 1}, s.Decide(observe(s, spansOf(plain))))
		})
	}
	s := newSet(t, &Options{Extensions: ext}, Config{Name: "n", Type: Not, Not: &NotConfig{SubPolicy: &Config{Type: "odd"}}})
	assert.Equal(t, Decision{Policy: -1}, s.Decide(observe(s, spansOf(plain))), "what is neither yes nor no stays so")
}

func TestTheThresholdIsThatOfTheLeastStrictPolicy(t *testing.T) {
	p := func(name string, percent float64) Config {
		return Config{Name: name, Type: Probabilistic, Probabilistic: ProbabilisticConfig{SamplingPercentage: percent}}
	}
	lucky := spansOf(func(s ptrace.Span) { s.TraceState().FromRaw("ot=rv:ffffffffffffff") })
	and := func(list ...Config) Config { return Config{Name: "and", Type: And, And: &AndConfig{SubPolicies: list}} }
	for name, c := range map[string]struct {
		list []Config
		th   string
	}{
		"of two":         {[]Config{p("a", 25), p("b", 50)}, "8"},
		"strict in and":  {[]Config{and(p("a", 25), p("b", 50))}, "c"},
		"certain beside": {[]Config{p("a", 25), {Name: "all", Type: AlwaysSample}}, "0"},
		"and in and":     {[]Config{and(p("a", 50), Config{Type: AlwaysSample})}, "8"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSet(t, &Options{TraceState: true}, c.list...)
			d := s.Decide(observe(s, lucky))
			assert.True(t, d.Keep)
			assert.Equal(t, c.th, d.Mark.Threshold.TValue())
		})
	}
}
