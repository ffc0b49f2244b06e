package join_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/join"
)

// lost is a request 1, a call 2 that names the SDK's span 6 of trace 5, and the SDK's
// root 7 above that, which ends at the given time (ms).
func lost(r *rig, ends int64) (request, call, root *join.Span) {
	request = r.add(1, true, "p", 1, nil)
	call = r.add(2, false, "p", 2, func(s *join.Span) {
		s.WireTrace, s.WireParent, s.WireFormat = pcommon.TraceID{5}, pcommon.SpanID{6}, tracectx.W3C
		s.Start, s.End = 30*ms, 60*ms
	})
	r.Watermark(r.process("p"), 200*ms, r.now)
	made := func(id, parent byte, start, end int64) *join.Span {
		s := r.span(id, false, "p", 0, nil)
		s.Data.SetTraceID(pcommon.TraceID{5})
		s.Data.SetParentSpanID(pcommon.SpanID{parent})
		s.Data.SetKind(ptrace.SpanKindInternal)
		s.App = &join.Application{Of: []*join.Process{r.process("p")}}
		s.Start, s.End = start*ms, end*ms
		r.Add(s, r.now)
		return s
	}
	made(6, 7, 25, 65)
	return request, call, made(7, 0, 20, ends)
}

func TestHowMuchItTakesToRestoreAContext(t *testing.T) {
	for name, c := range map[string]struct {
		say    func(r *rig, request, call *join.Span)
		ends   int64
		parent byte
		links  int
	}{
		"evidence that is sure": {say: func(r *rig, request, call *join.Span) {
			r.Linked(call, request, "reply", 0.99, join.Witnessed)
		}, ends: 70, parent: 1},
		"evidence that links other spans": {say: func(r *rig, request, call *join.Span) {
			r.Linked(call, request, "burst", 0.97, join.Witnessed)
		}, ends: 70, links: 1},
		"what such requests do": {say: func(r *rig, request, call *join.Span) {
			r.Linked(call, request, "rest", 0.999, join.Inferred)
		}, ends: 70, links: 1},
		"evidence that links none": {say: func(r *rig, request, call *join.Span) {
			r.Low(call, request, "submit", 0.8)
		}, ends: 70, links: 1},
		"no evidence": {say: func(r *rig, _, call *join.Span) { r.Alone(call) }, ends: 70},
		"evidence that was taken back": {say: func(r *rig, request, call *join.Span) {
			r.Linked(call, request, "reply", 0.99, join.Witnessed)
			r.Revoked(call)
		}, ends: 70},
		"a reply that the work did not wait for": {say: func(r *rig, request, call *join.Span) {
			r.Linked(call, request, "reply", 0.99, join.Witnessed)
		}, ends: 95},
		"work that was handed over and goes on": {say: func(r *rig, request, call *join.Span) {
			r.Linked(call, request, "clone", 0.99, join.Witnessed)
		}, ends: 95, parent: 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(c *join.Config) { c.Detached = map[string]bool{"clone": true} })
			request, call, _ := lost(r, c.ends)
			c.say(r, request, call)
			r.Quiet(request)
			r.pass(3 * time.Second)
			assert.Equal(t, c.parent, r.out[7].parent)
			assert.Equal(t, c.links, r.out[7].links)
			assert.Equal(t, byte(6), r.out[2].parent, "the call stays where the program put it")
			assert.Equal(t, c.parent == 1, r.out[1].trace == 5, "one trace")
		})
	}
}

func TestTheNamesOfOneTraceAreBounded(t *testing.T) {
	r := newRig(t, func(c *join.Config) { c.MaxSpans = 1000 })
	for range 300 { // SDK's spans with one name, and calls with one context
		s := r.span(7, false, "p", 0, nil)
		s.App = &join.Application{Of: []*join.Process{r.process("p")}}
		r.Add(s, r.now)
		call := r.span(2, false, "p", 2, nil)
		call.WireTrace, call.WireParent = pcommon.TraceID{5}, pcommon.SpanID{6}
		r.Add(call, r.now)
		request := r.span(3, true, "p", 3, nil)
		request.WireTrace, request.WireParent = pcommon.TraceID{5}, pcommon.SpanID{6}
		r.Add(request, r.now)
	}
	assert.Equal(t, 3*(300-256), r.Counts.Unmatched)
}
