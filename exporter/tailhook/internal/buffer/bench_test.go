package buffer

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// plainTraces is the load of the baselines: 261 bytes a span.
func plainTraces(spans, perTrace int) ptrace.Traces {
	r := rand.New(rand.NewPCG(1, 2))
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "checkout")
	ss := rs.ScopeSpans().AppendEmpty()
	for i := range spans {
		s := ss.Spans().AppendEmpty()
		s.SetTraceID(traceID(i / perTrace))
		s.SetSpanID(pcommon.SpanID{byte(i), byte(i >> 8), 1})
		s.SetParentSpanID(pcommon.SpanID{1, 1})
		s.SetName("GET /api/v1/orders")
		s.SetKind(ptrace.SpanKindServer)
		s.SetStartTimestamp(1_700_000_000_000_000_000)
		s.SetEndTimestamp(1_700_000_000_100_000_000)
		s.Attributes().PutStr("http.request.method", "GET")
		s.Attributes().PutStr("url.path", "/api/v1/orders/"+fmt.Sprint(r.IntN(1e6)))
		s.Attributes().PutInt("http.response.status_code", 200)
		s.Attributes().PutStr("server.address", "orders.shop.svc")
	}
	return td
}

func BenchmarkEncode(b *testing.B) {
	for _, spans := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("%d spans", spans), func(b *testing.B) {
			td := plainTraces(spans, 5)
			batch := newBatch(2)
			fill(b, batch, td)
			b.ReportMetric(float64(batch.Size())/float64(spans), "B/span")
			for b.Loop() {
				fill(b, batch, td)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*spans), "ns/span")
		})
	}
}

func BenchmarkHoldAndDrop(b *testing.B) {
	td := plainTraces(1000, 5)
	batch := newBatch(1)
	fill(b, batch, td)
	s := NewStore()
	held := make([]Content, len(batch.Fragments()))
	for b.Loop() {
		s.Begin(batch)
		for i := range held {
			s.Append(&held[i], &batch.Fragments()[i], 0)
		}
		for i := range held {
			s.Drop(&held[i])
		}
		s.End()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*1000), "ns/span")
}

func BenchmarkAssemble(b *testing.B) {
	batch := newBatch(1)
	fill(b, batch, plainTraces(1000, 10))
	s := NewStore()
	held := make([]Content, len(batch.Fragments()))
	s.Begin(batch)
	for i := range held {
		s.Append(&held[i], &batch.Fragments()[i], 0)
	}
	var buf []byte
	for b.Loop() {
		for i := range held {
			buf = s.Assemble(buf[:0], batch.Fragments()[i].ID, &held[i])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*1000), "ns/span")
}
