package conn

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/registry"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/simkernel"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/stream"
)

// script turns fuzz data into events: five bytes each say what happens, on which
// of four connections, how far the position jumps and how long the payload is,
// which follows.
type script struct {
	table *Table
	now   uint64
	seq   [4][2]uint32
}

func (s *script) play(data []byte) {
	for len(data) >= 5 {
		op, jump, extra, n := data[0], int8(data[1]), data[2], binary.LittleEndian.Uint16(data[3:])
		data = data[5:]
		id := uint64(op>>6) + 1
		s.now += uint64(extra) * uint64(time.Microsecond)
		switch op & 0x0f {
		case 0:
			s.table.Conn(&event.Conn{ID: id, Role: event.Role(extra % 3), Time: s.now, At: event.Point{PID: 1}})
		case 1:
			s.table.Close(&event.Close{ConnID: id, Time: s.now, Errno: uint32(extra)})
		case 2:
			s.table.Exit(uint32(extra%3), s.now)
		case 3:
			s.now += uint64(n) * uint64(time.Millisecond)
			s.table.Tick(s.now, func(uint32, event.Role, uint64) {})
		default:
			size := min(int(n%512), len(data))
			s.io(id, op, jump, extra, data[:size])
			data = data[size:]
		}
	}
}

func (s *script) io(id uint64, op byte, jump int8, extra byte, payload []byte) {
	d := event.Direction(op >> 4 & 1)
	seq := s.seq[id-1][d]
	if op&0x0f > 12 {
		seq += uint32(int32(jump)) // a hole, or bytes again
	}
	length := uint32(len(payload))
	if op&0x0f > 10 {
		length += uint32(extra) // not captured whole
	}
	s.table.IO(&event.IO{
		ConnID: id, Direction: d, Flags: event.Flags(op >> 5 & 1), Enter: s.now, Exit: s.now + 1, Seq: seq, Len: length,
		At: event.Point{PID: 1 + uint32(extra%2), TID: uint32(extra), IO: 1}, Payload: payload,
	}, op&0x0f == 9)
	s.seq[id-1][d] = seq + length
}

// FuzzTable demands that no sequence of events breaks the table: nothing is
// delivered twice or half, and nothing is left behind at the end.
func FuzzTable(f *testing.F) {
	event := func(op byte, payload string) []byte {
		head := []byte{op, 0, 10, 0, 0}
		binary.LittleEndian.PutUint16(head[3:], uint16(len(payload)))
		return append(head, payload...)
	}
	f.Add(append(append([]byte{0, 0, 1, 0, 0}, event(0x24, "Q a\nQ b\n")...), event(0x34, "A ok\nA ok\n")...))
	f.Add(append(append([]byte{0, 0, 1, 0, 0}, event(0x24, "GET / HTTP/1.1\r\n\r\n")...), event(0x34, "HTTP/1.1 200 OK\r\n\r\n")...))
	f.Add(append(append([]byte{0, 0, 2, 0, 0}, event(0x34, "*1\r\n$4\r\nPING\r\n")...), event(0x24, "+PONG\r\n")...))
	f.Add(append(append([]byte{0, 0, 0, 0, 0}, event(0x2b, "xx")...), event(0x3d, "yy")...))
	f.Fuzz(func(t *testing.T, data []byte) {
		o := testOptions()
		o.MaxConnections, o.MaxPending, o.MaxExchanges = 3, 4, 6
		o.Bytes = stream.Limits{StreamBytes: 700, TotalBytes: 1500}
		o.Protocols = append([]protocol.Protocol{simkernel.Line()}, registry.All()...)
		delivered := uint64(0)
		s := &script{now: uint64(time.Hour)}
		s.table = New(o, func(e *Exchange) {
			delivered++
			require.NotEqual(t, event0, e.Conn.Role, "an exchange has a role")
			require.Positive(t, e.Request.Ops+boolOps(e.Lossy), "an exchange has a request")
			require.LessOrEqual(t, len(e.Request.Handoffs), 8)
			if e.Outcome == Answered {
				require.GreaterOrEqual(t, e.End, e.Response.Start)
			}
		})
		s.play(data)
		stats := s.table.Stats()
		require.LessOrEqual(t, stats.Connections, 3)
		require.LessOrEqual(t, stats.Pending, 6)
		require.LessOrEqual(t, stats.Buffered, 1500)
		s.table.Shutdown(s.now)
		stats = s.table.Stats()
		require.Zero(t, stats.Connections)
		require.Zero(t, stats.Pending)
		require.Zero(t, stats.Buffered)
		require.Empty(t, s.table.busy)
		require.Equal(t, delivered, stats.Delivered)
	})
}

const event0 = event.RoleUnknown

// boolOps lets a request whose segments were all lost pass, if it says so.
func boolOps(lossy bool) uint32 {
	if lossy {
		return 1
	}
	return 0
}
