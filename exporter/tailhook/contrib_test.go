package tailhook

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.yaml.in/yaml/v3"
)

// lifecycle is what the two have in common.
type lifecycle interface {
	consumer.Traces
	component.Component
}

// tailSampling starts contrib's processor, and tailHook the hook, with the same
// block.
func tailSampling(t *testing.T, block map[string]any, next consumer.Traces) lifecycle {
	return startOnHost(t, true, block, next, componenttest.NewNopHost())
}

func tailHook(t *testing.T, block map[string]any, next consumer.Traces) lifecycle {
	return startOnHost(t, false, block, next, componenttest.NewNopHost())
}

func startOnHost(t *testing.T, contrib bool, block map[string]any, next consumer.Traces, host component.Host) lifecycle {
	var c lifecycle
	var err error
	if contrib {
		f := tailsamplingprocessor.NewFactory()
		cfg := f.CreateDefaultConfig()
		require.NoError(t, confmap.NewFromStringMap(block).Unmarshal(cfg))
		c, err = f.CreateTraces(t.Context(), processortest.NewNopSettings(f.Type()), cfg, next)
	} else {
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, confmap.NewFromStringMap(block).Unmarshal(cfg))
		require.NoError(t, confmap.Validate(cfg))
		c, err = newHook(nopSettings(), cfg, next)
	}
	require.NoError(t, err)
	require.NoError(t, c.Start(t.Context(), host))
	return c
}

// block reads a configuration of tail_sampling, with other policies.
func block(t *testing.T, policies string) map[string]any {
	var list []any
	require.NoError(t, yaml.Unmarshal([]byte(policies), &list))
	return map[string]any{
		"decision_wait": "1s", "policies": list,
		"decision_cache": map[string]any{"sampled_cache_size": 10_000, "non_sampled_cache_size": 10_000},
	}
}

// variety makes the calls of one trace, with everything policies look at.
func variety(r *rand.Rand, n int) []ptrace.Traces {
	var tid pcommon.TraceID
	binary.BigEndian.PutUint64(tid[:], r.Uint64())
	binary.BigEndian.PutUint64(tid[8:], r.Uint64())
	calls := make([]ptrace.Traces, 1+r.IntN(3))
	for i := range calls {
		calls[i] = ptrace.NewTraces()
		for range 1 + r.IntN(2) {
			rs := calls[i].ResourceSpans().AppendEmpty()
			decorate(r, rs.Resource().Attributes())
			for range 1 + r.IntN(2) {
				ss := rs.ScopeSpans().AppendEmpty()
				for range 1 + r.IntN(4) {
					varySpan(r, ss.Spans().AppendEmpty(), tid, n)
				}
			}
		}
	}
	return calls
}

func varySpan(r *rand.Rand, s ptrace.Span, tid pcommon.TraceID, n int) {
	s.SetTraceID(tid)
	s.SetSpanID(pcommon.SpanID{byte(n), byte(n >> 8), byte(r.Uint32()), byte(r.Uint32()), 1})
	if r.IntN(3) > 0 {
		s.SetParentSpanID(pcommon.SpanID{byte(n), 7})
	}
	s.SetName(pick(r, "GET /", "checkout", "SELECT"))
	start := 1_700_000_000_000 + r.Int64N(6000)
	if r.IntN(40) == 0 {
		start = 0
	}
	s.SetStartTimestamp(pcommon.Timestamp(start * 1_000_000))
	s.SetEndTimestamp(pcommon.Timestamp((start + r.Int64N(8000) - 100) * 1_000_000))
	s.Status().SetCode(ptrace.StatusCode(max(0, r.IntN(12)-9)))
	s.SetFlags(uint32(r.IntN(6) / 5)) // sampled now and then; never random
	s.TraceState().FromRaw(pick(r, "", "", "", "vendor=a", "vendor=z,other=b", "==", "vendor=b"))
	decorate(r, s.Attributes())
	if r.IntN(6) == 0 {
		s.Events().AppendEmpty().SetName(pick(r, "exception", "log"))
	}
}

