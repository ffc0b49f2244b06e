package stitchprocessor

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// stray adds a span of an SDK in process 7 that is no server's: in trace 5, which the
// request of trace 9 knows nothing of, from 1.8 to 3.2 s.
func stray(td ptrace.Traces, id, parent byte, change func(ptrace.Span)) ptrace.Traces {
	return sdk(td, 7, id, parent, func(s ptrace.Span) {
		s.SetTraceID(pcommon.TraceID{5})
		s.SetKind(ptrace.SpanKindInternal)
		s.SetStartTimestamp(pcommon.Timestamp(18 * second / 10))
		s.SetEndTimestamp(pcommon.Timestamp(32 * second / 10))
		if change != nil {
			change(s)
		}
	})
}

// fromJob is a call whose parent is the SDK's span 6 of trace 5.
func fromJob(e *evidence.Exchange) {
	e.Context = "w3c:05000000000000000000000000000000:0600000000000000:01"
}

// losing is a program whose SDK loses the context: request 1 with its SDK's span 2, and
// call 3 of it, which the SDK's span 6 made below 5, the root of another trace.
func losing() (calls, spans ptrace.Traces) {
	calls = kernel(1, carrying)
	addSpan(calls, 7, 3, false, fromJob)
	spans = ptrace.NewTraces()
	stray(spans, 6, 5, asClient)
	stray(spans, 5, 0, nil)
	return at(calls, 9*second), sdk(spans, 7, 2, 8, nil)
}

// instrument tells that process 7 is there and has an SDK.
func instrument(e *collector) {
	e.consume(kernel(100, apart), 0)
	e.consume(sdk(ptrace.NewTraces(), 7, 50, 8, func(s ptrace.Span) { s.SetTraceID(pcommon.TraceID{7}) }), 0)
}

func asClient(s ptrace.Span) { s.SetKind(ptrace.SpanKindClient) }

// settle lets everything be decided and released.
func settle(e *collector) map[byte]ptrace.Span {
	for now := second / 50; now < 9*second; now += second / 50 {
		e.tick(now)
	}
	e.flush(20 * second)
	return spansOf(e.out)
}

func raw(s ptrace.Span) any { return s.Attributes().AsRaw()["trace.context.raw"] }

var oldTrace = []any{"w3c:05000000000000000000000000000000"}

func TestAContextThatWasLostIsRestored(t *testing.T) {
	for name, order := range map[string]func(e *collector, calls, spans ptrace.Traces){
		"the kernel tells first": func(e *collector, calls, spans ptrace.Traces) {
			e.consume(calls, 0)
			e.consume(spans, second/100)
		},
		"the SDK tells first": func(e *collector, calls, spans ptrace.Traces) {
			e.consume(spans, 0)
			e.consume(calls, second/100)
		},
		"the SDK's span of the request comes last": func(e *collector, calls, spans ptrace.Traces) {
			last := ptrace.NewTraces()
			spans.CopyTo(last)
			only := func(td ptrace.Traces, last bool) ptrace.Traces {
				scopeOf(td, 7).Spans().RemoveIf(func(s ptrace.Span) bool { return last != (s.Kind() == ptrace.SpanKindServer) })
				return td
			}
			e.consume(calls, 0)
			e.consume(only(spans, false), second/100)
			e.tick(3 * second)
			e.consume(only(last, true), 3*second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := collect(defaults())
			instrument(e)
			calls, spans := losing()
			order(e, calls, spans)
			out := settle(e)
			assert.Equal(t, pcommon.SpanID{2}, out[5].ParentSpanID(), "the SDK's view of the request")
			assert.Equal(t, "thread", out[5].Attributes().AsRaw()["stitch.method"], "of the call below")
			assert.InDelta(t, 1, out[5].Attributes().AsRaw()["stitch.confidence"], 0.001)
			assert.Equal(t, pcommon.SpanID{5}, out[6].ParentSpanID())
			assert.Equal(t, pcommon.SpanID{6}, out[3].ParentSpanID(), "as the program says")
			for _, id := range []byte{1, 2, 3, 5, 6} {
				assert.Equal(t, pcommon.TraceID{9}, out[id].TraceID(), "span %d", id)
			}
			for _, id := range []byte{3, 5, 6} {
				assert.Equal(t, oldTrace, raw(out[id]), "span %d", id)
			}
			assert.Nil(t, raw(out[2]))
			assert.NotContains(t, out[6].Attributes().AsRaw(), "stitch.method", "its parent is the SDK's own")
		})
	}
}

