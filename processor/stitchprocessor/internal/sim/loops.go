package sim

import (
	"net/netip"
	"slices"
	"time"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// Loop is an event loop: one thread that waits for readiness and runs callbacks.
type Loop struct {
	Process *Process
	Thread  *Thread
	// Deferred makes a callback of what was read run in the next turn, as asyncio
	// does. Otherwise it runs at once, as in nginx and Node.
	Deferred bool
	// Quiet makes other threads write to the wake fd only if the loop sleeps, as Netty
	// does: it looks for tasks at the end of each turn.
	Quiet bool

	ready   []func(*Thread) // readiness that the next turn will see
	soon    []func(*Thread) // callbacks of the next turn
	waiting bool
	posted  []evidence.Handoff // contexts left with the wake fd
	tasks   []func(*Thread)    // given by other threads
}

// NewLoop starts an event loop.
func NewLoop(p *Process, deferred bool) *Loop {
	l := &Loop{Process: p, Deferred: deferred}
	l.Thread = p.Go(nil, l.run)
	return l
}

func (l *Loop) run(t *Thread) {
	for {
		for len(l.ready) == 0 && len(l.soon) == 0 {
			l.waiting = true
			t.park()
		}
		l.waiting = false
		t.tick++
		t.waited |= evidence.WaitedEpoll
		ready, soon := l.ready, l.soon
		l.ready, l.soon = nil, nil
		for _, f := range soon {
			f(t)
		}
		for _, f := range ready {
			f(t)
		}
		if l.Quiet {
			l.work(t)
		}
	}
}

// when makes the loop call f when c is readable.
func (l *Loop) event(f func(*Thread)) {
	l.ready = append(l.ready, f)
	l.rouse()
}

func (l *Loop) rouse() {
	if l.waiting {
		l.waiting = false
		l.Thread.wakeIn(l.Process.World.Uniform(2*time.Microsecond, 20*time.Microsecond))
	}
}

// then runs f because of what has just been read.
func (l *Loop) then(t *Thread, f func(*Thread)) {
	if l.Deferred {
		l.soon = append(l.soon, f)
		return
	}
	f(t)
}

// Later runs f on the loop after a time: a timer. It leaves no trace in the kernel
// that says for whom.
func (l *Loop) Later(d time.Duration, f func(*Thread)) {
	l.Process.World.After(d, func() {
		l.soon = append(l.soon, f)
		l.rouse()
	})
}

// Post gives the loop a task, from another thread, and writes to its wake fd.
func (l *Loop) Post(by *Thread, f func(*Thread)) {
	l.tasks = append(l.tasks, f)
	first := len(l.tasks) == 1
	if l.Quiet && !l.waiting {
		return
	}
	for _, h := range by.contexts() {
		h.Edge, h.Address, h.WakerTID, h.Time = edgeFDRead, 0xffff0000+uint64(l.Thread.TID), by.TID, l.Process.World.now
		l.posted = append(l.posted, h)
	}
	by.Work(3 * time.Microsecond)
	if first {
		l.event(l.drain)
	}
}

// drain reads the wake fd and runs, or queues, what was posted.
func (l *Loop) drain(t *Thread) {
	for _, h := range l.posted {
		t.receive(h)
	}
	t.waited |= evidence.WaitedFD
	l.posted = nil
	if !l.Quiet {
		l.work(t)
	}
}

// work runs, or queues, what was posted.
func (l *Loop) work(t *Thread) {
	tasks := l.tasks
	l.tasks = nil
	for _, f := range tasks {
		l.then(t, f)
	}
}

// LoopServer is a server on an event loop. Handle is called when a request has been
// read; whatever it leads to calls Reply in the end.
type LoopServer struct {
	Loop   *Loop
	Port   uint16
	Handle func(t *Thread, c *Conn, r *Record)
}

// Address is where it listens.
func (s *LoopServer) Address() netip.AddrPort { return local(s.Port) }

// Accept watches the connection.
func (s *LoopServer) Accept(c *Conn) {
	c.atServer = func() {
		s.Loop.event(func(t *Thread) {
			r := t.Receive(c)
			t.WorkAbout(4 * time.Microsecond)
			s.Loop.then(t, func(t *Thread) { s.Handle(t, c, r) })
		})
	}
}

// LoopClient makes calls from an event loop.
type LoopClient struct {
	Loop   *Loop
	Target Target
	// Max is how many connections there may be; 0 is any number. Calls beyond wait.
	Max int
	// Fresh is the chance that a call opens a connection though one is idle.
	Fresh float64
	// Fair frees a connection only when what its reply led to has joined the queue, as
	// Node does. Otherwise that has it first.
	Fair bool
	// Last lets whoever came last have the connection first.
	Last bool

	idle  []*Conn
	open  int
	queue []func(*Thread)
}

// Call makes a call for owner and runs f when its reply has been read.
func (l *LoopClient) Call(t *Thread, owner *Record, f func(*Thread)) {
	switch n := len(l.idle); {
	case n > 0 && !l.Loop.Process.World.Chance(l.Fresh):
		c := l.idle[n-1]
		l.idle = l.idle[:n-1]
		l.write(t, c, owner, f)
	case l.Max > 0 && l.open >= l.Max:
		l.queue = append(l.queue, func(t *Thread) { l.Call(t, owner, f) })
	default:
		l.open++
		c := t.Connect(l.Target.Address())
		l.Target.Accept(c)
		// Writable after a while: a turn of the loop of its own.
		l.Loop.Process.World.After(l.Loop.Process.World.Uniform(20*time.Microsecond, 80*time.Microsecond), func() {
			l.Loop.event(func(t *Thread) { l.write(t, c, owner, f) })
		})
	}
}

func (l *LoopClient) write(t *Thread, c *Conn, owner *Record, f func(*Thread)) {
	c.atClient = func() {
		l.Loop.event(func(t *Thread) {
			t.Read(c)
			t.WorkAbout(4 * time.Microsecond)
			if !l.Fair {
				l.idle = append(l.idle, c)
			}
			l.Loop.then(t, func(t *Thread) {
				f(t)
				if l.Fair {
					l.idle = append(l.idle, c)
				}
				if len(l.queue) > 0 && len(l.idle) > 0 { // whoever waits for the socket has it
					l.next()(t)
				}
			})
		})
	}
	t.Write(c, owner)
}

// next takes out of the queue whose turn it is.
func (l *LoopClient) next() func(*Thread) {
	at := 0
	if l.Last {
		at = len(l.queue) - 1
	}
	f := l.queue[at]
	l.queue = slices.Delete(l.queue, at, at+1)
	return f
}
