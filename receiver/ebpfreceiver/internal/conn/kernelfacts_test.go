package conn

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/simkernel"
)

func TestRetransmitsBelongToTheExchangeUnderWay(t *testing.T) {
	for _, tt := range []struct {
		name   string
		server bool
		play   func(w *world, s *simkernel.Socket)
		want   []string
		late   uint64
	}{
		{"of a request that was lost", false, func(w *world, s *simkernel.Socket) {
			s.Write(w.thread, "Q a\n")
			s.Retransmit(w.thread)
			s.Retransmit(w.thread)
			s.Read(w.thread, "A ok\n")
			s.Write(w.thread, "Q b\n")
			s.Read(w.thread, "A ok\n")
		}, []string{"client a answered ok retransmits 2", "client b answered ok"}, 0},
		{"of the handshake, to the first call", false, func(w *world, s *simkernel.Socket) {
			s.Retransmit(w.thread)
			s.Write(w.thread, "Q a\n")
			s.Read(w.thread, "A ok\n")
		}, []string{"client a answered ok retransmits 1"}, 0},
		{"of a request that is still being written", false, func(w *world, s *simkernel.Socket) {
			s.Write(w.thread, "Q")
			s.Retransmit(w.thread)
			s.Write(w.thread, " a\n")
			s.Read(w.thread, "A ok\n")
		}, []string{"client a answered ok retransmits 1"}, 0},
		{"of pipelined calls, to the oldest", false, func(w *world, s *simkernel.Socket) {
			s.Write(w.thread, "Q a\nQ b\n")
			s.Retransmit(w.thread)
			s.Read(w.thread, "A ok\n")
			s.Read(w.thread, "A ok\n")
		}, []string{"client a answered ok retransmits 1", "client b answered ok"}, 0},
		{"of a response that is still being written", true, func(w *world, s *simkernel.Socket) {
			s.Read(w.thread, "Q a\n")
			s.Write(w.thread, "A")
			s.Retransmit(w.thread)
			s.Write(w.thread, " ok\n")
		}, []string{"server a answered ok retransmits 1"}, 0},
		{"but not of a response that was written, to the next request", true, func(w *world, s *simkernel.Socket) {
			s.Read(w.thread, "Q a\n")
			s.Write(w.thread, "A ok\n")
			s.Retransmit(w.thread)
			s.Read(w.thread, "Q b\n")
			s.Write(w.thread, "A ok\n")
			s.Retransmit(w.thread)
			s.Close(0)
			w.tick(time.Second)
		}, []string{"server a answered ok", "server b answered ok"}, 2},
		{"of a request that nobody answered", false, func(w *world, s *simkernel.Socket) {
			s.Write(w.thread, "Q a\n")
			s.Retransmit(w.thread)
			s.Close(110)
			w.tick(time.Second)
		}, []string{"client a closed retransmits 1 errno 110"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, nil)
			s := w.Dial(w.thread, local, remote)
			if tt.server {
				s = w.Accept(w.thread, local, remote)
			}
			tt.play(w, s)
			assert.Equal(t, tt.want, w.summary())
			assert.Equal(t, tt.late, w.table.Stats().LateRetransmits)
		})
	}
}

func TestAConnectThatFailsIsAnExchange(t *testing.T) {
	const refused = 111
	w := newWorld(t, nil)
	w.Accept(w.thread, "10.0.0.1:80", remote).Read(w.thread, "Q in\n")
	s := w.Dial(w.thread, local, remote)
	connected := w.Now
	s.Retransmit(w.thread)
	w.Sleep(time.Second)
	s.Fail(w.thread, refused)
	w.tick(30 * time.Millisecond)
	require.Len(t, w.got, 1)
	e := w.got[0]
	assert.Equal(t, connected, e.Request.Start)
	assert.Greater(t, e.End, connected+uint64(time.Second))
	assert.True(t, e.Opened)
	assert.Equal(t, uint32(1), e.Conn.At.IO, "the request was read before")
	assert.Zero(t, e.Request.At.IO, "connect is no I/O")
	assert.Equal(t, w.thread.Point.TID, e.Request.At.TID)
	assert.Equal(t, []string{"client ? unconnected retransmits 1 errno 111"}, w.summary())
}

func TestAConnectionThatMovesNothingIsNoExchange(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.Ignore = func(c *event.Conn) bool { return c.Remote.Port() == 9 }
	})
	s := w.Dial(w.thread, local, remote)
	s.Retransmit(w.thread)
	s.Close(104)
	w.Dial(w.thread, local, "10.0.0.9:9").Fail(w.thread, 111) // nobody's business
	w.tick(30 * time.Millisecond)
	assert.Empty(t, w.summary())
}
