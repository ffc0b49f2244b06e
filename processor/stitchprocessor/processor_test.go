package stitchprocessor

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// ---- what passes -------------------------------------------------------------------

func TestSpansWithoutEvidencePassAtOnceAndUnchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, nil)
		defer p.stop()
		td := ptrace.NewTraces()
		plain(td, 7, 1)
		plain(td, 8, 2)
		want := ptrace.NewTraces()
		td.CopyTo(want)
		p.send(td)
		require.Len(t, p.sink.batches(), 1, "before ConsumeTraces returns")
		assert.Equal(t, want, p.sink.batches()[0])
		assert.EqualValues(t, 2, p.count("passed_spans"))
		assert.True(t, p.Capabilities().MutatesData, "others' copies are their own")
	})
}

func TestSpansThatComeTogetherGoTheirOwnWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, nil)
		td := ptrace.NewTraces()
		addSpan(td, 7, 1, true, nil)
		plain(td, 7, 2)
		addSpan(td, 8, 3, true, nil)
		internal := addSpan(td, 7, 4, false, nil)
		internal.SetKind(ptrace.SpanKindInternal)
		p.send(td)
		assert.Len(t, p.sink.spans(), 2)
		assert.Contains(t, p.sink.spans(), pcommon.SpanID{2})
		assert.Contains(t, p.sink.spans(), pcommon.SpanID{4}, "evidence is about servers and clients")
		p.stop()
		assert.Len(t, p.sink.spans(), 4)
	})
}

func TestASpanOfNoProcessPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, nil)
		defer p.stop()
		td := ptrace.NewTraces()
		addSpan(td, 0, 1, true, nil)
		p.send(td)
		require.Len(t, p.sink.spans(), 1)
		assert.EqualValues(t, 1, p.count("unidentified_spans"))
		assert.Zero(t, p.count("passed_spans"))
	})
}

func TestAWatermarkAloneForwardsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, nil)
		td := ptrace.NewTraces()
		watermark(td, 7, 5*second)
		p.send(td)
		p.stop()
		assert.Empty(t, p.sink.batches())
	})
}

func TestARefusalOfPassingSpansIsReportedForThoseOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, nil)
		td := ptrace.NewTraces()
		addSpan(td, 7, 1, true, nil)
		plain(td, 7, 2)
		p.sink.refuse(errors.New("full"))
		err := p.ConsumeTraces(t.Context(), td)
		var failed consumererror.Traces
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, 1, failed.Data().SpanCount())
		p.sink.refuse(nil)
		p.stop()
		assert.Contains(t, p.sink.spans(), pcommon.SpanID{1}, "the other one was accepted")
	})
}

// ---- what is held ------------------------------------------------------------------

func TestARequestAndItsCallBecomeOneSettledTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, nil)
		defer p.stop()
		td := ptrace.NewTraces()
		addSpan(td, 7, 2, false, nil)
		p.send(td)
		td = ptrace.NewTraces()
		addSpan(td, 7, 1, true, nil)
		p.send(td)
		time.Sleep(50 * time.Millisecond)
		assert.Empty(t, p.sink.batches())
		assert.EqualValues(t, 2, p.count("held_spans"))
		time.Sleep(200 * time.Millisecond)
		spans := p.sink.spans()
		require.Len(t, spans, 2)
		assert.Len(t, p.sink.batches(), 1, "in one batch")
		root, child := spans[pcommon.SpanID{1}], spans[pcommon.SpanID{2}]
		assert.Equal(t, pcommon.TraceID{1}, child.TraceID())
		assert.Equal(t, root.SpanID(), child.ParentSpanID())
		assert.Equal(t, map[string]any{"url.path": "/", "stitch.settled": true}, root.Attributes().AsRaw())
		assert.Equal(t, "thread", child.Attributes().AsRaw()["stitch.method"])
		assert.InDelta(t, 0.9999, child.Attributes().AsRaw()["stitch.confidence"], 1e-4)
		assert.Len(t, child.Attributes().AsRaw(), 3, "the evidence is gone")
		rs := p.sink.batches()[0].ResourceSpans().At(0)
		assert.Equal(t, map[string]any{"host.id": "h", "process.pid": int64(7)}, rs.Resource().Attributes().AsRaw())
		assert.Equal(t, "https://resource", rs.SchemaUrl())
		assert.Equal(t, "kernel", rs.ScopeSpans().At(0).Scope().Name())
		assert.Equal(t, "https://scope", rs.ScopeSpans().At(0).SchemaUrl())
		assert.EqualValues(t, 1, p.count("links", "method", "thread"))
		assert.EqualValues(t, 2, p.count("released_spans", "reason", "settled"))
		assert.EqualValues(t, 1, p.count("released_traces", "reason", "settled"))
		assert.EqualValues(t, 0, p.count("held_spans"))
	})
}