func decorate(r *rand.Rand, a pcommon.Map) {
	some := func(key string, put func(string)) {
		if r.IntN(8) == 0 {
			put(key)
		}
	}
	some("tier", func(k string) { a.PutStr(k, pick(r, "gold", "silver", "tin", "")) })
	some("tier", func(k string) { a.PutInt(k, 5) })
	some("url.path", func(k string) { a.PutStr(k, pick(r, "/admin/x", "/a.json", "/health", "/", "")) })
	some("http.status_code", func(k string) { a.PutInt(k, pick(r, int64(200), 404, 500, 599, 600)) })
	some("http.status_code", func(k string) { a.PutStr(k, "500") })
	some("size", func(k string) { a.PutInt(k, r.Int64N(200)-50) })
	some("debug", func(k string) { a.PutBool(k, r.IntN(2) == 0) })
	some("debug", func(k string) { a.PutStr(k, "true") })
	some("user", func(k string) { a.PutStr(k, pick(r, "vip", "nobody")) })
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// rival runs the same traces through both components, each trace alone so that
// budgets are spent in the same order, and compares what comes out of each.
func rival(t *testing.T, policies string, traces int, seed uint64) (kept int) {
	synctest.Test(t, func(t *testing.T) {
		theirs, ours := &sink{}, &sink{}
		cfg := block(t, policies)
		pair := []lifecycle{tailSampling(t, cfg, theirs), tailHook(t, cfg, ours)}
		r := rand.New(rand.NewPCG(seed, 1))
		for n := range traces {
			calls := variety(r, n)
			late := calls[0]
			for _, c := range pair {
				for _, td := range calls {
					require.NoError(t, c.ConsumeTraces(t.Context(), clone(td)))
				}
			}
			time.Sleep(3 * time.Second)
			synctest.Wait()
			for _, c := range pair {
				require.NoError(t, c.ConsumeTraces(t.Context(), clone(late)))
			}
			synctest.Wait()
			if !assert.Equal(t, theirs.spans(), ours.spans(), "trace %d", n) {
				break
			}
		}
		for _, c := range pair {
			require.NoError(t, c.Shutdown(t.Context()))
		}
		assert.Equal(t, theirs.got, ours.got)
		kept = len(ours.got)
	})
	return kept
}

func clone(td ptrace.Traces) ptrace.Traces {
	c := ptrace.NewTraces()
	td.CopyTo(c)
	return c
}

func TestDecisionsAreThoseOfTailSampling(t *testing.T) {
	const traces = 250
	for name, policies := range map[string]string{
		"always_sample":               `[{name: p, type: always_sample}]`,
		"latency":                     `[{name: p, type: latency, latency: {threshold_ms: 7000}}]`,
		"latency with an upper bound": `[{name: p, type: latency, latency: {threshold_ms: 3000, upper_threshold_ms: 5000}}]`,
		"numeric_attribute":           `[{name: p, type: numeric_attribute, numeric_attribute: {key: http.status_code, min_value: 500, max_value: 599}}]`,
		"numeric_attribute, one end":  `[{name: p, type: numeric_attribute, numeric_attribute: {key: size, max_value: -20}}]`,
		"numeric_attribute, inverted": `[{name: p, type: numeric_attribute, numeric_attribute: {key: size, min_value: 1, invert_match: true}}]`,
		"probabilistic":               `[{name: p, type: probabilistic, probabilistic: {sampling_percentage: 40}}]`,
		"probabilistic, salted":       `[{name: p, type: probabilistic, probabilistic: {sampling_percentage: 12.5, hash_salt: pepper}}]`,
		"probabilistic, nothing":      `[{name: p, type: probabilistic, probabilistic: {sampling_percentage: 0}}]`,
		"status_code":                 `[{name: p, type: status_code, status_code: {status_codes: [ERROR]}}]`,
		"status_code, several":        `[{name: p, type: status_code, status_code: {status_codes: [OK, ERROR]}}]`,
		"string_attribute":            `[{name: p, type: string_attribute, string_attribute: {key: tier, values: [gold, silver, ""]}}]`,
		"string_attribute, patterns":  `[{name: p, type: string_attribute, string_attribute: {key: url.path, values: ['^/admin', 'json$'], enabled_regex_matching: true, cache_max_size: 2}}]`,
		"string_attribute, any":       `[{name: p, type: string_attribute, string_attribute: {key: tier, values: ['.*'], enabled_regex_matching: true}}]`,
		"string_attribute, inverted":  `[{name: p, type: string_attribute, string_attribute: {key: url.path, values: [/health, ""], invert_match: true}}]`,
		"string_attribute, neither":   `[{name: p, type: string_attribute, string_attribute: {key: tier, values: ['^.?i'], enabled_regex_matching: true, invert_match: true}}]`,
		"rate_limiting":               `[{name: p, type: rate_limiting, rate_limiting: {spans_per_second: 2}}]`,
		"rate_limiting with bursts":   `[{name: p, type: rate_limiting, rate_limiting: {spans_per_second: 2, burst_capacity: 15}}]`,
		"bytes_limiting":              `[{name: p, type: bytes_limiting, bytes_limiting: {bytes_per_second: 200, burst_capacity: 1500}}]`,
		"span_count":                  `[{name: p, type: span_count, span_count: {min_spans: 8}}]`,
		"span_count, bounded":         `[{name: p, type: span_count, span_count: {min_spans: 5, max_spans: 9}}]`,
		"trace_state":                 `[{name: p, type: trace_state, trace_state: {key: vendor, values: [a, b]}}]`,
		"trace_flags":                 `[{name: p, type: trace_flags}]`,
		"boolean_attribute":           `[{name: p, type: boolean_attribute, boolean_attribute: {key: debug, value: true}}]`,
		"boolean_attribute, false":    `[{name: p, type: boolean_attribute, boolean_attribute: {key: debug, value: false}}]`,
		"boolean_attribute, inverted": `[{name: p, type: boolean_attribute, boolean_attribute: {key: debug, value: true, invert_match: true}}]`,
		"ottl_condition on spans":     `[{name: p, type: ottl_condition, ottl_condition: {error_mode: ignore, span: ['attributes["user"] == "vip"', 'span.name == "checkout" and IsRootSpan()']}}]`,
		"ottl_condition on events":    `[{name: p, type: ottl_condition, ottl_condition: {error_mode: ignore, spanevent: ['name == "exception"']}}]`,
		"ottl_condition on both":      `[{name: p, type: ottl_condition, ottl_condition: {error_mode: silent, span: ['resource.attributes["tier"] == "gold"'], spanevent: ['name == "log"']}}]`,
		"ottl_condition with errors":  `[{name: p, type: ottl_condition, ottl_condition: {error_mode: propagate, span: ['Len(attributes["tier"]) == 3']}}]`,
		"and": `[{name: p, type: and, and: {and_sub_policy: [
			{name: a, type: latency, latency: {threshold_ms: 5000}},
			{name: b, type: not, not: {not_sub_policy: {name: c, type: string_attribute, string_attribute: {key: tier, values: [gold]}}}}]}}]`,
		"and with a budget": `[{name: p, type: and, and: {and_sub_policy: [
			{name: a, type: status_code, status_code: {status_codes: [ERROR]}},
			{name: b, type: rate_limiting, rate_limiting: {spans_per_second: 1, burst_capacity: 12}}]}}]`,
		"not": `[{name: p, type: not, not: {not_sub_policy: {name: a, type: span_count, span_count: {min_spans: 6}}}}]`,
		"drop": `[{name: all, type: always_sample}, {name: p, type: drop, drop: {drop_sub_policy: [
			{name: a, type: string_attribute, string_attribute: {key: url.path, values: [/health, /]}},
			{name: b, type: not, not: {not_sub_policy: {name: c, type: status_code, status_code: {status_codes: [ERROR]}}}}]}}]`,
		"composite": `[{name: p, type: composite, composite: {max_total_spans_per_second: 16, policy_order: [c, b, a], composite_sub_policy: [
			{name: a, type: numeric_attribute, numeric_attribute: {key: size, min_value: 50}},
			{name: b, type: and, and: {and_sub_policy: [{name: d, type: string_attribute, string_attribute: {key: tier, values: [gold, tin]}}]}},
			{name: c, type: always_sample}], rate_allocation: [{policy: a, percent: 50}, {policy: c, percent: 70}]}}]`,
	} {
		t.Run(name, func(t *testing.T) {
			kept := rival(t, policies, traces, 7)
			switch name {
			case "always_sample":
				assert.Equal(t, traces, kept)
			case "probabilistic, nothing":
				assert.Zero(t, kept)
			default:
				assert.NotZero(t, kept, "a test that keeps nothing shows nothing")
				assert.NotEqual(t, traces, kept, "nor does one that keeps all")
			}
		})
	}
}

func TestDecisionsOfAllPoliciesTogetherAreThoseOfTailSampling(t *testing.T) {
	all := load(t, "tail_sampling.yaml")
	var whole struct {
		Policies []map[string]any `yaml:"policies"`
	}
	readYAML(t, "tail_sampling.yaml", &whole)
	require.Len(t, whole.Policies, len(all.Policies))
	for seed := range uint64(6) {
		// Together they keep nearly everything, so take half of them at random.
		r := rand.New(rand.NewPCG(seed, 2))
		some := slices.Clone(whole.Policies)
		r.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		text, err := yaml.Marshal(some[:3+seed])
		require.NoError(t, err)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			assert.NotZero(t, rival(t, string(text), 200, seed))
		})
	}
}

