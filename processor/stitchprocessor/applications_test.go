package stitchprocessor

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// sdk adds a server span that an SDK in process pid made: trace 9, from 1.1 to 3.9 s.
func sdk(td ptrace.Traces, pid int64, id, parent byte, change func(ptrace.Span)) ptrace.Traces {
	span := scopeOf(td, pid).Spans().AppendEmpty()
	span.SetTraceID(pcommon.TraceID{9})
	span.SetSpanID(pcommon.SpanID{id})
	if parent != 0 {
		span.SetParentSpanID(pcommon.SpanID{parent})
	}
	span.SetKind(ptrace.SpanKindServer)
	span.SetStartTimestamp(pcommon.Timestamp(11 * second / 10))
	span.SetEndTimestamp(pcommon.Timestamp(39 * second / 10))
	span.Attributes().PutStr("url.path", "/")
	if change != nil {
		change(span)
	}
	return td
}

// kernel adds a server span of process 7 by the kernel.
func kernel(id byte, change func(*evidence.Exchange)) ptrace.Traces {
	td := ptrace.NewTraces()
	addSpan(td, 7, id, true, change)
	return td
}

// carrying puts a context on a request: the parent of the SDK's server span, too.
func carrying(e *evidence.Exchange) {
	e.Context = "w3c:09000000000000000000000000000000:0800000000000000:01"
}

// apart is on a thread of its own.
func apart(e *evidence.Exchange) { e.Request.TID, e.Response.TID = 100, 100 }

func at(td ptrace.Traces, time int64) ptrace.Traces {
	watermark(td, 7, time)
	return td
}

func TestTheSDKsViewOfARequestIsBelowTheKernels(t *testing.T) {
	ready := func() ptrace.Traces { return kernel(100, apart) } // makes the process known
	for name, c := range map[string]struct {
		batches    []ptrace.Traces
		confidence float64
	}{
		"with a context, the SDK's span first": {[]ptrace.Traces{ready(), sdk(ptrace.NewTraces(), 7, 2, 8, nil), kernel(1, carrying)}, 1},
		"with a context, the kernel's first":   {[]ptrace.Traces{kernel(1, carrying), sdk(ptrace.NewTraces(), 7, 2, 8, nil)}, 1},
		"without a context, by times": {[]ptrace.Traces{
			ready(), sdk(ptrace.NewTraces(), 7, 50, 8, nil),
			kernel(1, func(e *evidence.Exchange) { e.Request.IO = 1 }), at(sdk(ptrace.NewTraces(), 7, 2, 0, nil), 5*second),
		}, 0.99},
	} {
		t.Run(name, func(t *testing.T) {
			e := collect(defaults())
			for i, td := range c.batches {
				e.consume(td, int64(i)*second/20)
				assert.Zero(t, td.SpanCount(), "it is held")
			}
			for now := second / 5; now < 3*second; now += second / 50 {
				e.tick(now)
			}
			e.flush(20 * second)
			spans := spansOf(e.out)
			assert.Equal(t, pcommon.SpanID{1}, spans[2].ParentSpanID())
			assert.Equal(t, pcommon.TraceID{9}, spans[1].TraceID(), "the SDK's trace id has gone on")
			assert.Equal(t, pcommon.TraceID{9}, spans[2].TraceID())
			assert.Equal(t, map[string]any{"url.path": "/", "stitch.method": "application", "stitch.confidence": c.confidence}, spans[2].Attributes().AsRaw())
		})
	}
}

func spansOf(out []ptrace.Traces) map[byte]ptrace.Span {
	all := map[byte]ptrace.Span{}
	for _, td := range out {
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					all[span.SpanID()[0]] = span
				}
			}
		}
	}
	return all
}

func TestTheCallsOfARequestTellItsSDKsTrace(t *testing.T) {
	e := collect(defaults())
	e.consume(kernel(100, apart), 0)
	e.consume(sdk(ptrace.NewTraces(), 7, 50, 8, nil), 0) // it has an SDK
	other := func(x *evidence.Exchange) { x.Request.TID, x.Response.TID = 4, 4 }
	td := kernel(1, nil)
	addSpan(td, 7, 3, false, carrying)
	addSpan(td, 7, 4, true, other)
	e.consume(td, 0)
	e.consume(sdk(ptrace.NewTraces(), 7, 2, 0, nil), 0)
	e.flush(second)
	spans := spansOf(e.out)
	assert.Equal(t, pcommon.SpanID{1}, spans[2].ParentSpanID(), "of two that may be it")
	assert.Equal(t, pcommon.SpanID{8}, spans[3].ParentSpanID(), "the SDK's own client span")
	assert.Equal(t, pcommon.TraceID{9}, spans[1].TraceID())
	assert.NotEqual(t, pcommon.TraceID{9}, spans[4].TraceID())
}

