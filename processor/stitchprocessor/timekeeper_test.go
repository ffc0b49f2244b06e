package stitchprocessor

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// plainCall returns a batch of one service: a call within a request, both without evidence.
func plainCall(at int64, id byte, parent pcommon.SpanID) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "shop")
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	add := func(kind ptrace.SpanKind, number byte, start, end int64) ptrace.Span {
		span := spans.AppendEmpty()
		span.SetKind(kind)
		span.SetSpanID(pcommon.SpanID{number, id})
		span.SetTraceID(pcommon.TraceID{number, id})
		span.SetStartTimestamp(pcommon.Timestamp(start))
		span.SetEndTimestamp(pcommon.Timestamp(end))
		return span
	}
	add(ptrace.SpanKindServer, 1, at, at+9e6)
	add(ptrace.SpanKindClient, 2, at+1e6, at+8e6).SetParentSpanID(parent)
	return td
}

func TestCallsWithoutAParentAreLinkedByTimes(t *testing.T) {
	var linked, passed int
	r, err := NewReplay(defaults(), func(td ptrace.Traces) {
		for _, rs := range td.ResourceSpans().All() {
			for _, span := range rs.ScopeSpans().At(0).Spans().All() {
				if span.Kind() == ptrace.SpanKindServer {
					passed++
					continue
				}
				id := span.SpanID()[1]
				assert.Equal(t, pcommon.SpanID{1, id}, span.ParentSpanID())
				assert.Equal(t, pcommon.TraceID{1, id}, span.TraceID())
				method, _ := span.Attributes().Get("stitch.method")
				assert.Equal(t, "times", method.Str())
				linked++
			}
		}
	})
	require.NoError(t, err)
	for i := range byte(50) {
		r.Consume(plainCall(second+int64(i)*50e6, i, pcommon.SpanID{}))
		assert.Equal(t, int(i)+1, passed, "requests do not wait")
	}
	r.Close()
	assert.Equal(t, 50, linked)
}

func TestCallsWithAParentDoNotWait(t *testing.T) {
	e := collect(defaults())
	td := plainCall(second, 1, pcommon.SpanID{9})
	e.consume(td, second)
	assert.Equal(t, 2, td.SpanCount())
	assert.Zero(t, e.held())
}

func TestCallsOfAnExcludedServiceDoNotWait(t *testing.T) {
	c := defaults()
	c.Times.Exclude = []string{"other", "shop"}
	e := collect(c)
	td := plainCall(second, 1, pcommon.SpanID{})
	e.consume(td, second)
	assert.Equal(t, 2, td.SpanCount())
	assert.Zero(t, e.held())
	c.Times.Exclude = []string{"other"}
	e = collect(c)
	e.consume(plainCall(second, 1, pcommon.SpanID{}), second)
	assert.Equal(t, 1, e.held(), "others' do")
}

func TestCallsBeyondTheBoundPassAsTheyAre(t *testing.T) {
	c := defaults()
	c.Times.MaxSpans = 3
	e := collect(c)
	for i := range byte(10) {
		e.consume(plainCall(second+int64(i)*1e6, i, pcommon.SpanID{}), second+int64(i))
		assert.LessOrEqual(t, e.times.waiting, 3)
	}
	assert.Positive(t, e.times.reset().full)
	e.tick(second + c.MaxWait.Nanoseconds() + 10)
	assert.Zero(t, e.times.waiting, "none waits longer than max_wait")
	out := 0
	for _, td := range e.out {
		out += td.SpanCount()
	}
	assert.Equal(t, 10, out)
}
