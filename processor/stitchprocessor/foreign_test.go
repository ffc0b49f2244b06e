package stitchprocessor

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// shared puts Zipkin's context on a request: the caller's span is 6, and so is the
// server's.
func shared(e *evidence.Exchange) {
	e.Context = "b3:09000000000000000000000000000000:0600000000000000:01:0500000000000000"
}

// zipkin is the attributes of Zipkin's libraries, as the receiver hands them on.
func zipkin(s ptrace.Span) {
	s.Attributes().Clear()
	s.Attributes().PutStr("http.method", "GET")
	s.Attributes().PutStr("http.path", "/")
	s.Attributes().PutStr("http.status_code", "200")
}

func TestTheTwoSpansOfZipkinWithOneIDAreApart(t *testing.T) {
	for name, consume := range map[string]func(e *collector, kernels, spans ptrace.Traces){
		"the kernel's first": func(e *collector, kernels, spans ptrace.Traces) {
			e.consume(kernels, 0)
			e.consume(spans, 0)
		},
		"the kernel's when they have left": func(e *collector, kernels, spans ptrace.Traces) {
			watermark(kernels, 7, 5*second)
			watermark(kernels, 8, 5*second)
			e.consume(kernels, 0)
			for now := second / 50; now < 7*second; now += second / 50 {
				e.tick(now)
			}
			require.Zero(t, e.assembly.Held())
			e.consume(spans, 7*second)
		},
		"the program's first": func(e *collector, kernels, spans ptrace.Traces) {
			e.consume(spans, 0)
			e.consume(kernels, 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := collect(defaults())
			for _, pid := range []int64{7, 8} {
				known := ptrace.NewTraces()
				addSpan(known, pid, byte(100+pid), true, apart)
				e.consume(known, 0)
			}
			kernels, spans := ptrace.NewTraces(), ptrace.NewTraces()
			addSpan(kernels, 7, 1, false, shared)
			addSpan(kernels, 8, 2, true, shared)
			sdk(spans, 7, 6, 5, func(s ptrace.Span) { s.SetKind(ptrace.SpanKindClient) })
			sdk(spans, 8, 7, 6, func(s ptrace.Span) { s.SetKind(ptrace.SpanKindInternal) })
			sdk(spans, 8, 6, 5, zipkin)
			consume(e, kernels, spans)
			settle(e)
			server, client := pcommon.SpanID{}, ptrace.NewSpan()
			for id, s := range spansByID(e.out) {
				if v, ok := s.Attributes().Get("trace.span.shared"); ok {
					assert.Equal(t, "0600000000000000", v.Str())
					assert.Equal(t, pcommon.SpanID{2}, s.ParentSpanID(), "the kernel's span of the request")
					server = id
				}
				if s.Kind() == ptrace.SpanKindClient && s.SpanID() == (pcommon.SpanID{6}) {
					client = s
				}
			}
			require.False(t, server.IsEmpty())
			all := spansByID(e.out)
			assert.Equal(t, server, all[pcommon.SpanID{7}].ParentSpanID(), "what the server's span caused follows it")
			assert.Equal(t, pcommon.SpanID{5}, client.ParentSpanID())
			assert.Equal(t, pcommon.SpanID{6}, all[pcommon.SpanID{1}].ParentSpanID(), "the call is below the client's")
			assert.Equal(t, pcommon.TraceID{9}, all[pcommon.SpanID{2}].TraceID())
		})
	}
}

func spansByID(out []ptrace.Traces) map[pcommon.SpanID]ptrace.Span {
	all := map[pcommon.SpanID]ptrace.Span{}
	for _, td := range out {
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					all[span.SpanID()] = span
				}
			}
		}
	}
	return all
}

func TestASpanWithoutAKindIsPlacedByWhatItsRequestCarried(t *testing.T) {
	for name, first := range map[string]bool{"it comes first": true, "the kernel's comes first": false} {
		t.Run(name, func(t *testing.T) {
			e := collect(defaults())
			e.consume(kernel(100, apart), 0)
			spans := sdk(ptrace.NewTraces(), 7, 2, 8, func(s ptrace.Span) { s.SetKind(ptrace.SpanKindUnspecified) })
			if first {
				e.consume(spans, 0)
			}
			e.consume(kernel(1, carrying), 0)
			if !first {
				e.consume(spans, 0)
			}
			assert.Equal(t, pcommon.SpanID{1}, settle(e)[2].ParentSpanID())
		})
	}
}

func TestTheAttributesOfOtherSystemsTellARequestApart(t *testing.T) {
	for name, c := range map[string]struct {
		attributes map[string]any
		same       bool
	}{
		"Zipkin's":                {map[string]any{"http.method": "GET", "http.path": "/", "http.status_code": "200"}, true},
		"Zipkin's, another path":  {map[string]any{"http.path": "/other"}, false},
		"Zipkin's, another reply": {map[string]any{"http.path": "/", "http.status_code": "500"}, false},
		"Jaeger's":                {map[string]any{"http.url": "http://shop/?a=b", "http.status_code": 200}, true},
		"Jaeger's, another path":  {map[string]any{"http.url": "http://shop/other"}, false},
		"none":                    {nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			e := collect(defaults())
			instrument(e)
			td := kernel(1, nil)
			for _, s := range scopeOf(td, 7).Spans().All() {
				s.Attributes().PutInt("http.response.status_code", 200)
			}
			e.consume(at(td, 6*second), 0)
			e.consume(sdk(ptrace.NewTraces(), 7, 2, 0, func(s ptrace.Span) { require.NoError(t, s.Attributes().FromRaw(c.attributes)) }), 0)
			assert.Equal(t, c.same, settle(e)[2].ParentSpanID() == pcommon.SpanID{1})
		})
	}
}
