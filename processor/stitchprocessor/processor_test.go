package stitchprocessor

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/metadatatest"
)

// sink is the next component. Its zero value takes everything.
type sink struct {
	mu    sync.Mutex
	got   []ptrace.Traces
	err   error
	block chan struct{} // if not nil, it blocks until this or the context is closed
}

func (*sink) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (s *sink) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	if s.block != nil {
		select {
		case <-s.block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.got = append(s.got, td)
	return nil
}

func (s *sink) spans() map[pcommon.SpanID]ptrace.Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[pcommon.SpanID]ptrace.Span{}
	for _, td := range s.got {
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

// plant is a running processor.
type plant struct {
	*stitcher
	t    *testing.T
	sink *sink
	tel  *componenttest.Telemetry
}

func start(t *testing.T, change func(*Config)) *plant {
	c := defaults()
	if change != nil {
		change(c)
	}
	require.NoError(t, c.Validate())
	p := &plant{t: t, sink: &sink{}, tel: componenttest.NewTelemetry()}
	s, err := newStitcher(metadatatest.NewSettings(p.tel), c, p.sink)
	require.NoError(t, err)
	p.stitcher = s
	require.NoError(t, s.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, p.tel.Shutdown(context.Background())) })
	return p
}

func (p *plant) stop() { require.NoError(p.t, p.Shutdown(context.Background())) }

func (p *plant) send(td ptrace.Traces) { require.NoError(p.t, p.ConsumeTraces(p.t.Context(), td)) }

// count is the sum of a metric over the data points that have these attributes.
func (p *plant) count(name string, attributes ...string) int64 {
	p.t.Helper()
	m, err := p.tel.GetMetric("otelcol_processor_stitch_" + name)
	if err != nil {
		return 0
	}
	var points []metricdata.DataPoint[int64]
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		points = data.DataPoints
	case metricdata.Gauge[int64]:
		points = data.DataPoints
	}
	var sum int64
	for _, dp := range points {
		matches := true
		for i := 0; i < len(attributes); i += 2 {
			v, ok := dp.Attributes.Value(attributeKey(attributes[i]))
			matches = matches && ok && v.AsString() == attributes[i+1]
		}
		if matches {
			sum += dp.Value
		}
	}
	return sum
}

// ---- spans by hand ---------------------------------------------------------------

const second = int64(time.Second)

// addSpan adds a span of process pid to td: thread 1 reads request R as its first I/O
// and answers with its fourth; calls are its second and third.
func addSpan(td ptrace.Traces, pid int64, id byte, server bool, change func(*evidence.Exchange)) ptrace.Span {
	ss := scopeOf(td, pid)
	span := ss.Spans().AppendEmpty()
	span.SetSpanID(pcommon.SpanID{id})
	span.SetTraceID(pcommon.TraceID{id})
	e := evidence.Exchange{ConnID: uint64(id), Ordinal: 1}
	e.Request = evidence.Message{Start: 1 * second, End: 1 * second, Point: evidence.Point{TID: 1, IO: 1}}
	e.Response = evidence.Message{Start: 4 * second, End: 4 * second, Point: evidence.Point{TID: 1, IO: 4}}
	span.SetKind(ptrace.SpanKindServer)
	if !server {
		span.SetKind(ptrace.SpanKindClient)
		e.Request = evidence.Message{Start: 2 * second, End: 2 * second, Point: evidence.Point{TID: 1, IO: 2}}
		e.Response = evidence.Message{Start: 3 * second, End: 3 * second, Point: evidence.Point{TID: 1, IO: 3}}
	}
	if change != nil {
		change(&e)
	}
	span.SetStartTimestamp(pcommon.Timestamp(e.Request.Start))
	span.SetEndTimestamp(pcommon.Timestamp(e.Response.End))
	span.Attributes().PutStr("url.path", "/")
	e.Put(span)
	return span
}

func scopeOf(td ptrace.Traces, pid int64) ptrace.ScopeSpans {
	for _, rs := range td.ResourceSpans().All() {
		if v, ok := rs.Resource().Attributes().Get("process.pid"); ok && v.Int() == pid {
			return rs.ScopeSpans().At(0)
		}
	}
	rs := td.ResourceSpans().AppendEmpty()
	rs.SetSchemaUrl("https://resource")
	rs.Resource().Attributes().PutStr("host.id", "h")
	rs.Resource().Attributes().PutInt("process.pid", pid)
	ss := rs.ScopeSpans().AppendEmpty()
	ss.SetSchemaUrl("https://scope")
	ss.Scope().SetName("kernel")
	return ss
}

// plain adds a span without evidence.
func plain(td ptrace.Traces, pid int64, id byte) {
	span := scopeOf(td, pid).Spans().AppendEmpty()
	span.SetSpanID(pcommon.SpanID{id})
	span.SetTraceID(pcommon.TraceID{id})
	span.SetKind(ptrace.SpanKindServer)
	span.Attributes().PutStr("url.path", "/")
}

func watermark(td ptrace.Traces, pid, at int64) {
	scopeOf(td, pid).Scope().Attributes().PutInt(evidence.KeyWatermark, at)
}

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
		require.Len(t, p.sink.got, 1, "before ConsumeTraces returns")
		assert.Equal(t, want, p.sink.got[0])
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
		assert.Empty(t, p.sink.got)
	})
}

func TestARefusalOfPassingSpansIsReportedForThoseOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, nil)
		td := ptrace.NewTraces()
		addSpan(td, 7, 1, true, nil)
		plain(td, 7, 2)
		p.sink.err = errors.New("full")
		err := p.ConsumeTraces(t.Context(), td)
		var failed consumererror.Traces
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, 1, failed.Data().SpanCount())
		p.sink.mu.Lock()
		p.sink.err = nil
		p.sink.mu.Unlock()
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
		assert.Empty(t, p.sink.got)
		assert.EqualValues(t, 2, p.count("held_spans"))
		time.Sleep(200 * time.Millisecond)
		spans := p.sink.spans()
		require.Len(t, spans, 2)
		assert.Len(t, p.sink.got, 1, "in one batch")
		root, child := spans[pcommon.SpanID{1}], spans[pcommon.SpanID{2}]
		assert.Equal(t, pcommon.TraceID{1}, child.TraceID())
		assert.Equal(t, root.SpanID(), child.ParentSpanID())
		assert.Equal(t, map[string]any{"url.path": "/", "stitch.settled": true}, root.Attributes().AsRaw())
		assert.Equal(t, "thread", child.Attributes().AsRaw()["stitch.method"])
		assert.InDelta(t, 0.9999, child.Attributes().AsRaw()["stitch.confidence"], 1e-4)
		assert.Len(t, child.Attributes().AsRaw(), 3, "the evidence is gone")
		rs := p.sink.got[0].ResourceSpans().At(0)
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
		scope := p.sink.got[0].ResourceSpans().At(0).ScopeSpans().At(0).Scope()
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
		assert.Empty(t, p.sink.got, "a request of its time may still come")
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
		assert.Empty(t, p.sink.got)
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
