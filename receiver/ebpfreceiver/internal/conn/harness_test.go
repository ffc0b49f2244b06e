package conn

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/simkernel"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/stream"
)

const (
	local  = "10.0.0.1:8000"
	remote = "10.0.0.2:41000"
)

// world is a kernel, the table that listens to it and what the table delivered.
type world struct {
	*simkernel.Kernel
	table   *Table
	threads map[uint32]uint32 // last ordinal by tid; nil: nobody looks
	got     []Exchange
	open    map[uint32]uint64 // by the last tick
	process *simkernel.Process
	thread  *simkernel.Thread
}

func testOptions() *Options {
	return &Options{
		MaxConnections: 1000, MaxPending: 100, MaxExchanges: 1000,
		Bytes:           stream.Limits{StreamBytes: 64 << 10, TotalBytes: 1 << 20},
		ExchangeTimeout: time.Minute, IdleTimeout: time.Hour,
		Protocols: []protocol.Protocol{simkernel.Line()}, Parser: &protocol.Options{}, Opaque: true,
	}
}

func newWorld(t *testing.T, change func(*Options)) *world {
	o := testOptions()
	if change != nil {
		change(o)
	}
	w := &world{threads: map[uint32]uint32{}}
	w.table = New(o, func(e *Exchange) {
		lent := *e
		info := *e.Conn
		lent.Conn = &info
		lent.Request.Handoffs = append([]event.Handoff(nil), e.Request.Handoffs...)
		lent.Response.Handoffs = append([]event.Handoff(nil), e.Response.Handoffs...)
		w.got = append(w.got, lent)
	})
	w.Kernel = simkernel.New(handler{w})
	w.process = w.Process(100, "server")
	w.thread = w.process.Thread()
	t.Cleanup(func() { w.checkEmpty(t) })
	return w
}

// handler hands events to the table as a shard does.
type handler struct{ w *world }

func (h handler) Conn(ev *event.Conn) { h.w.table.Conn(ev) }

func (h handler) IO(io *event.IO) {
	if h.w.threads == nil {
		h.w.table.IO(io, false)
		return
	}
	last := h.w.threads[io.At.TID]
	h.w.threads[io.At.TID] = io.At.IO
	h.w.table.IO(io, io.At.IO != last+1)
}

func (h handler) Close(ev *event.Close) { h.w.table.Close(ev) }

func (h handler) Retransmit(ev *event.Retransmit) { h.w.table.Retransmit(ev) }

func (h handler) Process(ev *event.Process) {
	if ev.Change == event.Exit {
		h.w.table.Exit(ev.PID, ev.Time)
	}
}

// tick lets d pass and ticks.
func (w *world) tick(d time.Duration) {
	w.Sleep(d)
	w.open = map[uint32]uint64{}
	w.table.Tick(w.Now, func(pid uint32, role event.Role, since uint64) {
		if role == event.RoleClient {
			return
		}
		if at, ok := w.open[pid]; !ok || since < at {
			w.open[pid] = since
		}
	})
}

// checkEmpty shuts the table down and finds what it forgot to release.
func (w *world) checkEmpty(t *testing.T) {
	w.table.Shutdown(w.Now)
	s := w.table.Stats()
	assert.Zero(t, s.Connections, "connections")
	assert.Zero(t, s.Pending, "pending exchanges")
	assert.Zero(t, s.Buffered, "buffered bytes")
	assert.Empty(t, w.table.busy, "busy connections")
}

var outcomes = map[Outcome]string{
	Answered: "answered", OneWay: "one way", Closed: "closed", TimedOut: "timed out", Exited: "exited", Lost: "lost", Unconnected: "unconnected",
}

// summary is one line per exchange: role, name, outcome, what the response said,
// and the flags.
func (w *world) summary() []string {
	var lines []string
	for i := range w.got {
		e := &w.got[i]
		words := []string{map[bool]string{true: "server", false: "client"}[e.Server()], "?", outcomes[e.Outcome]}
		if e.RequestMessage != nil {
			words[1] = e.RequestMessage.Name
		}
		if e.ResponseMessage != nil {
			words = append(words, strings.TrimPrefix(e.ResponseMessage.Attributes[0].Str, "A "))
		}
		if e.Opaque {
			words = append(words, "opaque")
		}
		if e.Lossy {
			words = append(words, "lossy")
		}
		if e.Retransmits != 0 {
			words = append(words, fmt.Sprintf("retransmits %d", e.Retransmits))
		}
		if e.Errno != 0 {
			words = append(words, fmt.Sprintf("errno %d", e.Errno))
		}
		lines = append(lines, strings.Join(words, " "))
	}
	w.got = nil
	return lines
}