// probability makes traces that say how they were sampled, or do not.
func probability(r *rand.Rand, n int) ptrace.Traces {
	rv := fmt.Sprintf("%014x", r.Uint64()>>8)
	td := ptrace.NewTraces()
	ss := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
	var tid pcommon.TraceID
	binary.BigEndian.PutUint64(tid[:], r.Uint64())
	binary.BigEndian.PutUint64(tid[8:], r.Uint64())
	state := pick(r, "", "ot=rv:"+rv, "ot=th:8", "vendor=x", "ot=th:c;rv:"+rv+",vendor=x", "==", "ot=th:0")
	for i := range 3 {
		s := ss.Spans().AppendEmpty()
		s.SetTraceID(tid)
		s.SetSpanID(pcommon.SpanID{byte(n), byte(n >> 8), byte(i), 1})
		s.TraceState().FromRaw(state)
		s.Status().SetCode(ptrace.StatusCode(max(0, r.IntN(20)-17)))
	}
	return td
}

func TestThresholdsAreThoseOfTailSampling(t *testing.T) {
	const gate = "processor.tailsamplingprocessor.usetracestate"
	require.NoError(t, featuregate.GlobalRegistry().Set(gate, true))
	t.Cleanup(func() { require.NoError(t, featuregate.GlobalRegistry().Set(gate, false)) })
	for name, policies := range map[string]string{
		"one share": `[{name: p, type: probabilistic, probabilistic: {sampling_percentage: 30}}]`,
		"two shares and errors": `[{name: p, type: probabilistic, probabilistic: {sampling_percentage: 30}},
			{name: q, type: probabilistic, probabilistic: {sampling_percentage: 45}},
			{name: e, type: status_code, status_code: {status_codes: [ERROR]}}]`,
		"a share in and": `[{name: p, type: and, and: {and_sub_policy: [
			{name: a, type: probabilistic, probabilistic: {sampling_percentage: 30}}, {name: b, type: always_sample}]}}]`,
		"a share in not": `[{name: p, type: not, not: {not_sub_policy: {name: a, type: probabilistic, probabilistic: {sampling_percentage: 30}}}}]`,
		"a share in a composite": `[{name: p, type: composite, composite: {max_total_spans_per_second: 100000, policy_order: [a],
			composite_sub_policy: [{name: a, type: probabilistic, probabilistic: {sampling_percentage: 30}}], rate_allocation: [{policy: a, percent: 100}]}}]`,
		"a share of what is not dropped": `[{name: p, type: probabilistic, probabilistic: {sampling_percentage: 60}},
			{name: d, type: drop, drop: {drop_sub_policy: [{name: e, type: status_code, status_code: {status_codes: [ERROR]}}]}}]`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				theirs, ours := &sink{}, &sink{}
				pair := []lifecycle{tailSampling(t, block(t, policies), theirs), tailHook(t, block(t, policies), ours)}
				r := rand.New(rand.NewPCG(1, 1))
				for n := range 600 {
					td := probability(r, n)
					for _, c := range pair {
						require.NoError(t, c.ConsumeTraces(t.Context(), clone(td)))
					}
				}
				time.Sleep(3 * time.Second)
				for _, c := range pair {
					require.NoError(t, c.Shutdown(t.Context()))
				}
				require.NotEmpty(t, ours.got)
				sameThresholds(t, theirs.states(), ours.states())
			})
		})
	}
}

