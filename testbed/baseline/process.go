package baseline

import (
	"cmp"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/testbed/score"
)

// Span is a recorded span with its evidence.
type Span struct {
	score.Span
	Evidence  evidence.Exchange
	Has       bool   // it carries evidence
	RequestID string // X-Request-ID, if the recording captured it
	Operation string // span name: what the call is for
}

// Append appends the spans of td to spans.
func Append(spans []Span, td ptrace.Traces) []Span {
	first := len(spans)
	for _, s := range score.Append(nil, td, func(_ int, span ptrace.Span) {
		var s Span
		s.Has = s.Evidence.Read(span)
		s.RequestID = requestID(span.Attributes())
		s.Operation = span.Name()
		spans = append(spans, s)
	}) {
		spans[first].Span = s
		first++
	}
	return spans
}

func requestID(a pcommon.Map) string {
	v, ok := a.Get("http.request.header.x-request-id")
	if !ok {
		return ""
	}
	if v.Type() == pcommon.ValueTypeSlice && v.Slice().Len() > 0 {
		return v.Slice().At(0).AsString()
	}
	return v.AsString()
}

// process is the spans of one process instance, by their places in the
// recording, in the order of their starts.
type process struct {
	spans    []Span
	incoming []int
	outgoing []int
}

// processes divides spans. Those without evidence belong to nobody.
func processes(spans []Span) []*process {
	byInstance := map[score.Instance]*process{}
	var out []*process
	for i := range spans {
		s := &spans[i]
		if !s.Has {
			continue
		}
		p := byInstance[s.Instance]
		if p == nil {
			p = &process{spans: spans}
			byInstance[s.Instance] = p
			out = append(out, p)
		}
		switch {
		case s.Incoming():
			p.incoming = append(p.incoming, i)
		case s.Outgoing():
			p.outgoing = append(p.outgoing, i)
		}
	}
	for _, p := range out {
		byStart := func(a, b int) int { return cmp.Compare(spans[a].Start, spans[b].Start) }
		slices.SortStableFunc(p.incoming, byStart)
		slices.SortStableFunc(p.outgoing, byStart)
	}
	return out
}

// event is one message as its thread saw it.
type event struct {
	kind evidence.Kind
	span int
	msg  *evidence.Message
	time int64 // when it was complete (read) or begun (written)
}

// events returns the messages of p in the order of time.
func (p *process) events() []event {
	var out []event
	for _, i := range p.incoming {
		e := &p.spans[i].Evidence
		out = append(out, event{evidence.ServerRead, i, &e.Request, e.Request.End})
		if e.Response.Start != 0 {
			out = append(out, event{evidence.ServerWrite, i, &e.Response, e.Response.Start})
		}
	}
	for _, i := range p.outgoing {
		e := &p.spans[i].Evidence
		out = append(out, event{evidence.ClientWrite, i, &e.Request, e.Request.Start})
		if e.Response.Start != 0 {
			out = append(out, event{evidence.ClientRead, i, &e.Response, e.Response.End})
		}
	}
	// On one thread the order of time is that of the ordinals, which decide
	// where the clock is too coarse.
	slices.SortStableFunc(out, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.msg.IO, b.msg.IO))
	})
	return out
}

// covers reports whether request a lasts at least as long as call b on both sides.
func (p *process) covers(a, b int) bool {
	return p.spans[a].Start <= p.spans[b].Start && p.spans[b].End <= p.spans[a].End
}

// open reports whether request a has been read and not been answered when call b begins.
func (p *process) open(a, b int) bool {
	e, at := &p.spans[a].Evidence, p.spans[b].Start
	return e.Request.End <= at && (e.Response.Start == 0 || at <= e.Response.Start)
}