func TestEvidenceIsKeptOnDemandAndTheWatermarkNever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, func(c *Config) { c.KeepEvidence = true })
		td := ptrace.NewTraces()
		span := addSpan(td, 7, 1, true, nil)
		want := span.Attributes().AsRaw()
		watermark(td, 7, 5*second)
		p.send(td)
		p.stop()
		got := p.sink.spans()[pcommon.SpanID{1}]
		assert.Equal(t, want, got.Attributes().AsRaw())
		scope := p.sink.batches()[0].ResourceSpans().At(0).ScopeSpans().At(0).Scope()
		assert.Zero(t, scope.Attributes().Len(), "it is not true of another order")
	})
}

func TestAnUndecidedCallIsGivenUpWhenItsProcessHasDeliveredEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, nil)
		defer p.stop()
		td := ptrace.NewTraces()
		addSpan(td, 7, 2, false, nil)
		watermark(td, 7, 3*second)
		p.send(td)
		time.Sleep(time.Second)
		assert.Empty(t, p.sink.batches(), "a request of its time may still come")
		td = ptrace.NewTraces()
		watermark(td, 7, 3*second+1)
		p.send(td)
		time.Sleep(time.Second)
		require.Len(t, p.sink.spans(), 1)
		assert.EqualValues(t, 1, p.count("orphans", "cause", "no_candidate"))
		assert.EqualValues(t, 1, p.count("released_traces", "reason", "settled"))
	})
}

func TestWithoutAWatermarkTheDeadlineDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, nil)
		defer p.stop()
		td := ptrace.NewTraces()
		addSpan(td, 7, 2, false, nil)
		p.send(td)
		time.Sleep(9700 * time.Millisecond)
		assert.Empty(t, p.sink.batches())
		time.Sleep(400 * time.Millisecond)
		assert.Len(t, p.sink.spans(), 1)
		assert.EqualValues(t, 1, p.count("orphans", "cause", "deadline"))
	})
}

func TestLowConfidence(t *testing.T) {
	play := func(t *testing.T, policy LowConfidence) *plant {
		p := start(t, func(c *Config) { c.LowConfidence, c.MinConfidence = policy, 1 })
		td := ptrace.NewTraces()
		addSpan(td, 7, 2, false, func(e *evidence.Exchange) { e.Request.IO = 2 })
		addSpan(td, 7, 1, true, func(e *evidence.Exchange) { e.Response.TID = 9 })
		watermark(td, 7, 5*second)
		p.send(td)
		time.Sleep(time.Second)
		p.stop()
		return p
	}
	synctest.Test(t, func(t *testing.T) {
		p := play(t, LowConfidenceLink)
		span := p.sink.spans()[pcommon.SpanID{2}]
		assert.True(t, span.ParentSpanID().IsEmpty())
		require.Equal(t, 1, span.Links().Len())
		assert.Equal(t, pcommon.SpanID{1}, span.Links().At(0).SpanID())
		assert.Equal(t, pcommon.TraceID{1}, span.Links().At(0).TraceID())
		assert.EqualValues(t, 1, p.count("low_confidence", "method", "adjacent"))
		assert.EqualValues(t, 1, p.count("orphans", "cause", "weak"))
	})
	synctest.Test(t, func(t *testing.T) {
		p := play(t, LowConfidenceDrop)
		span := p.sink.spans()[pcommon.SpanID{2}]
		assert.True(t, span.ParentSpanID().IsEmpty())
		assert.Zero(t, span.Links().Len())
		assert.EqualValues(t, 1, p.count("orphans", "cause", "weak"))
	})
}

func TestTheCallersContextIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, nil)
		const context = "w3c:4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7:01"
		td := ptrace.NewTraces()
		addSpan(td, 7, 2, false, func(e *evidence.Exchange) { e.Context, e.Request.TID = context, 5 })
		addSpan(td, 7, 1, true, func(e *evidence.Exchange) { e.Context = context })
		addSpan(td, 7, 3, false, func(e *evidence.Exchange) {
			e.Context, e.Request.TID = "w3c:4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b8:01", 6
		})
		watermark(td, 7, 5*second)
		p.send(td)
		time.Sleep(time.Second)
		p.stop()
		spans := p.sink.spans()
		assert.Equal(t, pcommon.SpanID{1}, spans[pcommon.SpanID{2}].ParentSpanID(), "handed on unchanged")
		assert.Equal(t, "00f067aa0ba902b8", spans[pcommon.SpanID{3}].ParentSpanID().String(), "by an SDK")
		for id, span := range spans {
			assert.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", span.TraceID().String(), id)
			assert.Equal(t, "context", span.Attributes().AsRaw()["stitch.method"])
		}
	})
}
