package tailhook

import (
	"strings"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/policy"
)

// Attributes of the root span, or else of some span, of a trace that is not
// whole because it was larger than max_trace_bytes.
const (
	attrOmittedSpans = "tailhook.omitted.spans"
	attrOmittedBytes = "tailhook.omitted.bytes"
)

// write marks the spans of the parcel as they go out.
func (p *parcel) write(td ptrace.Traces) {
	if p.mark.Threshold != sampling.NeverSampleThreshold {
		writeMark(td, p.mark)
	}
	if p.omitted.spans > 0 {
		p.omitted.write(td)
	}
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

// writeMark tells in the tracestate of every span with which threshold its trace
// was kept (OTEP 235), unless the span was sampled more strictly before, and
// which randomness it was compared with, unless the trace has its own.
func writeMark(td ptrace.Traces, m policy.Mark) {
	alone, _ := marked("", m)
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				if raw := s.TraceState().AsRaw(); raw == "" {
					s.TraceState().FromRaw(alone)
				} else if updated, ok := marked(raw, m); ok {
					s.TraceState().FromRaw(updated)
				}
			}
		}
	}
}

// marked returns tracestate raw with the mark; not ok if raw is broken or has a
// stricter threshold.
func marked(raw string, m policy.Mark) (string, bool) {
	ts, err := sampling.NewW3CTraceState(raw)
	if err != nil {
		return "", false
	}
	ot := ts.OTelValue()
	if ot.UpdateTValueWithSampling(m.Threshold) != nil {
		return "", false
	}
	if _, ok := ot.RValueRandomness(); !ok && m.Randomness.Unsigned() > 0 {
		ot.SetRValue(m.Randomness)
	}
	var w strings.Builder
	if ts.Serialize(&w) != nil {
		return "", false
	}
	return w.String(), true
}
