package kspan

import (
	"net/netip"
	"testing"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/conn"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/stream"
)

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// BenchmarkSpan makes HTTP server spans.
func BenchmarkSpan(b *testing.B) {
	point := event.Point{PID: 4711, TID: 4712, IO: 99, Tick: 12}
	e := &conn.Exchange{
		Conn:      &event.Conn{ID: 7, Role: event.RoleServer, Local: addr("10.0.0.1:8000"), Remote: addr("10.0.0.2:41000")},
		LocalText: "10.0.0.1", RemoteText: "10.0.0.2", Ordinal: 3, End: 3000,
		Request: stream.Message{
			Start: 1000, End: 1100, At: point, Comm: "worker", Seq: 1, Len: 200, Ops: 1, Waited: event.WaitedFutex,
			Handoffs: []event.Handoff{{Time: 900, Address: 0x7f0012345678, SourceTID: 4711, SourceIO: 5, WakerTID: 4711, SourceKind: 4, Edge: 1}},
		},
		Response: stream.Message{Start: 2000, End: 3000, At: point, Comm: "worker", Seq: 9, Len: 900, Ops: 2},
		RequestMessage: &protocol.Message{Kind: protocol.Request, Name: "GET", Attributes: []protocol.Attribute{
			protocol.String("http.request.method", "GET"), protocol.String("url.path", "/cart"), protocol.String("url.scheme", "http"),
			protocol.String("network.protocol.version", "1.1"), protocol.String("user_agent.original", "curl"), protocol.String("server.address", "shop"),
		}},
		ResponseMessage: &protocol.Message{Kind: protocol.Response, Attributes: []protocol.Attribute{protocol.Int("http.response.status_code", 200)}},
	}
	for name, o := range map[string]Options{"evidence": {Evidence: true}, "plain": {}} {
		b.Run(name, func(b *testing.B) {
			builder := NewBuilder(&o)
			b.ReportAllocs()
			for b.Loop() {
				builder.Add(e)
				if builder.Count() == 1000 {
					builder.Take()
				}
			}
		})
	}
}
