package stitchprocessor

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/sim"
)

const (
	port        = 8080
	backendPort = 9090
)

// program sets up a server in a world and returns what to call.
type program func(w *sim.World) sim.Target

func backend(w *sim.World) *sim.Backend { return backendAt(w, backendPort) }

func backendAt(w *sim.World, port uint16) *sim.Backend {
	return &sim.Backend{World: w, Port: port, Min: time.Millisecond, Max: 20 * time.Millisecond}
}

// run lets a program serve requests, so many in flight.
func run(t testing.TB, p program, seed uint64, clients, requests int) result {
	t.Helper()
	return runLoad(t, p, sim.New(seed), &sim.Load{Clients: clients, Requests: requests, Think: time.Millisecond})
}

func runLoad(t testing.TB, p program, w *sim.World, load *sim.Load) result {
	t.Helper()
	load.World, load.Target = w, p(w)
	load.Start()
	return play(t, w, defaults(), 60*time.Second)
}

// threadPerRequest: each connection has a thread, which makes n calls in a row.
func threadPerRequest(n int) program {
	return func(w *sim.World) sim.Target {
		b := sim.NewBlocking(backend(w))
		return &sim.ThreadPerConnection{Process: w.NewProcess("threads"), Port: port, Handle: func(t *sim.Thread, _ *sim.Conn, r *sim.Record) bool {
			for range n {
				b.Call(t, r)
			}
			return false
		}}
	}
}

// waitingPool: the request's thread submits the call to a pool of 8 and waits for
// it. In one of a hundred requests it looks only when the result is there.
func waitingPool(w *sim.World) sim.Target {
	p := w.NewProcess("java")
	b, q := sim.NewBlocking(backend(w)), p.Pool(8)
	return &sim.ThreadPerConnection{Process: p, Port: port, Handle: func(t *sim.Thread, _ *sim.Conn, r *sim.Record) bool {
		f := &sim.Future{}
		t.Put(q, func(worker *sim.Thread) {
			b.Call(worker, r)
			worker.WorkAbout(20 * time.Microsecond)
			worker.Complete(f)
		})
		if w.Chance(0.01) {
			for !f.Done() {
				t.Work(time.Millisecond)
			}
		}
		t.Get(f)
		return false
	}}
}

// waitingForAll: the request's thread submits two calls to a pool of 8 and waits for one
// after the other. Where the second one ends first, nothing tells of it.
func waitingForAll(w *sim.World) sim.Target {
	p := w.NewProcess("java_all")
	q := p.Pool(8)
	bs := [2]*sim.Blocking{sim.NewBlocking(backendAt(w, backendPort)), sim.NewBlocking(backendAt(w, backendPort+1))}
	return &sim.ThreadPerConnection{Process: p, Port: port, Handle: func(t *sim.Thread, _ *sim.Conn, r *sim.Record) bool {
		var fs [2]sim.Future
		for i := range fs {
			t.Put(q, func(worker *sim.Thread) {
				bs[i].Call(worker, r)
				worker.WorkAbout(20 * time.Microsecond)
				worker.Complete(&fs[i])
			})
		}
		t.Get(&fs[0])
		t.Get(&fs[1])
		return false
	}}
}

// twoStages: a pool thread makes a call, another one the next, and replies. Both tasks go
// through the queue of the pool.
func twoStages(w *sim.World) sim.Target {
	p := w.NewProcess("java_stages")
	q := p.Pool(8)
	first, second := sim.NewBlocking(backendAt(w, backendPort)), sim.NewBlocking(backendAt(w, backendPort+1))
	return &sim.ThreadPerConnection{Process: p, Port: port, Handle: func(t *sim.Thread, c *sim.Conn, r *sim.Record) bool {
		t.Put(q, func(worker *sim.Thread) {
			first.Call(worker, r)
			worker.WorkAbout(20 * time.Microsecond)
			worker.Put(q, func(other *sim.Thread) {
				second.Call(other, r)
				other.Reply(c, r)
			})
		})
		return true
	}}
}

// replyingPool: a pool thread makes the call and writes the reply.
func replyingPool(w *sim.World) sim.Target {
	p := w.NewProcess("java_b")
	b, q := sim.NewBlocking(backend(w)), p.Pool(8)
	return &sim.ThreadPerConnection{Process: p, Port: port, Handle: func(t *sim.Thread, c *sim.Conn, r *sim.Record) bool {
		t.Put(q, func(worker *sim.Thread) {
			b.Call(worker, r)
			worker.Reply(c, r)
		})
		return true
	}}
}