// As on a pool, or in Go: nothing asks for the threads of an SDK's span.
func TestASpanThatEndsOnAnotherThreadIsBelowTheKernels(t *testing.T) {
	e := collect(defaults())
	e.consume(kernel(100, apart), 0)
	e.consume(sdk(ptrace.NewTraces(), 7, 50, 8, nil), 0)
	e.consume(at(kernel(1, func(x *evidence.Exchange) { x.Response.TID, x.Response.IO = 33, 5 }), 5*second), 0)
	e.consume(sdk(ptrace.NewTraces(), 7, 2, 0, func(s ptrace.Span) {
		s.Attributes().PutStr("thread.name", "worker-1")
		s.Attributes().PutInt("thread.id", 21) // the runtime's number, no tid
	}), 0)
	e.flush(second)
	assert.Equal(t, pcommon.SpanID{1}, spansOf(e.out)[2].ParentSpanID())
}

func TestOfRequestsWithOneContextTheOneOfThatTimeIsTaken(t *testing.T) {
	later := func(e *evidence.Exchange) {
		carrying(e)
		e.Request.IO, e.Response.IO = 5, 6
		e.Request.Start, e.Request.End = 5*second, 5*second
		e.Response.Start, e.Response.End = 6*second, 6*second
	}
	e := collect(defaults())
	e.consume(kernel(100, apart), 0)
	td := kernel(1, carrying)
	addSpan(td, 7, 3, true, later)
	e.consume(td, 0)
	e.consume(sdk(sdk(ptrace.NewTraces(), 7, 2, 8, nil), 7, 4, 8, func(s ptrace.Span) {
		s.SetStartTimestamp(pcommon.Timestamp(5*second + 1000))
		s.SetEndTimestamp(pcommon.Timestamp(6*second - 1000))
	}), 0)
	e.flush(second)
	spans := spansOf(e.out)
	assert.Equal(t, pcommon.SpanID{1}, spans[2].ParentSpanID())
	assert.Equal(t, pcommon.SpanID{3}, spans[4].ParentSpanID())
}

// It begins half a millisecond after the SDK's span: no clock of one host is that wrong.
func TestARequestWithinAnSDKsSpanIsNotIt(t *testing.T) {
	e := collect(defaults())
	e.consume(kernel(100, apart), 0)
	e.consume(sdk(ptrace.NewTraces(), 7, 50, 8, nil), 0)
	td := ptrace.NewTraces()
	inside := func(x *evidence.Exchange) {
		x.Request.Start, x.Request.End = 11*second/10+5e5, 11*second/10+5e5
		x.Response.Start, x.Response.End = 39*second/10-5e5, 39*second/10-5e5
	}
	addSpan(td, 7, 1, true, inside)
	e.consume(at(td, 6*second), 0)
	e.consume(sdk(ptrace.NewTraces(), 7, 2, 0, nil), 0)
	for now := int64(0); now < 3*second; now += second / 50 {
		e.tick(now)
	}
	e.flush(4 * second)
	assert.True(t, spansOf(e.out)[2].ParentSpanID().IsEmpty())
}

func TestACallThatContradictsTheTimesTellsNothing(t *testing.T) {
	e := collect(defaults())
	e.consume(kernel(100, apart), 0)
	e.consume(sdk(ptrace.NewTraces(), 7, 50, 8, nil), 0)
	td := kernel(1, nil) // from 1 to 4 s, with a call in the SDK's trace
	addSpan(td, 7, 3, false, carrying)
	addSpan(td, 7, 4, true, func(x *evidence.Exchange) {
		x.Request.TID, x.Response.TID = 4, 4
		x.Request.Start, x.Request.End = 19*second/10, 19*second/10
		x.Response.Start, x.Response.End = 31*second/10, 31*second/10
	})
	e.consume(td, 0)
	e.consume(sdk(ptrace.NewTraces(), 7, 2, 0, func(s ptrace.Span) {
		s.SetStartTimestamp(pcommon.Timestamp(2 * second))
		s.SetEndTimestamp(pcommon.Timestamp(3 * second))
	}), 0)
	e.flush(second)
	assert.True(t, spansOf(e.out)[2].ParentSpanID().IsEmpty(), "it fills the other request")
}

