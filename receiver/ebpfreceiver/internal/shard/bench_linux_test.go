package shard

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"golang.org/x/sys/unix"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/monotime"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/registry"
)

// processCPU is the CPU time of this process.
func processCPU() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// requests are the events of one HTTP request to a server, over and over.
type requests struct {
	in, out event.IO
	ordinal uint32
	now     uint64
}

func newRequests(id uint64) *requests {
	in := "GET /cart/items?id=17 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n"
	out := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
	handoffs := []event.Handoff{{Time: 1, Address: 2, SourceTID: 3, SourceIO: 4, WakerTID: 3, SourceKind: 4, Edge: 1}}
	return &requests{
		in:  event.IO{ConnID: id, Role: event.RoleServer, Len: uint32(len(in)), Payload: []byte(in), Comm: "worker", Flags: event.Head},
		out: event.IO{ConnID: id, Role: event.RoleServer, Direction: event.Egress, Len: uint32(len(out) + 500), Payload: []byte(out), Comm: "worker", Handoffs: handoffs, Flags: event.Head},
	}
}

func (r *requests) send(h event.Handler) {
	for _, io := range [...]*event.IO{&r.in, &r.out} {
		r.now += 1000
		r.ordinal++
		io.At = event.Point{PID: 100, TID: 101, IO: r.ordinal}
		io.Enter, io.Exit = r.now-500, r.now
		h.IO(io)
		io.Seq += io.Len
	}
}

// BenchmarkRequest sends requests through the whole core, from events to batches
// of spans. cpu-ns/op is the CPU time of all goroutines, with garbage collection.
func BenchmarkRequest(b *testing.B) {
	for name, evidence := range map[string]bool{"evidence": true, "plain": false} {
		b.Run(name, func(b *testing.B) {
			o := defaults()
			o.Workers = 1
			o.MaxSpans = 1 << 20
			o.Span.Evidence = evidence
			o.Conn.Protocols = registry.All()
			o.Clock = &monotime.System{}
			resource := pcommon.NewResource()
			o.Resource = func(uint32) (pcommon.Resource, bool) { return resource, true }
			spans := 0
			o.Consume = func(_ context.Context, t ptrace.Traces) { spans += t.SpanCount() }
			core, err := Start(&o)
			require.NoError(b, err)
			h := core.Handler()
			address := netip.MustParseAddrPort("10.0.0.1:80")
			h.Conn(&event.Conn{ID: 1, Role: event.RoleServer, Time: 1, Local: address, Remote: address})
			r := newRequests(1)
			r.now = o.Clock.Now().Mono
			b.ReportAllocs()
			begin := processCPU()
			for b.Loop() {
				r.send(h)
			}
			require.NoError(b, core.Shutdown(b.Context()))
			b.ReportMetric(float64(processCPU()-begin)/float64(b.N), "cpu-ns/op")
			s := core.Stats()
			require.EqualValues(b, 2*b.N+1, s.Events+s.DroppedIO, "every event is accounted for")
			if s.DroppedIO == 0 { // a machine that is too busy may drop some
				require.Equal(b, b.N, spans+int(s.DroppedSpans))
			}
		})
	}
}

// BenchmarkInlet is what the reader of the ring buffer pays per event.
func BenchmarkInlet(b *testing.B) {
	in, err := newInlet(1, 100)
	require.NoError(b, err)
	go func() {
		for batch := range in.lanes[0].queue {
			batch.reset()
			in.lanes[0].free <- batch
		}
	}()
	r := newRequests(1)
	b.ReportAllocs()
	for b.Loop() {
		r.send(in)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(2*b.N), "ns/event")
	close(in.lanes[0].queue)
}

// BenchmarkWorker is what a worker pays per request, from events to a finished
// span: streams, connection, protocol and span, in one goroutine.
func BenchmarkWorker(b *testing.B) {
	for name, evidence := range map[string]bool{"evidence": true, "plain": false} {
		b.Run(name, func(b *testing.B) {
			o := defaults()
			o.Workers, o.Span.Evidence, o.Conn.Protocols = 1, evidence, registry.All()
			w := newWorker(&o, 0)
			address := netip.MustParseAddrPort("10.0.0.1:80")
			w.table.Conn(&event.Conn{ID: 1, Role: event.RoleServer, Time: 1, Local: address, Remote: address})
			r := newRequests(1)
			b.ReportAllocs()
			for b.Loop() {
				r.send(direct{w})
				if w.builder.Count() == 1000 {
					w.builder.Take()
				}
			}
			require.Zero(b, w.dropped)
		})
	}
}

// direct hands events to a worker without a batch between them.
type direct struct{ w *worker }

func (d direct) IO(io *event.IO)              { d.w.table.IO(io, false) }
func (d direct) Conn(c *event.Conn)           { d.w.table.Conn(c) }
func (d direct) Close(c *event.Close)         { d.w.table.Close(c) }
func (d direct) Retransmit(*event.Retransmit) {}
func (d direct) Process(*event.Process)       {}