// fireAndForget: the reply does not wait for the pool.
func fireAndForget(w *sim.World) sim.Target {
	p := w.NewProcess("java_c")
	b, q := sim.NewBlocking(backend(w)), p.Pool(8)
	return &sim.ThreadPerConnection{Process: p, Port: port, Handle: func(t *sim.Thread, c *sim.Conn, r *sim.Record) bool {
		t.Put(q, func(worker *sim.Thread) { b.Call(worker, r) })
		return false
	}}
}

// threadPerTask: the request's thread creates a thread for the call and does not wait.
func threadPerTask(w *sim.World) sim.Target {
	p := w.NewProcess("async")
	b := sim.NewBlocking(backend(w))
	return &sim.ThreadPerConnection{Process: p, Port: port, Handle: func(t *sim.Thread, c *sim.Conn, r *sim.Record) bool {
		p.Go(t, func(task *sim.Thread) { b.Call(task, r) })
		return false
	}}
}

// proxy is like nginx: an event loop that hands each request on, on a pooled
// connection or on a new one.
func proxy(w *sim.World) sim.Target {
	l := sim.NewLoop(w.NewProcess("nginx"), false)
	up := &sim.LoopClient{Loop: l, Target: backend(w), Fresh: 0.3}
	return &sim.LoopServer{Loop: l, Port: port, Handle: func(t *sim.Thread, c *sim.Conn, r *sim.Record) {
		up.Call(t, r, func(t *sim.Thread) { t.Reply(c, r) })
	}}
}

// sequential is an event loop that makes n calls one after the other, at once (Node)
// or in the turn after what led to them (asyncio).
func sequential(n int, deferred bool) program {
	return func(w *sim.World) sim.Target {
		l := sim.NewLoop(w.NewProcess("loop"), deferred)
		up := &sim.LoopClient{Loop: l, Target: backend(w)}
		return &sim.LoopServer{Loop: l, Port: port, Handle: func(t *sim.Thread, c *sim.Conn, r *sim.Record) {
			var next func(t *sim.Thread, left int)
			next = func(t *sim.Thread, left int) {
				if left == 0 {
					t.Reply(c, r)
					return
				}
				up.Call(t, r, func(t *sim.Thread) { next(t, left-1) })
			}
			next(t, n)
		}}
	}
}

// queued is sequential in Node with 8 sockets: calls wait for one.
func queued(w *sim.World) sim.Target {
	l := sim.NewLoop(w.NewProcess("queue"), false)
	up := &sim.LoopClient{Loop: l, Target: backend(w), Max: 8}
	return &sim.LoopServer{Loop: l, Port: port, Handle: func(t *sim.Thread, c *sim.Conn, r *sim.Record) {
		up.Call(t, r, func(t *sim.Thread) {
			up.Call(t, r, func(t *sim.Thread) { t.Reply(c, r) })
		})
	}}
}

// timers is Node in which half of the requests wait for a timer before their second call.
func timers(w *sim.World) sim.Target {
	l := sim.NewLoop(w.NewProcess("timers"), false)
	up := &sim.LoopClient{Loop: l, Target: backend(w)}
	return &sim.LoopServer{Loop: l, Port: port, Handle: func(t *sim.Thread, c *sim.Conn, r *sim.Record) {
		second := func(t *sim.Thread) { up.Call(t, r, func(t *sim.Thread) { t.Reply(c, r) }) }
		up.Call(t, r, func(t *sim.Thread) {
			if w.Chance(0.5) {
				second(t)
				return
			}
			l.Later(w.Uniform(time.Millisecond, 5*time.Millisecond), second)
		})
	}}
}

// executor is asyncio with run_in_executor: pool threads make the calls and tell the
// loop through its wake fd.
func executor(w *sim.World) sim.Target {
	p := w.NewProcess("executor")
	l := sim.NewLoop(p, true)
	b, q := sim.NewBlocking(backend(w)), p.Pool(8)
	return &sim.LoopServer{Loop: l, Port: port, Handle: func(t *sim.Thread, c *sim.Conn, r *sim.Record) {
		t.Put(q, func(worker *sim.Thread) {
			b.Call(worker, r)
			l.Post(worker, func(t *sim.Thread) { t.Reply(c, r) })
		})
	}}
}

// dealt is a server on several event loops, which take connections in turn.
type dealt struct {
	loops []*sim.LoopServer
	n     int
}

