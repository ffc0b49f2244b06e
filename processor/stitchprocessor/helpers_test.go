package stitchprocessor

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
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

func (s *sink) batches() []ptrace.Traces {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func (s *sink) refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *sink) spans() map[pcommon.SpanID]ptrace.Span {
	all := map[pcommon.SpanID]ptrace.Span{}
	for _, td := range s.batches() {
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
			v, ok := dp.Attributes.Value(attribute.Key(attributes[i]))
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
