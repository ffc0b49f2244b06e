package sim

import (
	"slices"
	"time"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

const (
	edgeFutex  = evidence.Futex
	edgeFD     = evidence.FD
	edgeFDRead = evidence.FDRead
	edgeClone  = evidence.Clone

	waitedSleep = evidence.WaitedSleep
)

// Thread is a thread, with what the kernel side keeps of it.
type Thread struct {
	Process *Process
	TID     uint32
	// Goid and Creator are the goroutine that runs on it, in a Go program.
	Goid, Creator uint64

	io, tick uint32
	waited   evidence.Waited
	last     evidence.Handoff // own last message, as what it would hand on
	pending  []evidence.Handoff
	parker   Word

	yield  func(struct{}) bool
	resume func() (struct{}, bool)
	stop   func()
}

// handOn is what the kernel side does at a wake: what the waker was handed since its
// own last message, or else that message, goes to the other thread; both of them if
// the world says so.
func (t *Thread) handOn(to *Thread, edge evidence.Edge, address uint64) {
	if t == to {
		return
	}
	for _, h := range t.contexts() {
		h.Edge, h.Address, h.WakerTID, h.Time = edge, address, t.TID, t.Process.World.now
		to.receive(h)
	}
}

func (t *Thread) contexts() (all []evidence.Handoff) {
	if t.Process.go_ {
		return nil
	}
	best := evidence.Handoff{}
	for _, h := range t.pending {
		if h.Time > best.Time {
			best = h
		}
	}
	best.Hops++
	if best.Source != evidence.None && best.Time > t.last.Time && best.Hops <= 3 {
		all = append(all, best)
	}
	if own := t.last.Source != evidence.None; own && (len(all) == 0 || t.Process.World.HandOnBoth) {
		all = append(all, t.last)
	}
	return all
}

func (t *Thread) receive(h evidence.Handoff) {
	for i, old := range t.pending {
		same := old.SourceTID == h.SourceTID && old.SourceIO == h.SourceIO
		word := old.Edge == edgeFutex && h.Edge == edgeFutex && old.Address == h.Address
		if t.Process.World.HandOnBoth {
			if same && old.Hops == h.Hops {
				return // the first wake is the one that says something
			}
			word = word && old.Source != evidence.ClientRead
			same = false
		}
		if same || word {
			t.pending[i] = h
			return
		}
	}
	if len(t.pending) == evidence.MaxHandoffs {
		t.pending = slices.Delete(t.pending, 0, 1)
	}
	t.pending = append(t.pending, h)
}

// message is one I/O: what the kernel side reports of it. It takes a few
// microseconds.
func (t *Thread) message(kind evidence.Kind, c *Conn, n uint32) evidence.Message {
	w := t.Process.World
	if w.Chance(w.Noise) {
		t.io++ // I/O that belongs to no exchange
	}
	start := w.now
	t.Work(w.Uniform(3*time.Microsecond, 9*time.Microsecond))
	t.io++
	m := evidence.Message{
		Start: start, End: w.now, Len: n, Waited: t.waited, Handoffs: t.pending,
		Point: evidence.Point{TID: t.TID, IO: t.io, Tick: t.tick, Goid: t.Goid, GoidParent: t.Creator},
	}
	if kind == evidence.ServerRead || kind == evidence.ClientRead {
		m.Start = m.End // a single read: its exit
	}
	t.waited, t.pending = 0, nil
	t.last = evidence.Handoff{Source: kind, SourceTID: t.TID, SourceIO: t.io, Time: w.now}
	next := c.position(kind)
	m.Seq, *next = *next, *next+n
	return m
}

// Word is a futex word.
type Word struct {
	address uint64
	waiters []*Thread
}

// Wait sleeps until the word is woken.
func (t *Thread) Wait(w *Word) {
	w.waiters = append(w.waiters, t)
	t.park()
	t.waited |= evidence.WaitedFutex
}

// Wake wakes the thread that has waited longest, and reports whether there was one.
func (t *Thread) Wake(w *Word) bool {
	if len(w.waiters) == 0 {
		return false
	}
	other := w.waiters[0]
	w.waiters = w.waiters[1:]
	t.handOn(other, edgeFutex, w.address)
	other.wakeIn(t.Process.World.Uniform(15*time.Microsecond, 60*time.Microsecond))
	t.Work(2 * time.Microsecond)
	return true
}

// Mutex is a contended lock, such as a global interpreter lock.
type Mutex struct {
	word Word
	held bool
}

// NewMutex returns a lock whose word lies at address.
func NewMutex(address uint64) *Mutex { return &Mutex{word: Word{address: address}} }

// Lock waits for the lock.
func (t *Thread) Lock(m *Mutex) {
	for m.held {
		t.Wait(&m.word)
	}
	m.held = true
}

// Unlock gives it to whoever comes first.
func (t *Thread) Unlock(m *Mutex) {
	m.held = false
	t.Wake(&m.word)
}

// Future is a result that one thread waits for, on a word of its own, as in the JVM.
type Future struct {
	done   bool
	waiter *Thread
}

// Get waits for the result, unless it is there.
func (t *Thread) Get(f *Future) {
	for !f.done {
		f.waiter = t
		t.Wait(&t.parker)
	}
}

// Complete makes the result available.
func (t *Thread) Complete(f *Future) {
	f.done = true
	if f.waiter != nil {
		t.Wake(&f.waiter.parker)
	}
}

// Queue is a blocking queue of tasks. Whoever takes one wakes the next waiter if there
// are more, as LinkedBlockingQueue does.
type Queue struct {
	items   []func(*Thread)
	waiters []*Thread
	// steals says that any task may be next, and that the last one to wait is woken
	// first, as in a ForkJoinPool.
	steals bool
}

// Put adds a task and wakes a waiting thread.
func (t *Thread) Put(q *Queue, task func(*Thread)) {
	q.items = append(q.items, task)
	t.signal(q)
}

func (t *Thread) signal(q *Queue) {
	n := len(q.waiters)
	if n == 0 {
		return
	}
	i := 0
	if q.steals {
		i = n - 1
	}
	other := q.waiters[i]
	q.waiters = slices.Delete(q.waiters, i, i+1)
	t.Wake(&other.parker)
}

// Take waits for a task. A thread that is woken may find it taken by another.
func (t *Thread) Take(q *Queue) func(*Thread) {
	for len(q.items) == 0 {
		q.waiters = append(q.waiters, t)
		t.Wait(&t.parker)
	}
	i := 0
	if w := t.Process.World; q.steals {
		i = int(w.Uniform(0, time.Duration(len(q.items)-1)))
	}
	task := q.items[i]
	q.items = slices.Delete(q.items, i, i+1)
	if len(q.items) > 0 {
		t.signal(q)
	}
	return task
}

// Pool starts n threads that take tasks from the queue it returns.
func (p *Process) Pool(n int) *Queue { return p.workers(n, &Queue{}) }

// Stealers is the same of workers that steal tasks from each other.
func (p *Process) Stealers(n int) *Queue { return p.workers(n, &Queue{steals: true}) }

func (p *Process) workers(n int, q *Queue) *Queue {
	for range n {
		p.Go(nil, func(t *Thread) {
			for {
				t.Take(q)(t)
			}
		})
	}
	return q
}

// Done reports whether the result is there.
func (f *Future) Done() bool { return f.done }
