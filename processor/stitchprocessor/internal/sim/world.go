package sim

import (
	"container/heap"
	"iter"
	"math/rand/v2"
	"net/netip"
	"time"
)

// Epoch is when a world begins, in Unix ns.
const Epoch = int64(1_700_000_000_000_000_000)

// World is the simulated machine.
type World struct {
	Rand *rand.Rand
	// HandOnBoth makes a wake hand on the waker's own last message beside what the
	// waker was handed since.
	HandOnBoth bool
	// Noise is the chance that a thread does I/O that belongs to no exchange before it
	// reads or writes a message.
	Noise float64
	// Translate is what the server's end of a connection sees of the addresses that
	// the client's end has. Nil: the same.
	Translate func(client, server netip.AddrPort) (netip.AddrPort, netip.AddrPort)

	now       int64
	order     uint64
	events    events
	processes []*Process
	tids      uint32
	conns     uint64
	ports     uint16
	ids       uint64
	threads   []*Thread
	agent     *Agent
}

// New returns a world with an agent that sees everything in it.
func New(seed uint64) *World {
	w := &World{Rand: rand.New(rand.NewPCG(seed, 42)), now: Epoch, tids: 100, ports: 20000}
	w.agent = newAgent(w)
	return w
}

// Now is the time, Unix ns.
func (w *World) Now() int64 { return w.now }

// Agent is what watches the world.
func (w *World) Agent() *Agent { return w.agent }

// After calls f at a later time.
func (w *World) After(d time.Duration, f func()) {
	w.order++
	heap.Push(&w.events, event{w.now + max(int64(d), 0), w.order, f})
}

// Run lets time pass until nothing happens any more or the time is over.
func (w *World) Run(d time.Duration) {
	end := w.now + int64(d)
	for len(w.events) > 0 && w.events[0].at <= end {
		e := heap.Pop(&w.events).(event)
		w.now = max(w.now, e.at)
		e.f()
	}
	w.now = max(w.now, end)
}

// Close ends all threads.
func (w *World) Close() {
	for _, t := range w.threads {
		t.stop()
	}
}

// Uniform is a duration from a to b.
func (w *World) Uniform(a, b time.Duration) time.Duration {
	return a + time.Duration(w.Rand.Int64N(int64(b-a)+1))
}

// Chance is true with probability p.
func (w *World) Chance(p float64) bool { return w.Rand.Float64() < p }

type event struct {
	at    int64
	order uint64
	f     func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].order < e[j].order
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}

// Process is a program that runs.
type Process struct {
	World *World
	Name  string
	PID   uint32
	Host  *Host
	open  map[*Record]struct{} // requests read and not answered
	done  []*Record
	go_   bool
}

// NewProcess starts a process without threads.
func (w *World) NewProcess(name string) *Process {
	return (&Host{ID: HostID, Addr: local(0).Addr(), World: w}).NewProcess(name)
}

// Host is a machine of the world. Its processes serve on Addr.
type Host struct {
	World *World
	ID    string
	Addr  netip.Addr
	Ahead time.Duration // of the world's time, on its clock
}

// NewProcess starts a process without threads on the host.
func (h *Host) NewProcess(name string) *Process {
	w := h.World
	w.tids++
	p := &Process{World: w, Name: name, PID: w.tids, Host: h, open: map[*Record]struct{}{}}
	w.processes = append(w.processes, p)
	return p
}

// Go starts a thread. by is the thread that creates it, or nil.
func (p *Process) Go(by *Thread, body func(*Thread)) *Thread {
	w := p.World
	w.tids++
	t := &Thread{Process: p, TID: w.tids, parker: Word{address: 0x7f0000000000 + uint64(w.tids)*4096}}
	next, stop := iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		if yield(struct{}{}) {
			t.run(body)
		}
	})
	next()
	t.resume, t.stop = next, stop
	if by != nil {
		by.handOn(t, edgeClone, 0)
	}
	w.threads = append(w.threads, t)
	t.wakeIn(w.Uniform(10*time.Microsecond, 60*time.Microsecond))
	return t
}

// stopped unwinds the coroutine of a thread when the world is closed.
type stopped struct{}

func (t *Thread) run(body func(*Thread)) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(stopped); !ok {
				panic(r)
			}
		}
	}()
	body(t)
}

// park gives way until someone calls wakeIn.
func (t *Thread) park() {
	if !t.yield(struct{}{}) {
		panic(stopped{})
	}
}

// wakeIn lets the thread go on after a delay.
func (t *Thread) wakeIn(d time.Duration) { t.Process.World.After(d, func() { t.resume() }) }

// Work keeps the thread busy.
func (t *Thread) Work(d time.Duration) {
	t.wakeIn(d)
	t.park()
}

// WorkAbout keeps it busy for between half and one and a half times d.
func (t *Thread) WorkAbout(d time.Duration) { t.Work(t.Process.World.Uniform(d/2, d+d/2)) }

// Sleep is Work that the kernel sees as sleep.
func (t *Thread) Sleep(d time.Duration) {
	t.Work(d)
	t.waited |= waitedSleep
}
