package tailhook

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/policy"
)

// baseline has the policies of the measurements in the README.
var baseline = []policy.Config{
	errorsPolicy,
	{Name: "slow", Type: policy.Latency, Latency: policy.LatencyConfig{ThresholdMs: 500}},
	{Name: "some", Type: policy.Probabilistic, Probabilistic: policy.ProbabilisticConfig{SamplingPercentage: 10}},
}

// stream makes calls of 500 spans, five of each trace in a call, and each trace
// in two calls. Renumber gives them new trace ids.
func stream() ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "checkout")
	ss := rs.ScopeSpans().AppendEmpty()
	for i := range 500 {
		s := ss.Spans().AppendEmpty()
		s.SetSpanID(pcommon.SpanID{byte(i), byte(i >> 8), 1})
		s.SetParentSpanID(pcommon.SpanID{1, 1})
		s.SetName("GET /api/v1/orders")
		s.SetKind(ptrace.SpanKindServer)
		s.SetStartTimestamp(1_700_000_000_000_000_000)
		s.SetEndTimestamp(1_700_000_000_100_000_000)
		s.Attributes().PutStr("http.request.method", "GET")
		s.Attributes().PutStr("url.path", fmt.Sprintf("/api/v1/orders/%06d", i))
		s.Attributes().PutInt("http.response.status_code", 200)
		s.Attributes().PutStr("server.address", "orders-7d9f6c5b4-x2x7k.shop.svc.cluster.local.example")
	}
	return td
}

func renumber(td ptrace.Traces, call int) {
	for i, s := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		n := uint64(call/2*100 + i/5)
		var id pcommon.TraceID
		binary.BigEndian.PutUint64(id[:], n*0x9e3779b97f4a7c15)
		binary.BigEndian.PutUint64(id[8:], n*0xbf58476d1ce4e5b9)
		s.SetTraceID(id)
	}
}

// BenchmarkHook is the cost of a span from ConsumeTraces to its decision and,
// for one in ten, delivery.
func BenchmarkHook(b *testing.B) {
	for _, shards := range []uint32{1, 2} {
		b.Run(fmt.Sprintf("%d shards", shards), func(b *testing.B) {
			cfg := createDefaultConfig().(*Config)
			cfg.Policies, cfg.NumShards, cfg.DecisionWait = baseline, shards, time.Second
			h, err := newHook(nopSettings(), cfg, consumertest.NewNop())
			if err != nil {
				b.Fatal(err)
			}
			if err := h.Start(context.Background(), componenttest.NewNopHost()); err != nil {
				b.Fatal(err)
			}
			td := stream()
			call := 0
			b.ReportAllocs()
			for b.Loop() {
				renumber(td, call)
				call++
				if err := h.ConsumeTraces(context.Background(), td); err != nil {
					b.Fatal(err)
				}
			}
			if err := h.Shutdown(context.Background()); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(500*b.N), "ns/span")
		})
	}
}

// BenchmarkHookStored is the same with file_storage, four callers at a time.
func BenchmarkHookStored(b *testing.B) {
	f := filestorage.NewFactory()
	dir := f.CreateDefaultConfig().(*filestorage.Config)
	dir.Directory = b.TempDir()
	ext, err := f.Create(context.Background(), extensiontest.NewNopSettings(f.Type()), dir)
	require.NoError(b, err)
	require.NoError(b, ext.Start(context.Background(), componenttest.NewNopHost()))
	host := &storageHost{Host: componenttest.NewNopHost(), id: component.NewID(f.Type()), ext: ext}
	cfg := createDefaultConfig().(*Config)
	cfg.Policies, cfg.DecisionWait, cfg.Storage = baseline, time.Second, &host.id
	h, err := newHook(nopSettings(), cfg, consumertest.NewNop())
	require.NoError(b, err)
	require.NoError(b, h.Start(context.Background(), host))
	var calls atomic.Int64
	b.SetParallelism(2)
	b.RunParallel(func(pb *testing.PB) {
		td := stream()
		for pb.Next() {
			renumber(td, int(calls.Add(1)))
			if err := h.ConsumeTraces(context.Background(), td); err != nil {
				b.Error(err)
				return
			}
		}
	})
	require.NoError(b, h.Shutdown(context.Background()))
	require.NoError(b, ext.Shutdown(context.Background()))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(500*b.N), "ns/span")
}
