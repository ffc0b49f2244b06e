package policy

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// The policies of the baselines: errors, slow traces and a share of the rest.
var common = []Config{
	{Name: "errors", Type: StatusCode, StatusCode: StatusCodeConfig{StatusCodes: []string{"ERROR"}}},
	{Name: "slow", Type: Latency, Latency: LatencyConfig{ThresholdMs: 500}},
	{Name: "some", Type: Probabilistic, Probabilistic: ProbabilisticConfig{SamplingPercentage: 10}},
}

func BenchmarkObserve(b *testing.B) {
	ottl := Config{Name: "ottl", Type: OTTLCondition, OTTLCondition: OTTLConditionConfig{ErrorMode: "ignore", Span: []string{`attributes["url.path"] == "/x"`}}}
	attr := Config{Name: "attr", Type: StringAttribute, StringAttribute: StringAttributeConfig{Key: "url.path", Values: []string{"/x"}}}
	for name, list := range map[string][]Config{
		"common": common, "and a string attribute": append(common[:3:3], attr), "and an OTTL condition": append(common[:3:3], ottl),
	} {
		b.Run(name, func(b *testing.B) {
			s := newSet(b, &Options{TraceState: true}, list...)
			o := s.NewObserver()
			td := spansOf(func(sp ptrace.Span) {
				sp.Attributes().PutStr("http.request.method", "GET")
				sp.Attributes().PutInt("http.response.status_code", 200)
				sp.Attributes().PutStr("url.path", "/api/v1/orders")
			})
			o.Resource(td.ResourceSpans().At(0))
			o.Scope(td.ResourceSpans().At(0).ScopeSpans().At(0))
			sp := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
			st, sum := make(State, s.Words()), &Summary{}
			for b.Loop() {
				o.Span(st, sum, sp)
				s.Time(st, sum, uint64(sp.StartTimestamp()), uint64(sp.EndTimestamp()))
			}
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	s := newSet(b, &Options{TraceState: true}, common...)
	tr := observe(s, spansOf(during(0, time.Millisecond)))
	for b.Loop() {
		s.Decide(tr)
	}
}