// sameThresholds compares tracestates. Ours may say with which randomness a hash
// decided, which theirs leaves to be guessed.
func sameThresholds(t *testing.T, theirs, ours map[pcommon.SpanID]string) {
	require.Len(t, ours, len(theirs))
	for span, want := range theirs {
		got, err := sampling.NewW3CTraceState(ours[span])
		if err != nil {
			require.Equal(t, want, ours[span])
			continue
		}
		wanted, err := sampling.NewW3CTraceState(want)
		require.NoError(t, err)
		if rv, ok := got.OTelValue().RValueRandomness(); ok && wanted.OTelValue().RValue() == "" {
			th, _ := got.OTelValue().TValueThreshold()
			require.True(t, th.ShouldSample(rv))
			got.OTelValue().ClearRValue()
		}
		var a, b strings.Builder
		require.NoError(t, got.Serialize(&a))
		require.NoError(t, wanted.Serialize(&b))
		require.Equal(t, b.String(), a.String())
	}
}

// states returns the tracestate of every span.
func (s *sink) states() map[pcommon.SpanID]string {
	all := map[pcommon.SpanID]string{}
	for _, td := range s.all {
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, sp := range ss.Spans().All() {
					all[sp.SpanID()] = sp.TraceState().AsRaw()
				}
			}
		}
	}
	return all
}
