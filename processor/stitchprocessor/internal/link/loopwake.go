package link

import (
	"cmp"
	"slices"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// loopWakeKind (E4s): a pool thread read the reply of the call and told an event loop by
// its wake fd, and the loop wrote the reply of the request. A loop hears of several
// calls at once, and a thread may be suspended between leaving its result and
// telling, so what counts is which calls were finished and not replied to when
// the loop wrote: the only one, or the one whose place in the queue of calls is the
// request's place in the queue of requests. Measured: 11,538 right, 85 wrong.
//
// Of the latter it is only known that it came out between what its thread had done before
// and its first byte on the wire; see places.
var loopWakeKind = Kind{Name: "loop_wake", Class: Completion, Trust: window.Likely, Precision: measured(11538, 85)}

const (
	maxFinished = 1024
	// replyWithin is how long after a call has finished its request may be replied to.
	replyWithin = int64(1e9)
	// anchors is how many replies are remembered to tell how the places in the two
	// queues differ, enoughAnchors the least, and latest those that must not contradict.
	anchors, enoughAnchors, latestAnchors = 16, 8, 4
	// maxVotes bounds the calls that one reply votes for: those that finished last.
	maxVotes = 6
	// behind is how far behind in the queue a finished call is when its request must
	// have been lost.
	behind = 64
	// afterHole is for how long messages that are missing cast doubt on what comes.
	afterHole = int64(5e9)
	// toldTurns is how many turns of the loop lie between its being told and the reply.
	toldTurns = 4
	// overtake is how far calls overtake each other between queue and wire.
	overtake = 3
	// maxNumbered bounds the calls whose places are remembered.
	maxNumbered = 256
	// finishedFirst is the precision where a thread may have been suspended between
	// leaving its result and telling. Measured: 54 right, 1 wrong.
	finishedFirst = 0.97
	// longTask is how long it takes at most to write a call that has come out of the
	// queue, ns: the thread may have to wait for the global lock of an interpreter.
	longTask = int64(5e6)
)

// wakes follows the calls that pool threads of a process make for its event loops.
type wakes struct {
	noted    []occasion     // since the loops were replayed last
	told     bool           // a pool thread has told a loop of a call
	pending  []*window.Node // not numbered yet
	finished []*window.Node // not replied to yet, by when their reply was read
	calls    int32          // numbered
	requests int32
	at       int64                     // up to when calls are numbered, Unix ns
	hole     int64                     // when messages of a loop were missing last, Unix ns
	numbered [maxNumbered]*window.Node // the last calls, by place
	votes    [anchors]placing          // of the last replies
	n        int
	dropped  int // calls that found no room
}

// occasion is what a loop did for a request: it read it, or wrote its reply.
type occasion struct {
	event
	loop   uint32
	caller bool // the loop made a call itself of late
}

// note takes an occasion. Loops are replayed one after the other, but they share the
// threads that tell them: what they did is gone through in the order of time.
func (w *wakes) note(l *Linker, lp *loop, e *event) {
	w.noted = append(w.noted, occasion{*e, lp.tid, lp.called != 0 && e.at-lp.called < loopIdle})
	if len(l.loops.list) == 1 {
		w.settle(l)
	}
}

// settle goes through what was noted.
func (w *wakes) settle(l *Linker) {
	slices.SortStableFunc(w.noted, func(a, b occasion) int { return cmp.Compare(a.at, b.at) })
	for i := range w.noted {
		if o := &w.noted[i]; o.message.Reads() {
			w.request(o.node)
		} else {
			w.deliver(l, o)
		}
	}
	clear(w.noted)
	w.noted = w.noted[:0]
}

// watch takes a call that no event loop made.
func (w *wakes) watch(c *window.Node) {
	if c.Server || !c.HasResponse() || c.Request.Loop() || c.Response.Loop() || c.Request.Goroutine() {
		return
	}
	if len(w.pending) == maxFinished {
		w.dropped++
		return
	}
	w.pending = append(w.pending, c)
}

// advance numbers the calls that began before t, in their order, and takes them for
// finished.
func (w *wakes) advance(t int64) {
	if len(w.pending) == 0 {
		return
	}
	slices.SortStableFunc(w.pending, func(a, b *window.Node) int { return cmp.Compare(a.Start(), b.Start()) })
	n := 0
	for n < len(w.pending) && w.pending[n].Start() < t {
		w.calls++
		w.pending[n].Note.Place = w.calls
		w.numbered[uint32(w.calls)%maxNumbered] = w.pending[n]
		n++
	}
	w.finished = slices.DeleteFunc(w.finished, func(c *window.Node) bool { return c.Response.End+replyWithin < w.at })
	w.finished = append(w.finished, w.pending[:n]...)
	w.pending = slices.Delete(w.pending, 0, n)
	w.at = t
	slices.SortStableFunc(w.finished, byReply)
	if over := len(w.finished) - maxFinished; over > 0 {
		w.dropped += over
		w.finished = slices.Delete(w.finished, 0, over)
	}
}

// request numbers a request that a loop has read.
func (w *wakes) request(r *window.Node) {
	w.requests++
	r.Note.Place = w.requests
}

// hear takes note that other threads have told the loop of something before m.
func (lp *loop) hear(l *Linker, m *window.Message) {
	for i := range m.Handoffs {
		h := &m.Handoffs[i]
		if !intoLoop(m, h) || h.SourceTID == m.TID {
			continue
		}
		lp.posted = true
		lp.lags[1].broken1()
		if h.Source != evidence.ClientRead || h.Hops > 0 {
			continue
		}
		l.loops.wakes.told = true
		if source := l.p.Message(h.SourceTID, h.SourceIO); source == nil {
			l.loops.wakes.lost(l.p, lp.tid, m.Tick, h)
		} else if source.Kind == evidence.ClientRead {
			l.tellAt(source.Node, h.Time)
			n := &source.Node.Note
			n.Loop, n.Told = lp.tid, m.Tick
		}
	}
}

// tellAt takes note that the thread which had read the reply of c told an event loop of it:
// it had put it into the queue by then, and had nothing else in hand before.
func (l *Linker) tellAt(c *window.Node, at int64) {
	if c.Note.ToldAt != 0 && c.Note.ToldAt <= at {
		return
	}
	c.Note.ToldAt = at
	if hb := l.habits.calls.get(c.Operation); hb != nil {
		hb.ends.bound(c.End, at)
	}
	next := l.p.After(&c.Response)
	if next == nil || next.Kind != evidence.ClientWrite || next.Node.Note.Free >= at || next.Start < at {
		return
	}
	next.Node.Note.Free = at
	if hb := l.habits.calls.get(next.Node.Operation); hb != nil {
		hb.starts.bound(next.Start, at)
	}
}

// lost keeps a place for a call that a loop was told of and that is not in the window:
// some reply is due to it.
func (w *wakes) lost(p *window.Process, loop, tick uint32, h *evidence.Handoff) {
	for _, c := range w.finished {
		if c.Ref == nil && c.Response.TID == h.SourceTID && c.Response.IO == h.SourceIO {
			return // told of twice
		}
	}
	if len(w.finished) == maxFinished {
		w.dropped++
		return
	}
	e := evidence.Exchange{
		Request:  evidence.Message{Start: h.Time},
		Response: evidence.Message{Start: h.Time, End: h.Time, Point: evidence.Point{TID: h.SourceTID, IO: h.SourceIO}},
	}
	c := window.NewNode(&e, false, h.Time)
	c.Process, c.Note.Loop, c.Note.Told = p, loop, tick
	w.finished = append(w.finished, c)
	slices.SortStableFunc(w.finished, byReply)
}

func byReply(a, b *window.Node) int { return cmp.Compare(a.Response.End, b.Response.End) }

// broken: replies of the loop are missing, and what they were due to is still among
// the finished calls.
func (w *wakes) broken(at int64) {
	w.hole = at
	for _, c := range w.finished {
		c.Note.Doubt = c.Note.Doubt || c.Response.End <= at
	}
}

// deliver finds the finished call that a reply of the loop is due to.
func (w *wakes) deliver(l *Linker, e *occasion) {
	if !w.told {
		return
	}
	w.finished = slices.DeleteFunc(w.finished, func(c *window.Node) bool {
		return c.Process == nil || c.Response.End+replyWithin < e.at
	})
	if len(l.loops.list) > 1 {
		w.tell(l, e)
		return
	}
	fits := w.fits(l, e)
	if len(fits) == 0 {
		return
	}
	call, score := w.choose(fits, e)
	if score > 0 && call.Ref != nil {
		w.claim(l, call, e, score)
	}
	w.finished = slices.DeleteFunc(w.finished, func(c *window.Node) bool { return c == call })
}

func (w *wakes) claim(l *Linker, call *window.Node, o *occasion, score float64) {
	claim := window.Claim{Parent: o.node, Kind: LoopWake, Score: score, Trust: loopWakeKind.Trust}
	if o.caller {
		claim.Trust = window.Support // the loop makes calls, too: the reply may be due to one
	}
	l.claim(call, claim)
}

// fits are the finished calls that the reply may be due to.
func (w *wakes) fits(l *Linker, e *occasion) []*window.Node {
	fits := l.open[:0]
	for _, c := range w.finished {
		if c.Response.End > e.at {
			break
		}
		elsewhere := c.Note.Loop != 0 && c.Note.Loop != e.loop
		if c.Start() >= e.node.Start() && !elsewhere {
			fits = append(fits, c)
		}
	}
	l.open = fits
	return fits
}

// choose returns the call that the reply of r is due to, or that it is most likely due
// to and a score of zero. Where messages are missing, only what the loop has just
// been told of counts.
func (w *wakes) choose(fits []*window.Node, e *occasion) (*window.Node, float64) {
	shift, known := w.shift()
	w.vote(fits, e.node)
	holes := w.hole != 0 && e.at-w.hole < afterHole
	if known {
		if c, score := w.inPlace(fits, e, shift); c != nil {
			if c.Note.Swapped || holes && !told(c, e) {
				score = 0
			}
			return c, score
		}
	}
	sole := w.sole(fits, e, holes)
	if sole != nil && (!known || abs(sole.Note.Place-e.node.Note.Place-shift) < overtake) {
		return sole, 0.95
	}
	for _, c := range fits {
		c.Note.Doubt = true // one of them is replied to, it is not known which
	}
	return fits[0], 0
}

// told reports whether the thread that finished the call has told the loop just now.
func told(c *window.Node, e *occasion) bool {
	return c.Note.Loop == e.message.TID && e.tick-c.Note.Told <= toldTurns
}

// sole returns the only call that fits, if there is one and it is in the window. holes
// says that those do not count which the loop has not just been told of.
func (w *wakes) sole(fits []*window.Node, e *occasion, holes bool) *window.Node {
	var only *window.Node
	for _, c := range fits {
		if holes && !told(c, e) {
			continue
		}
		if only != nil {
			return nil
		}
		only = c
	}
	if only == nil || only.Note.Doubt || only.Note.Swapped || only.Ref == nil {
		return nil
	}
	return only
}

func abs(n int32) int32 { return max(n, -n) }