func TestWhatMayBeOfTwoRequestsStaysAlone(t *testing.T) {
	for name, change := range map[string]func(ptrace.Span){
		"two requests at a time": func(ptrace.Span) {},
		"another path":           func(s ptrace.Span) { s.Attributes().PutStr("url.path", "/other") },
		"longer than any":        func(s ptrace.Span) { s.SetEndTimestamp(pcommon.Timestamp(5 * second)) },
		"before any":             func(s ptrace.Span) { s.SetStartTimestamp(pcommon.Timestamp(second / 2)) },
	} {
		t.Run(name, func(t *testing.T) {
			e := collect(defaults())
			e.consume(kernel(100, apart), 0)
			e.consume(sdk(ptrace.NewTraces(), 7, 50, 8, nil), 0)
			e.consume(kernel(1, nil), 0)
			e.consume(kernel(4, func(x *evidence.Exchange) { x.Request.TID, x.Response.TID = 4, 4 }), 0)
			lone := sdk(ptrace.NewTraces(), 7, 2, 0, change)
			want := lone.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().AsRaw()
			e.consume(at(lone, 6*second), 0)
			for now := int64(0); now < 3*second; now += second / 50 {
				e.tick(now)
			}
			span, ok := spansOf(e.out)[2]
			require.True(t, ok, "it is not held for ever")
			assert.True(t, span.ParentSpanID().IsEmpty())
			assert.Equal(t, want, span.Attributes().AsRaw())
			e.flush(4 * second)
		})
	}
}

func TestARequestWaitsForItsSDKOnlyWhereThereIsOne(t *testing.T) {
	wait := func(instrumented bool) int64 {
		e := collect(defaults())
		e.consume(kernel(100, apart), 0)
		if instrumented {
			e.consume(sdk(ptrace.NewTraces(), 7, 50, 8, nil), 0)
		}
		e.consume(kernel(1, nil), 0)
		for now := int64(0); now < 9*second; now += second / 50 {
			e.tick(now)
			if _, out := spansOf(e.out)[1]; out {
				return now
			}
		}
		return 0
	}
	assert.InDelta(t, second/8, wait(false), float64(second/20))
	assert.InDelta(t, 61*second/10, wait(true), float64(second/20))
}

func TestNamesOfProcesses(t *testing.T) {
	c := defaults()
	known := newRegistry(c)
	e := newEngine(c, func(ptrace.Traces) {})
	e.known, e.shard.registry = known, known
	td := kernel(1, nil)
	r := td.ResourceSpans().At(0).Resource().Attributes()
	for k, v := range map[string]string{"host.name": "node", "container.id": "c1", "k8s.pod.uid": "u1", "service.name": "shop"} {
		r.PutStr(k, v)
	}
	e.consume(td, 0)
	for name, attrs := range map[string]map[string]any{
		"host and pid":         {"host.id": "h", "process.pid": 7},
		"name of host and pid": {"host.name": "node", "process.pid": 7, "service.name": "other"},
		"container":            {"host.name": "c1c1", "process.pid": 1, "container.id": "c1"},
		"pod":                  {"k8s.pod.uid": "u1"},
		"service":              {"service.name": "shop"},
	} {
		resource := pcommon.NewResource()
		require.NoError(t, resource.Attributes().FromRaw(attrs))
		assert.Len(t, known.find(resource), 1, name)
	}
	for name, attrs := range map[string]map[string]any{
		"nothing": {}, "another pid": {"host.id": "h", "process.pid": 8}, "another service": {"service.name": "x"},
	} {
		resource := pcommon.NewResource()
		require.NoError(t, resource.Attributes().FromRaw(attrs))
		assert.Empty(t, known.find(resource), name)
	}
	e.flush(second)
	e.tick(processIdle + second)
	assert.Empty(t, known.processes, "it is forgotten with its process")
}

func TestApplicationsCanBeLeftAlone(t *testing.T) {
	c := defaults()
	c.Disable = []string{"application"}
	e := collect(c)
	e.consume(kernel(1, carrying), 0)
	td := sdk(ptrace.NewTraces(), 7, 2, 8, nil)
	e.consume(td, 0)
	assert.Equal(t, 1, td.SpanCount(), "it passes")
}
