package tailhook

import (
	"strings"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Attributes of the root span, or else of some span, of a trace that is not
// whole because it was larger than max_trace_bytes.
const (
	attrOmittedSpans = "tailhook.omitted.spans"
	attrOmittedBytes = "tailhook.omitted.bytes"
)

// decode returns the spans as they go out.
func (p *parcel) decode() (ptrace.Traces, error) {
	var u ptrace.ProtoUnmarshaler
	td, err := u.UnmarshalTraces(p.data)
	if err != nil {
		return td, err
	}
	if p.threshold != sampling.NeverSampleThreshold {
		writeThreshold(td, p.threshold)
	}
	if p.omitted.spans > 0 {
		p.omitted.write(td)
	}
	return td, nil
}

// write marks one span with what the trace lacks.
func (o *omitted) write(td ptrace.Traces) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				if s.ParentSpanID().IsEmpty() {
					o.mark(s)
					return
				}
			}
		}
	}
	o.mark(td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0))
}

func (o *omitted) mark(s ptrace.Span) {
	s.Attributes().PutInt(attrOmittedSpans, o.spans)
	s.Attributes().PutInt(attrOmittedBytes, o.bytes)
}

// writeThreshold tells in the tracestate of every span with which threshold its
// trace was kept (OTEP 235), unless the span was sampled more strictly before.
func writeThreshold(td ptrace.Traces, th sampling.Threshold) {
	alone := "ot=th:" + th.TValue()
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				if raw := s.TraceState().AsRaw(); raw == "" {
					s.TraceState().FromRaw(alone)
				} else if updated, ok := withThreshold(raw, th); ok {
					s.TraceState().FromRaw(updated)
				}
			}
		}
	}
}

// withThreshold returns tracestate raw with the threshold th; not ok if raw is
// broken or has a stricter one.
func withThreshold(raw string, th sampling.Threshold) (string, bool) {
	ts, err := sampling.NewW3CTraceState(raw)
	if err != nil {
		return "", false
	}
	if ts.OTelValue().UpdateTValueWithSampling(th) != nil {
		return "", false
	}
	var w strings.Builder
	if ts.Serialize(&w) != nil {
		return "", false
	}
	return w.String(), true
}
