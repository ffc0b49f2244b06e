package simkernel

import (
	"net/netip"
	"time"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

// Kernel emits events to a handler. It is used by one goroutine.
type Kernel struct {
	// Now is CLOCK_MONOTONIC. Every system call takes a microsecond of it.
	Now uint64
	// Capture is how many bytes at the head of a message are captured.
	Capture int
	// Lose says whether an event is lost on its way. Nil loses none.
	Lose func(ev any) bool

	handler event.Handler
	ids     uint64
	paused  bool
	queue   []any
}

// New returns a kernel that has been up for an hour and captures 4096 bytes.
func New(handler event.Handler) *Kernel {
	return &Kernel{Now: uint64(time.Hour), Capture: 4096, handler: handler}
}

// SetHandler changes who is told.
func (k *Kernel) SetHandler(handler event.Handler) { k.handler = handler }

// Sleep lets time pass.
func (k *Kernel) Sleep(d time.Duration) { k.Now += uint64(d) }

// LoseNext loses the next n records of I/O, then none.
func (k *Kernel) LoseNext(n int) {
	k.Lose = func(ev any) bool {
		if _, ok := ev.(*event.IO); !ok || n == 0 {
			return false
		}
		n--
		return true
	}
}

// Pause keeps events back until Resume.
func (k *Kernel) Pause() { k.paused = true }

// Resume emits what was kept back in the order of the given indices, or as it
// came when there are none. An index may appear twice.
func (k *Kernel) Resume(order ...int) {
	k.paused = false
	events := k.queue
	k.queue = nil
	if len(order) == 0 {
		for _, ev := range events {
			k.deliver(ev)
		}
	}
	for _, i := range order {
		k.deliver(events[i])
	}
}

func (k *Kernel) emit(ev any) {
	switch {
	case k.Lose != nil && k.Lose(ev):
	case k.paused:
		k.queue = append(k.queue, ev)
	default:
		k.deliver(ev)
	}
}

// deliver lends a copy of ev to the handler and spoils it afterwards.
func (k *Kernel) deliver(ev any) {
	switch ev := ev.(type) {
	case *event.Conn:
		lent := *ev
		k.handler.Conn(&lent)
		lent = event.Conn{}
	case *event.IO:
		lent := *ev
		lent.Payload = append([]byte(nil), ev.Payload...)
		lent.Handoffs = append([]event.Handoff(nil), ev.Handoffs...)
		k.handler.IO(&lent)
		for i := range lent.Payload {
			lent.Payload[i] = 0xaa
		}
		clear(lent.Handoffs)
		lent = event.IO{}
	case *event.Close:
		lent := *ev
		k.handler.Close(&lent)
		lent = event.Close{}
	case *event.Retransmit:
		lent := *ev
		k.handler.Retransmit(&lent)
		lent = event.Retransmit{}
	case *event.Process:
		lent := *ev
		k.handler.Process(&lent)
		lent = event.Process{}
	}
}

// Process is a traced process.
type Process struct {
	PID    uint32
	kernel *Kernel
	tids   uint32
	comm   string
}

// Process starts a process. Its threads bear its name.
func (k *Kernel) Process(pid uint32, comm string) *Process {
	return &Process{PID: pid, kernel: k, comm: comm}
}

// Exit ends the process.
func (p *Process) Exit() {
	p.kernel.Now++
	p.kernel.emit(&event.Process{Change: event.Exit, PID: p.PID, Time: p.kernel.Now, Comm: p.comm})
}

// Thread is a thread of a process.
type Thread struct {
	Point    event.Point
	process  *Process
	waited   event.Flags
	handoffs []event.Handoff
	last     uint8 // kind of its last message
}

// Thread starts a thread: the first has the pid for its tid.
func (p *Process) Thread() *Thread {
	t := &Thread{process: p, Point: event.Point{PID: p.PID, TID: p.PID + p.tids}}
	p.tids++
	return t
}

// Wait notes that the thread slept on something; WaitedEpoll begins a tick.
func (t *Thread) Wait(what event.Flags) {
	t.waited |= what
	if what&event.WaitedEpoll != 0 {
		t.Point.Tick++
	}
}

// Wake hands over to another thread through a futex.
func (t *Thread) Wake(to *Thread) {
	k := t.process.kernel
	k.Now++
	to.waited |= event.WaitedFutex
	to.handoffs = append(to.handoffs, event.Handoff{
		Time: k.Now, Address: 0xf00, SourceTID: t.Point.TID, SourceIO: t.Point.IO,
		WakerTID: t.Point.TID, SourceKind: t.last, Edge: 1,
	})
}

// Socket is one end of a connection.
type Socket struct {
	ID      uint64
	kernel  *Kernel
	info    event.Conn
	said    bool // announced
	seq     [2]uint32
	dir     event.Direction
	started bool
	budget  int
}

// Accept returns a connection that thread accepted.
func (k *Kernel) Accept(t *Thread, local, remote string) *Socket {
	return k.socket(t, event.RoleServer, local, remote)
}

// Dial returns a connection that thread made.
func (k *Kernel) Dial(t *Thread, local, remote string) *Socket {
	return k.socket(t, event.RoleClient, local, remote)
}

// Existing returns a connection that existed before tracing and does not tell its role.
func (k *Kernel) Existing(local, remote string) *Socket {
	return k.Found(event.RoleUnknown, local, remote)
}

// Found returns a connection that existed before tracing.
func (k *Kernel) Found(role event.Role, local, remote string) *Socket {
	s := k.socket(nil, role, local, remote)
	s.seq = [2]uint32{0xfffffff0, 7} // one is about to wrap
	return s
}

func (k *Kernel) socket(t *Thread, role event.Role, local, remote string) *Socket {
	k.ids++
	k.Now++
	s := &Socket{ID: k.ids, kernel: k, seq: [2]uint32{1000, 5000}}
	s.info = event.Conn{
		ID: k.ids, Role: role, Time: k.Now,
		Found: t == nil, Local: netip.MustParseAddrPort(local), Remote: netip.MustParseAddrPort(remote),
	}
	if t != nil {
		s.info.At = t.Point
	}
	return s
}

// Read lets a thread read data.
func (s *Socket) Read(t *Thread, data string) { s.IO(t, event.Ingress, data, len(data)) }

// Write lets a thread write data.
func (s *Socket) Write(t *Thread, data string) { s.IO(t, event.Egress, data, len(data)) }

// Sendfile lets a thread write n bytes that cannot be captured.
func (s *Socket) Sendfile(t *Thread, n int) { s.IO(t, event.Egress, "", n) }

// IO moves n bytes, of which data can be seen.
func (s *Socket) IO(t *Thread, d event.Direction, data string, n int) {
	k := s.kernel
	s.announce(t)
	io := &event.IO{
		ConnID: s.ID, Direction: d, Role: s.info.Role, Flags: t.waited, Enter: k.Now + 1, Exit: k.Now + 1000,
		Seq: s.seq[d], Len: uint32(n), Comm: t.process.comm, Handoffs: t.handoffs,
	}
	k.Now += 1000
	if len(data) < n {
		io.Flags |= event.NoPayload
	}
	s.capture(io, data)
	s.seq[d] += uint32(n)
	t.Point.IO++
	io.At = t.Point
	t.waited, t.handoffs = 0, nil
	t.last = kind(s.info.Role, d)
	k.emit(io)
}

// capture does what the kernel side does: up to Capture bytes of each run.
func (s *Socket) capture(io *event.IO, data string) {
	if !s.started {
		io.Flags |= event.First
	}
	if !s.started || s.dir != io.Direction {
		io.Flags |= event.Head
		s.budget = s.kernel.Capture
	}
	s.started, s.dir = true, io.Direction
	n := min(s.budget, len(data))
	io.Payload = []byte(data[:n])
	s.budget -= n
}

func (s *Socket) announce(t *Thread) {
	if s.said {
		return
	}
	s.said = true
	info := s.info
	if info.Found {
		info.At, info.Time = t.Point, s.kernel.Now
	}
	s.kernel.emit(&info)
}

// Close ends the connection.
func (s *Socket) Close(errno uint32) {
	s.kernel.Now++
	s.kernel.emit(&event.Close{ConnID: s.ID, Time: s.kernel.Now, Errno: errno})
}

// Retransmit sends a segment again.
func (s *Socket) Retransmit(t *Thread) {
	s.announce(t)
	s.kernel.Now++
	s.kernel.emit(&event.Retransmit{ConnID: s.ID, Time: s.kernel.Now})
}

// Fail ends the attempt of thread t to connect.
func (s *Socket) Fail(t *Thread, errno uint32) {
	s.announce(t)
	s.kernel.Now++
	s.kernel.emit(&event.Close{ConnID: s.ID, Time: s.kernel.Now, Errno: errno, Connecting: true})
}

// kind is enum message_kind: role × direction.
func kind(role event.Role, d event.Direction) uint8 {
	switch {
	case role == event.RoleServer && d == event.Ingress:
		return 1
	case role == event.RoleServer:
		return 2
	case role == event.RoleClient && d == event.Egress:
		return 3
	case role == event.RoleClient:
		return 4
	}
	return 5
}
