package sim

import (
	"net/netip"
	"time"
)

// Load calls a target from outside, in a closed loop of so many clients.
type Load struct {
	World    *World
	Target   Target
	Clients  int
	Think    time.Duration // between a reply and the next request, on average
	Requests int           // to make in all
	// Fresh opens a connection for each request.
	Fresh bool

	started, Done int
}

// Start begins to call.
func (l *Load) Start() {
	for range l.Clients {
		l.World.After(l.World.Uniform(0, 5*time.Millisecond), func() { l.client(nil) })
	}
}

func (l *Load) client(c *Conn) {
	if l.started == l.Requests {
		return
	}
	l.started++
	if c == nil || l.Fresh {
		c = l.World.Dial(l.Target.Address())
		c.ordSrv = 0
		l.Target.Accept(c)
	}
	c.atClient = func() {
		l.Done++
		l.World.After(l.World.Uniform(l.Think/2, l.Think*3/2), func() { l.client(c) })
	}
	l.World.After(l.World.Uniform(5*time.Microsecond, 50*time.Microsecond), c.atServer)
}

// Handler answers a request on a thread. It returns true if someone else replies.
type Handler func(t *Thread, c *Conn, r *Record) (detached bool)

// ThreadPerConnection is a server that gives each connection a thread.
type ThreadPerConnection struct {
	Process *Process
	Port    uint16
	Handle  Handler
}

// Address is where it listens.
func (s *ThreadPerConnection) Address() netip.AddrPort {
	return netip.AddrPortFrom(s.Process.Host.Addr, s.Port)
}

// Accept starts a thread.
func (s *ThreadPerConnection) Accept(c *Conn) {
	box := &inbox{}
	c.atServer = box.arrive
	s.Process.Go(nil, func(t *Thread) {
		for {
			box.await(t)
			r := t.Receive(c)
			t.WorkAbout(30 * time.Microsecond)
			if !s.Handle(t, c, r) {
				t.Reply(c, r)
			}
		}
	})
}

// Prefork is a server of worker processes with one thread each. A connection carries
// one request, which goes to the next worker that is free.
type Prefork struct {
	Port   uint16
	Handle Handler

	waiting []*prefork
	backlog []*Conn
}

type prefork struct {
	thread *Thread
	given  *Conn
}

// Start starts the worker processes.
func (s *Prefork) Start(w *World, name string, n int) []*Process {
	var all []*Process
	for range n {
		p := w.NewProcess(name)
		all = append(all, p)
		worker := &prefork{}
		worker.thread = p.Go(nil, func(t *Thread) {
			for {
				c := s.next(t, worker)
				r := t.Receive(c)
				t.WorkAbout(30 * time.Microsecond)
				s.Handle(t, c, r)
				t.Reply(c, r)
			}
		})
	}
	return all
}

// Address is where it listens.
func (s *Prefork) Address() netip.AddrPort { return local(s.Port) }

// Accept hands each request on c to a worker.
func (s *Prefork) Accept(c *Conn) {
	c.atServer = func() {
		if len(s.waiting) == 0 {
			s.backlog = append(s.backlog, c)
			return
		}
		w := s.waiting[0]
		s.waiting = s.waiting[1:]
		w.given = c
		w.thread.wakeIn(20 * time.Microsecond)
	}
}

func (s *Prefork) next(t *Thread, w *prefork) *Conn {
	if len(s.backlog) > 0 {
		c := s.backlog[0]
		s.backlog = s.backlog[1:]
		return c
	}
	w.given = nil
	s.waiting = append(s.waiting, w)
	for w.given == nil {
		t.park()
	}
	return w.given
}