func (d *dealt) Address() netip.AddrPort { return d.loops[0].Address() }

func (d *dealt) Accept(c *sim.Conn) {
	d.n++
	d.loops[d.n%len(d.loops)].Accept(c)
}

// quietLoops are two event loops that hand requests to one pool, as Netty does. Of what is
// posted while they are awake nothing tells, and threads are held up before they post.
func quietLoops(w *sim.World) sim.Target {
	p := w.NewProcess("netty")
	b, q := sim.NewBlocking(backend(w)), p.Pool(8)
	d := &dealt{}
	for range 2 {
		l := sim.NewLoop(p, false)
		l.Quiet = true
		d.loops = append(d.loops, &sim.LoopServer{Loop: l, Port: port, Handle: func(t *sim.Thread, c *sim.Conn, r *sim.Record) {
			t.Put(q, func(worker *sim.Thread) {
				b.Call(worker, r)
				worker.WorkAbout(100 * time.Microsecond)
				l.Post(worker, func(t *sim.Thread) {
					t.WorkAbout(200 * time.Microsecond)
					t.Reply(c, r)
				})
			})
		}})
	}
	return d
}

// goDirect is net/http in Go that makes n calls one after the other.
func goDirect(n int, direct bool) program {
	return func(w *sim.World) sim.Target {
		g := sim.NewGo(w.NewProcess("go"), 4, 0.02)
		up := &sim.GoClient{Go: g, Target: backend(w), Direct: direct}
		return &sim.GoServer{Go: g, Port: port, Handle: func(m *sim.Machine, r *sim.Request) {
			var next func(m *sim.Machine, left int)
			next = func(m *sim.Machine, left int) {
				if left == 0 {
					r.Reply(m)
					return
				}
				r.Call(m, up, func(m *sim.Machine) { next(m, left-1) })
			}
			next(m, n)
		}}
	}
}

// goPool is a Go program with 8 worker goroutines on a channel.
func goPool(w *sim.World) sim.Target {
	g := sim.NewGo(w.NewProcess("gopool"), 4, 0.02)
	up := &sim.GoClient{Go: g, Target: backend(w)}
	workers := g.Workers(8)
	return &sim.GoServer{Go: g, Port: port, Handle: func(m *sim.Machine, r *sim.Request) {
		workers.Submit(m, func(m *sim.Machine, self sim.Step, done func(*sim.Machine)) {
			up.Call(m, self, r.Record, func(m *sim.Machine) {
				r.Resume(m, r.Reply)
				done(m)
			})
		})
	}}
}

// global is a pool in a program with a global lock, which every thread takes after
// each system call, as CPython does.
func global(w *sim.World) sim.Target {
	p := w.NewProcess("python")
	b, q := sim.NewBlocking(backend(w)), p.Pool(8)
	lock := sim.NewMutex(0x7fffabcd0000)
	return &sim.ThreadPerConnection{Process: p, Port: port, Handle: func(t *sim.Thread, _ *sim.Conn, r *sim.Record) bool {
		compute := func(t *sim.Thread) {
			t.Lock(lock)
			t.WorkAbout(150 * time.Microsecond)
			t.Unlock(lock)
		}
		f := &sim.Future{}
		compute(t)
		t.Put(q, func(worker *sim.Thread) {
			compute(worker)
			b.Call(worker, r)
			compute(worker)
			worker.Complete(f)
		})
		t.Get(f)
		compute(t)
		return false
	}}
}

