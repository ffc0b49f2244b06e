package event_test

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/bpf"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

// handler keeps copies of what it is given.
type handler struct {
	conns     []event.Conn
	ios       []event.IO
	closes    []event.Close
	again     []event.Retransmit
	processes []event.Process
}

func (h *handler) Conn(c *event.Conn)             { h.conns = append(h.conns, *c) }
func (h *handler) IO(e *event.IO)                 { h.ios = append(h.ios, *e) }
func (h *handler) Close(c *event.Close)           { h.closes = append(h.closes, *c) }
func (h *handler) Retransmit(r *event.Retransmit) { h.again = append(h.again, *r) }
func (h *handler) Process(p *event.Process)       { h.processes = append(h.processes, *p) }

func bytesOf(t testing.TB, parts ...any) []byte {
	t.Helper()
	var out []byte
	for _, part := range parts {
		var err error
		out, err = binary.Append(out, binary.LittleEndian, part)
		require.NoError(t, err)
	}
	return out
}

func ioRecord(handoffs uint8, captured uint16) bpf.CaptureIoRecord {
	return bpf.CaptureIoRecord{
		Type: 2, Direction: 1, Role: 2, Handoffs: handoffs, Flags: uint16(event.Head | event.WaitedEpoll), Captured: captured,
		Conn: 7, EnterNs: 100, ExitNs: 110, Seq: 4294967290, Len: 500,
		At:   bpf.CaptureThreadPoint{Pid: 1, Tid: 2, Io: 3, Tick: 4, Goid: 5, GoidParent: 6},
		Comm: [16]uint8{'n', 'g', 'i', 'n', 'x'},
	}
}

func TestAnIORecordCarriesHandoffsAndPayload(t *testing.T) {
	h := &handler{}
	wire := bytesOf(t, ioRecord(2, 5),
		bpf.CaptureHandoff{TimeNs: 90, Address: 0xaa, SourceTid: 8, SourceIo: 9, WakerTid: 10, SourceKind: 4, Edge: 1, Hops: 1},
		bpf.CaptureHandoff{TimeNs: 95, SourceTid: 11}, []byte("hello"))
	var d event.Decoder
	require.NoError(t, d.Decode(wire, h))
	require.Len(t, h.ios, 1)
	assert.Equal(t, event.IO{
		ConnID: 7, Direction: event.Egress, Role: event.RoleClient, Flags: event.Head | event.WaitedEpoll,
		Enter: 100, Exit: 110, Seq: 4294967290, Len: 500,
		At:   event.Point{PID: 1, TID: 2, IO: 3, Tick: 4, Goid: 5, GoidParent: 6},
		Comm: "nginx",
		Handoffs: []event.Handoff{
			{Time: 90, Address: 0xaa, SourceTID: 8, SourceIO: 9, WakerTID: 10, SourceKind: 4, Edge: 1, Hops: 1},
			{Time: 95, SourceTID: 11},
		},
		Payload: []byte("hello"),
	}, h.ios[0])
}

func TestTheOtherRecordsAreRead(t *testing.T) {
	h := &handler{}
	var d event.Decoder
	conn := bpf.CaptureConnRecord{Type: 1, Role: 1, Family: 2, Found: 1, Conn: 7, TimeNs: 50, LocalPort: 80, RemotePort: 4242, Netns: 99}
	copy(conn.LocalAddr[10:], []byte{0xff, 0xff, 127, 0, 0, 1})
	conn.RemoteAddr[15] = 1
	require.NoError(t, d.Decode(bytesOf(t, conn), h))
	require.NoError(t, d.Decode(bytesOf(t, bpf.CaptureCloseRecord{Type: 3, Connecting: 1, Error: 111, Conn: 7, TimeNs: 60}), h))
	require.NoError(t, d.Decode(bytesOf(t, bpf.CaptureRetransmitRecord{Type: 5, Conn: 7, TimeNs: 65}), h))
	require.NoError(t, d.Decode(bytesOf(t, bpf.CaptureProcRecord{Type: 4, Change: 4, Port: 8080, Pid: 12, Parent: 11, TimeNs: 70, Comm: [16]uint8{'s', 'h'}}), h))
	require.Len(t, h.conns, 1)
	assert.Equal(t, "127.0.0.1:80", h.conns[0].Local.String())
	assert.Equal(t, "[::1]:4242", h.conns[0].Remote.String())
	assert.Equal(t, event.RoleServer, h.conns[0].Role)
	assert.True(t, h.conns[0].Found)
	assert.Equal(t, []event.Close{{ConnID: 7, Time: 60, Errno: 111, Connecting: true}}, h.closes)
	assert.Equal(t, []event.Retransmit{{ConnID: 7, Time: 65}}, h.again)
	assert.Equal(t, []event.Process{{Change: event.Listen, PID: 12, Parent: 11, Port: 8080, Time: 70, Comm: "sh"}}, h.processes)
}

func TestACallThatBeganBeforeTracingHasNoDuration(t *testing.T) {
	h := &handler{}
	r := ioRecord(0, 0)
	r.EnterNs = 0
	var d event.Decoder
	require.NoError(t, d.Decode(bytesOf(t, r), h))
	assert.Equal(t, h.ios[0].Exit, h.ios[0].Enter)
}

func TestMalformedRecordsAreErrors(t *testing.T) {
	for name, record := range map[string][]byte{
		"empty":                         {},
		"unknown type":                  {9, 0, 0, 0},
		"cut conn":                      {1, 0, 0},
		"cut io":                        {2, 0, 0},
		"cut close":                     {3},
		"cut process":                   {4},
		"cut retransmit":                {5},
		"fewer handoffs than it claims": bytesOf(t, ioRecord(2, 0)),
		"less payload than it claims":   bytesOf(t, ioRecord(0, 9), []byte("short")),
	} {
		t.Run(name, func(t *testing.T) {
			h := &handler{}
			var d event.Decoder
			assert.ErrorIs(t, d.Decode(record, h), event.ErrRecord)
			assert.Empty(t, h.ios)
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(bytesOf(f, ioRecord(0, 5), []byte("hello")))
	f.Add(bytesOf(f, bpf.CaptureConnRecord{Type: 1}))
	f.Fuzz(func(_ *testing.T, record []byte) {
		var d event.Decoder
		_ = d.Decode(record, &handler{})
	})
}

func BenchmarkDecode(b *testing.B) {
	record := bytesOf(b, ioRecord(1, 200), bpf.CaptureHandoff{TimeNs: 90}, make([]byte, 200))
	var d event.Decoder
	h := discard{}
	b.ReportAllocs()
	for b.Loop() {
		_ = d.Decode(record, h)
	}
}

type discard struct{}

func (discard) Conn(*event.Conn)             {}
func (discard) IO(*event.IO)                 {}
func (discard) Close(*event.Close)           {}
func (discard) Retransmit(*event.Retransmit) {}
func (discard) Process(*event.Process)       {}
