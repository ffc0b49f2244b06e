package link

import (
	"cmp"
	"slices"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// loops are the threads of a process that run an event loop. Their I/O is replayed
// in order, up to a time at which all of it has arrived.
type loops struct {
	of      map[uint32]*loop
	list    []*loop // in the order of appearance, so that a replay repeats itself
	wakes   wakes
	dropped int
	queues  int // what waited in a loop, or for one, and found no room
}

const (
	maxLoops = 512
	// turnGrace is how long after its last I/O a turn is taken to be over, if
	// nothing follows. Unix ns.
	turnGrace = int64(20e6)
	// loopIdle is after how long a loop without I/O is forgotten.
	loopIdle = int64(300e9)
)

func newLoops() loops { return loops{of: map[uint32]*loop{}} }

// watch takes note of what n did in event loops.
func (ls *loops) watch(n *window.Node) {
	ls.wakes.watch(n)
	for _, m := range [...]*window.Message{&n.Request, &n.Response} {
		if m.Loop() && m.IO != 0 && m.TID != 0 {
			if lp := ls.get(m.TID); lp != nil {
				lp.add(event{node: n, message: m, io: m.IO, tick: m.Tick, at: m.At()})
			}
		}
	}
	if c := n.Connect; c != nil && c.Tick != 0 && c.Goid == 0 {
		if lp := ls.get(c.TID); lp != nil {
			lp.add(event{node: n, io: c.IO, tick: c.Tick, at: c.Time})
		}
	}
}

func (ls *loops) get(tid uint32) *loop {
	lp := ls.of[tid]
	if lp != nil {
		return lp
	}
	if len(ls.list) == maxLoops {
		ls.dropped++
		return nil
	}
	lp = &loop{tid: tid}
	lp.lags[1].index = 1
	lp.lags[0].queue = &lp.callbacks.queue
	q := &lp.callbacks.queue
	q.leads.limit, q.astray.limit, q.backlog.limit = maxLeads, maxLeads, maxBacklogs
	lp.cadence.beats.limit = maxBeats
	ls.of[tid] = lp
	ls.list = append(ls.list, lp)
	return lp
}

func (ls *loops) advance(l *Linker, t int64) {
	if len(ls.list) == 0 {
		return
	}
	ls.wakes.advance(t)
	idle := false
	for _, lp := range ls.list {
		lp.advance(l, t)
		ls.queues += lp.dropped()
		idle = idle || lp.at+loopIdle < t
	}
	ls.wakes.settle(l)
	if !idle {
		return
	}
	ls.list = slices.DeleteFunc(ls.list, func(lp *loop) bool {
		drop := lp.at+loopIdle < t && len(lp.pending) == 0
		if drop {
			delete(ls.of, lp.tid)
		}
		return drop
	})
}

// rest ends the turns of loops of which everything has been replayed.
func (ls *loops) rest(l *Linker, t int64) {
	for _, lp := range ls.list {
		if len(lp.pending) == 0 {
			lp.flush(l, t)
		}
	}
	ls.wakes.settle(l)
}

// event is a message on an event loop's thread, or a connect if message is nil. A
// connect is no I/O: it bears the ordinal of the one before.
type event struct {
	node    *window.Node
	message *window.Message
	at      int64
	io      uint32
	tick    uint32
}

// loop replays one thread.
type loop struct {
	tid     uint32
	pending []event
	sorted  bool
	spare   []event  // memory to sort into
	keys    []uint64 // scratch of sort
	started bool
	flushed bool // the turn was ended because nothing followed

	io, tick uint32 // of the last event replayed
	conn     uint64 // that it read from, or zero
	at       int64
	posted   bool  // other threads posted work in this turn
	called   int64 // when the loop itself made a call last, Unix ns

	lags      [2]lag
	callbacks callbacks // of lags[0]
	cadence   cadence
}

// dropped returns how much found no room since the last time.
func (lp *loop) dropped() (n int) {
	q := &lp.callbacks.queue
	for _, count := range [...]*int{&q.full, &q.leads.dropped, &q.astray.dropped, &q.backlog.dropped, &lp.lags[0].full, &lp.lags[1].full, &lp.cadence.full, &lp.cadence.beats.dropped} {
		n += *count
		*count = 0
	}
	return n
}

func (lp *loop) add(e event) {
	lp.pending = append(lp.pending, e)
	lp.sorted = false
}

// advance replays the events before t.
func (lp *loop) advance(l *Linker, t int64) {
	if len(lp.pending) == 0 {
		lp.flush(l, t)
		return
	}
	lp.sort()
	n := 0
	for n < len(lp.pending) && lp.pending[n].at < t {
		lp.replay(l, &lp.pending[n])
		n++
	}
	lp.pending = slices.Delete(lp.pending, 0, n)
	if len(lp.pending) == 0 {
		lp.flush(l, t)
	}
}

// sort puts the pending events in order. Nearly all of them have ordinals of their own: sorting
// these as numbers, each with its place behind it, takes a quarter of the time that sorting
// the events does.
func (lp *loop) sort() {
	if lp.sorted {
		return
	}
	keys := lp.keys[:0]
	for i := range lp.pending {
		keys = append(keys, uint64(lp.pending[i].io)<<32|uint64(i))
	}
	slices.Sort(keys)
	sorted := lp.spare[:0]
	for from, i := 0, 0; i < len(keys); i++ {
		sorted = append(sorted, lp.pending[uint32(keys[i])])
		if last := i+1 == len(keys) || keys[i+1]>>32 != keys[i]>>32; last {
			slices.SortStableFunc(sorted[from:], compareEvents)
			from = i + 1
		}
	}
	clear(lp.pending)
	lp.pending, lp.spare, lp.keys, lp.sorted = sorted, lp.pending[:0], keys, true
}

// compareEvents puts a connect right after the I/O whose ordinal it bears, in order
// of time if there are several.
func compareEvents(a, b event) int {
	switch {
	case a.io != b.io:
		return int(int64(a.io) - int64(b.io))
	case (a.message == nil) == (b.message == nil):
		if a.node.ConnID == b.node.ConnID {
			return cmp.Compare(a.node.Ordinal, b.node.Ordinal)
		}
		return cmp.Compare(a.at, b.at)
	case a.message == nil:
		return 1
	}
	return -1
}

// flush ends the turn if nothing has followed for long.
func (lp *loop) flush(l *Linker, t int64) {
	if lp.started && !lp.flushed && lp.at+turnGrace < t {
		lp.turn(l, lp.tick+1)
		lp.flushed = true
	}
}

func (lp *loop) replay(l *Linker, e *event) {
	first, last := e.io+1, e.io // of a connect: the ordinal after it is still to come
	if e.message != nil {
		first, last = e.message.First(), max(e.message.Last(), e.io)
	}
	if lp.started && (e.io < lp.io || e.message != nil && e.io == lp.io && !lp.together(e)) {
		return // too late: its place has been taken for a hole
	}
	hole := first > lp.io+1
	missing := hole && lp.started
	if hole {
		lp.broken()
	}
	if missing {
		l.loops.wakes.broken(e.at)
	}
	if e.tick != lp.tick {
		lp.turn(l, e.tick)
		if hole {
			lp.broken()
		}
	}
	lp.started, lp.flushed = true, false
	lp.at, lp.io, lp.conn = e.at, max(last, lp.io), 0
	if e.message != nil && e.message.Reads() {
		lp.conn = e.node.ConnID
	}
	lp.dispatch(l, e)
}

// together reports whether e is a reply that was read with the one before, in one I/O.
func (lp *loop) together(e *event) bool { return e.message.Reads() && e.node.ConnID == lp.conn }

func (lp *loop) dispatch(l *Linker, e *event) {
	m := e.message
	if m != nil {
		lp.hear(l, m)
	}
	if !e.node.Server && (m == nil || !m.Reads()) {
		lp.called = e.at
	}
	switch {
	case m == nil:
		lp.output(l, e)
	case m.Reads():
		if e.node.Server {
			l.loops.wakes.note(l, lp, e)
		}
		lp.callbacks.read(l, &lp.lags[0], m)
		lp.lags[1].read(m)
		lp.cadence.read(lp.tick, e.node)
	case e.node.Server:
		lp.output(l, e)
		l.loops.wakes.note(l, lp, e)
	case e.node.Connect == nil && e.node.Ordinal > 0:
		lp.output(l, e)
	}
	// The first call on a new connection is written when the connection is there:
	// what caused it is the connect, or is not known.
}

// output takes an output to both models of the loop.
func (lp *loop) output(l *Linker, e *event) {
	if lp.posted {
		lp.cadence.torn = true
		return
	}
	lp.callbacks.output(l, &lp.lags[0], e)
	lp.lags[1].output1(e)
	lp.cadence.output(e)
}

// broken: something is missing right here.
func (lp *loop) broken() {
	lp.callbacks.forget()
	lp.callbacks.unread = false
	lp.callbacks.queue.broken()
	lp.lags[1].broken1()
	lp.cadence.broken(lp.tick)
}

// turn ends the turn of the loop and begins another.
func (lp *loop) turn(l *Linker, tick uint32) {
	lp.callbacks.settle(l, &lp.lags[0], late)
	lp.callbacks.unread = true
	lp.lags[1].turn1(l, tick == lp.tick+1)
	lp.cadence.turn(l, lp.tick)
	lp.tick, lp.posted = tick, false
}