func TestProgramsAreStitched(t *testing.T) {
	inFlight := []int{1, 8, 64, 256}
	for _, tt := range []struct {
		name    string
		program program
		recall  float64 // at least
		wrong   float64 // at most
	}{
		{"thread per request", threadPerRequest(1), 1, 0},
		{"thread per request with three calls", threadPerRequest(3), 1, 0},
		{"a pool that is waited for", waitingPool, 0.985, 0}, // 1 % is never waited for
		{"a pool whose results are all waited for", waitingForAll, 0.8, 0.002},
		{"two stages on a pool", twoStages, 0.85, 0.001},
		{"a pool that replies", replyingPool, 0.999, 0},
		{"a thread for each task", threadPerTask, 0.55, 0}, // it takes 128 calls to tell that from a pool
		{"a proxy", proxy, 0.999, 0},
		{"calls in a row at once", sequential(2, false), 0.995, 0},
		{"calls in a row in the next turn", sequential(2, true), 0.99, 0},
		{"Go", goDirect(2, false), 0.93, 0.001}, // first calls on new connections are not known
		{"Go with a database", goDirect(3, true), 1, 0},
		{"a pool that tells an event loop", executor, 0.995, 0.001},
		{"a pool of two event loops that are told only when they sleep", quietLoops, 0.8, 0.002},
		{"Go with workers", goPool, 0.98, 0.001},
		// Where the evidence is silent there must be orphans, not guesses.
		{"a pool that is not waited for", fireAndForget, 0, 0.001},
		{"calls that wait for a socket", queued, 0.5, 0.001},
		{"calls from timers", timers, 0.95, 0.001},
		{"a global lock, of which the kernel side tells little", global, 0.2, 0.002},
	} {
		for _, n := range inFlight {
			t.Run(fmt.Sprintf("%s, %d in flight", tt.name, n), func(t *testing.T) {
				res := run(t, tt.program, 1, n, 200+8*n)
				t.Log(res)
				assert.GreaterOrEqual(t, res.recall(), tt.recall)
				assert.LessOrEqual(t, res.wrongs(), tt.wrong)
			})
		}
	}
}

func TestAThreadForEachTaskIsTrustedOnceItIsKnown(t *testing.T) {
	res := run(t, threadPerTask, 1, 64, 3000)
	t.Log(res)
	assert.GreaterOrEqual(t, res.recall(), 0.95)
	assert.Zero(t, res.wrong)
}

// stealing is fireAndForget on a pool whose workers sleep on a stack and take any task.
func stealing(w *sim.World) sim.Target {
	p := w.NewProcess("forkjoin")
	b, q := sim.NewBlocking(backend(w)), p.Stealers(8)
	return &sim.ThreadPerConnection{Process: p, Port: port, Handle: func(t *sim.Thread, _ *sim.Conn, r *sim.Record) bool {
		t.Put(q, func(worker *sim.Thread) { b.Call(worker, r) })
		return false
	}}
}

// nowAndThen is the same, but a fifth of the requests have nothing to do.
func nowAndThen(w *sim.World) sim.Target {
	p := w.NewProcess("sometimes")
	b, q := sim.NewBlocking(backend(w)), p.Pool(8)
	return &sim.ThreadPerConnection{Process: p, Port: port, Handle: func(t *sim.Thread, _ *sim.Conn, r *sim.Record) bool {
		if w.Chance(0.8) {
			t.Put(q, func(worker *sim.Thread) { b.Call(worker, r) })
		}
		return false
	}}
}

func TestFireAndForgetIsLinkedWhereCountingTells(t *testing.T) {
	const light, heavy, full = 210 * time.Millisecond, 105 * time.Millisecond, 10 * time.Millisecond
	for _, tt := range []struct {
		name    string
		program program
		think   time.Duration // with 64 clients; the pool does 760 calls a second
		recall  float64
	}{
		{"at 40 % load", fireAndForget, light, 0.94},
		{"at 80 % load", fireAndForget, heavy, 0.6},
		{"saturated", fireAndForget, full, 0},
		{"at 40 % load of a pool that steals", stealing, light, 0.92},
		{"at 80 % load of a pool that steals", stealing, heavy, 0.55},
		{"saturated pool that steals", stealing, full, 0},
		{"where some requests make no call, light load", nowAndThen, light, 0},
		{"where some requests make no call, heavy load", nowAndThen, heavy, 0},
	} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("%s, seed %d", tt.name, seed), func(t *testing.T) {
				res := runLoad(t, tt.program, sim.New(7+seed), &sim.Load{Clients: 64, Requests: 3000, Think: tt.think})
				t.Log(res)
				assert.GreaterOrEqual(t, res.recall(), tt.recall)
				assert.LessOrEqual(t, res.wrongs(), 0.005)
			})
		}
	}
}

// A thread that waits for the global lock inherits what the holder did. If a wake handed
// on nothing else, the reply that a pool thread has read would be forgotten.
func TestAGlobalLockNeedsTheOwnMessageOfTheWaker(t *testing.T) {
	for _, n := range []int{1, 8, 64, 256} {
		t.Run(fmt.Sprintf("%d in flight", n), func(t *testing.T) {
			w := sim.New(3)
			w.HandOnBoth = true
			res := runLoad(t, global, w, &sim.Load{Clients: n, Requests: 2000, Think: time.Millisecond})
			t.Log(res)
			assert.GreaterOrEqual(t, res.recall(), 0.995)
			assert.Zero(t, res.wrong)
		})
	}
}