func TestPartsOfARestoredTraceThatComeLateMoveWithIt(t *testing.T) {
	e := collect(defaults())
	instrument(e)
	calls, spans := losing()
	e.consume(calls, 0)
	e.consume(spans, second/100)
	e.tick(2 * second)
	assert.Contains(t, spansOf(e.out), byte(5), "it has left")

	e.consume(stray(ptrace.NewTraces(), 12, 5, nil), 2*second)  // below it
	e.consume(stray(ptrace.NewTraces(), 13, 77, nil), 2*second) // below what is not here
	downstream := ptrace.NewTraces()
	addSpan(downstream, 8, 14, true, fromJob)
	e.consume(downstream, 2*second)
	out := settle(e)
	for _, id := range []byte{12, 13, 14} {
		assert.Equal(t, pcommon.TraceID{9}, out[id].TraceID(), "span %d", id)
		assert.Equal(t, oldTrace, raw(out[id]), "span %d", id)
	}
	assert.Equal(t, pcommon.SpanID{77}, out[13].ParentSpanID())
}

func TestATraceThatMayBeOfNoRequestIsLeftAlone(t *testing.T) {
	for name, change := range map[string]func(calls, spans ptrace.Traces){
		"no call tells": func(calls, _ ptrace.Traces) {
			scopeOf(calls, 7).Spans().RemoveIf(func(s ptrace.Span) bool { return s.SpanID()[0] == 3 })
		},
		"it began before the request": func(_, spans ptrace.Traces) {
			root(spans).SetStartTimestamp(pcommon.Timestamp(second / 2))
		},
		"it ended after the reply that it is said to have caused": func(_, spans ptrace.Traces) {
			root(spans).SetEndTimestamp(pcommon.Timestamp(5 * second))
		},
		"it takes messages": func(_, spans ptrace.Traces) { root(spans).SetKind(ptrace.SpanKindConsumer) },
		"its calls are of two requests": func(calls, _ ptrace.Traces) {
			other := func(e *evidence.Exchange) {
				e.Request.TID, e.Response.TID = 4, 4
				fromJob(e)
			}
			addSpan(calls, 7, 20, true, func(e *evidence.Exchange) { e.Request.TID, e.Response.TID = 4, 4 })
			addSpan(calls, 7, 21, false, other)
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := collect(defaults())
			instrument(e)
			calls, spans := losing()
			change(calls, spans)
			want := root(spans).Attributes().AsRaw()
			e.consume(calls, 0)
			e.consume(spans, second/100)
			out := settle(e)
			assert.True(t, out[5].ParentSpanID().IsEmpty())
			assert.Equal(t, want, out[5].Attributes().AsRaw())
			assert.Equal(t, pcommon.TraceID{5}, out[5].TraceID())
			assert.Equal(t, pcommon.TraceID{5}, out[6].TraceID())
			assert.Equal(t, pcommon.TraceID{9}, out[2].TraceID())
		})
	}
}

// root is the root of trace 5.
func root(td ptrace.Traces) ptrace.Span {
	for _, s := range scopeOf(td, 7).Spans().All() {
		if s.SpanID()[0] == 5 {
			return s
		}
	}
	return ptrace.NewSpan()
}

// An agent and a gateway behind it tell the same as one stitch processor does.
func TestARestoredContextStaysSoBehindAGateway(t *testing.T) {
	agent := defaults()
	agent.Fragments = true
	e, gateway := collect(agent), collect(defaults())
	instrument(e)
	calls, spans := losing()
	e.consume(calls, 0)
	e.consume(spans, second/100)
	settle(e)
	for _, td := range e.out {
		gateway.consume(td, second/100)
	}
	downstream := ptrace.NewTraces() // of another host, which knows the old trace id
	addSpan(downstream, 8, 14, true, fromJob)
	gateway.consume(downstream, second/50)
	out := settle(gateway)
	for _, id := range []byte{1, 2, 3, 5, 6, 14} {
		assert.Equal(t, pcommon.TraceID{9}, out[id].TraceID(), "span %d", id)
	}
	assert.Equal(t, pcommon.SpanID{2}, out[5].ParentSpanID())
	assert.Equal(t, pcommon.SpanID{6}, out[3].ParentSpanID())
	assert.Equal(t, pcommon.SpanID{1}, out[2].ParentSpanID())
}
