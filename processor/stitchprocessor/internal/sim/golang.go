package sim

import (
	"net/netip"
	"time"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// Go is the runtime of a Go program: goroutines on a few threads. A goroutine that
// makes another one runnable hands it its thread when it blocks, unless an idle
// thread steals it first.
type Go struct {
	Process *Process
	// Steal is the chance of that.
	Steal float64

	ids  uint64
	runq []Step
	idle []*Machine
}

// Step is a goroutine, with what it does until it blocks.
type Step struct {
	goid, creator uint64
	f             func(*Machine)
}

// Machine is a thread of the runtime.
type Machine struct {
	*Thread
	next  *Step  // runs right after the present one
	local []Step // then these
}

// NewGo starts the runtime with so many threads.
func NewGo(p *Process, threads int, steal float64) *Go {
	g := &Go{Process: p, Steal: steal, ids: 10}
	p.go_ = true
	for range threads {
		p.Go(nil, func(t *Thread) { g.schedule(&Machine{Thread: t}) })
	}
	return g
}

func (g *Go) newID() uint64 {
	g.ids++
	return g.ids
}

func (g *Go) schedule(m *Machine) {
	for {
		var s Step
		switch {
		case m.next != nil:
			s, m.next = *m.next, nil
		case len(m.local) > 0:
			s, m.local = m.local[0], m.local[1:]
		case len(g.runq) > 0:
			s, g.runq = g.runq[0], g.runq[1:]
		default:
			g.idle = append(g.idle, m)
			m.park()
			m.tick++
			m.waited |= evidence.WaitedEpoll | evidence.WaitedFutex
			continue
		}
		m.Goid, m.Creator = s.goid, s.creator
		s.f(m)
	}
}

// ready makes a goroutine runnable from outside: the network poller.
func (g *Go) ready(s Step) {
	g.runq = append(g.runq, s)
	if n := len(g.idle); n > 0 {
		m := g.idle[n-1]
		g.idle = g.idle[:n-1]
		m.wakeIn(g.Process.World.Uniform(3*time.Microsecond, 20*time.Microsecond))
	}
}

// goready makes one runnable from another goroutine: it runs next on this thread, and
// what would have run next runs after it. An idle thread may steal either.
func (g *Go) goready(m *Machine, s Step) {
	if m.next != nil {
		g.push(m, *m.next)
		m.next = nil
	}
	if g.Process.World.Chance(g.Steal) {
		g.ready(s)
		return
	}
	m.next = &s
}

func (g *Go) push(m *Machine, s Step) {
	if g.Process.World.Chance(g.Steal) {
		g.ready(s)
		return
	}
	m.local = append(m.local, s)
}

// GoServer is net/http: a goroutine for each connection.
type GoServer struct {
	Go     *Go
	Port   uint16
	Handle func(m *Machine, r *Request)
}

// Request is a request that a goroutine handles.
type Request struct {
	*Record
	conn *Conn
	step Step
	g    *Go
}

// Address is where it listens.
func (s *GoServer) Address() netip.AddrPort { return local(s.Port) }

// Accept starts a goroutine.
func (s *GoServer) Accept(c *Conn) {
	goid := s.Go.newID()
	c.atServer = func() {
		s.Go.ready(Step{goid: goid, creator: 1, f: func(m *Machine) {
			r := &Request{Record: m.Receive(c), conn: c, g: s.Go, step: Step{goid: goid, creator: 1}}
			m.WorkAbout(10 * time.Microsecond)
			s.Handle(m, r)
		}})
	}
}

// Reply answers from the goroutine of the request, which must be the running one.
func (r *Request) Reply(m *Machine) { m.Thread.Reply(r.conn, r.Record) }

// Resume runs f on the goroutine of the request, made runnable by the running one.
func (r *Request) Resume(m *Machine, f func(*Machine)) {
	s := r.step
	s.f = f
	r.g.goready(m, s)
}

// GoClient is net/http's: each connection has a goroutine that writes and one that
// reads. Direct clients, such as those of databases, do both on the caller's.
type GoClient struct {
	Go     *Go
	Target Target
	Direct bool

	idle []*goConn
}

type goConn struct {
	conn           *Conn
	writer, reader Step
}

// Call makes a call for owner from goroutine by, and runs f on it when it is done.
func (g *GoClient) Call(m *Machine, by Step, owner *Record, f func(*Machine)) {
	var c *goConn
	if n := len(g.idle); n > 0 {
		c, g.idle = g.idle[n-1], g.idle[:n-1]
	} else {
		c = &goConn{conn: m.Connect(g.Target.Address())}
		g.Target.Accept(c.conn)
		dialer := g.Go.newID()
		c.writer = Step{goid: g.Go.newID(), creator: dialer}
		c.reader = Step{goid: g.Go.newID(), creator: dialer}
	}
	by.f = func(m *Machine) {
		g.idle = append(g.idle, c)
		f(m)
	}
	if g.Direct {
		g.direct(m, by, c, owner)
		return
	}
	read, write := c.reader, c.writer
	read.f = func(m *Machine) {
		m.Read(c.conn)
		g.Go.goready(m, by)
	}
	c.conn.atClient = func() { g.Go.ready(read) }
	write.f = func(m *Machine) { m.Write(c.conn, owner) }
	g.Go.goready(m, write)
}

func (g *GoClient) direct(m *Machine, by Step, c *goConn, owner *Record) {
	f := by.f
	by.f = func(m *Machine) {
		m.Read(c.conn)
		f(m)
	}
	c.conn.atClient = func() { g.Go.ready(by) }
	m.Write(c.conn, owner)
}

// Call makes a call for the request from its own goroutine.
func (r *Request) Call(m *Machine, c *GoClient, f func(*Machine)) { c.Call(m, r.step, r.Record, f) }

// GoWorkers are goroutines that take jobs from a channel.
type GoWorkers struct {
	g    *Go
	jobs []func(m *Machine, self Step, done func(*Machine))
	idle []Step
}

// Workers starts n of them.
func (g *Go) Workers(n int) *GoWorkers {
	w := &GoWorkers{g: g}
	for range n {
		w.idle = append(w.idle, Step{goid: g.newID(), creator: 1})
	}
	return w
}

// Submit gives a job to a worker, or to the channel. The job calls done, on the
// worker's goroutine, when it is over.
func (w *GoWorkers) Submit(m *Machine, job func(m *Machine, self Step, done func(*Machine))) {
	if n := len(w.idle); n > 0 {
		self := w.idle[n-1]
		w.idle = w.idle[:n-1]
		s := self
		s.f = func(m *Machine) { w.do(m, self, job) }
		w.g.goready(m, s)
		return
	}
	w.jobs = append(w.jobs, job)
}

func (w *GoWorkers) do(m *Machine, self Step, job func(m *Machine, self Step, done func(*Machine))) {
	job(m, self, func(m *Machine) {
		if len(w.jobs) == 0 {
			w.idle = append(w.idle, self)
			return
		}
		next := w.jobs[0]
		w.jobs = w.jobs[1:]
		w.do(m, self, next)
	})
}
