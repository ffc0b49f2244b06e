package tailhook

import (
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/buffer"
)

// mixer makes one call of many traces. Spans of one resource and scope come
// together, whatever their traces: most traces are small, and what a resource says
// of itself is larger than a span.
type mixer struct {
	td     ptrace.Traces
	scopes map[string]ptrace.SpanSlice // of td, by head
	parts  buffer.Parts
}

func newMixer() *mixer {
	return &mixer{td: ptrace.NewTraces(), scopes: map[string]ptrace.SpanSlice{}}
}

// add puts the spans of a parcel into the call. After an error nothing of the
// parcel is in it.
func (m *mixer) add(p *parcel) error {
	if err := m.parts.Split(p.data); err != nil {
		return err
	}
	var u ptrace.ProtoUnmarshaler
	td, err := u.UnmarshalTraces(m.parts.Spans)
	if err != nil {
		return err
	}
	p.write(td)
	to := make([]ptrace.SpanSlice, td.ResourceSpans().Len())
	for i := range to {
		if to[i], err = m.scope(m.parts.Head(i)); err != nil {
			return err
		}
	}
	for i, rs := range td.ResourceSpans().All() {
		rs.ScopeSpans().At(0).Spans().MoveAndAppendTo(to[i])
	}
	return nil
}

// scope returns the spans of the call that have a head.
func (m *mixer) scope(head []byte) (ptrace.SpanSlice, error) {
	if spans, ok := m.scopes[string(head)]; ok {
		return spans, nil
	}
	var u ptrace.ProtoUnmarshaler
	td, err := u.UnmarshalTraces(head)
	if err != nil {
		return ptrace.SpanSlice{}, err
	}
	spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	td.ResourceSpans().MoveAndAppendTo(m.td.ResourceSpans())
	m.scopes[string(head)] = spans
	return spans, nil
}
