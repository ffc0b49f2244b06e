package link

import (
	"slices"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// Where a pool works for several event loops, as Netty's business pools do, a loop is told
// by its wake fd only if it sleeps: of the calls that are done while it is awake nothing
// says which loop they are for. The one that woke it is known (tell), the others are left
// over, and the likeliest assignment as a whole says whose they are (rest.go): a loop
// replies in the order in which it is told, threads take up requests in the order of
// their queue, and of two calls that are done at nearly the same time the order is as
// uncertain as the time from a reply to the telling varies. It is the same with goroutines,
// of which the kernel does not see who wakes whom.

// landing is how calls of one kind end in the replies that event loops or goroutines write.
type landing struct {
	order  shifts // ranks of their ends, among those of the replies of requests
	jitter gaps   // how the time from the end of a call to its telling differs from the one before
	last   int64  // that time, ns
	queueing
}

const (
	// nearTell is by how much a call may have ended before the one that woke the loop and yet
	// be the one that it replied to first. Measured: where no other one had ended within
	// 0.1 ms 2,979 first replies were of the call that had woken the loop and 1 was not,
	// elsewhere 196 and 12. Unix ns.
	nearTell = int64(300e3)
	// otherTold and otherSubmitted are what it costs if the loop was woken for another call,
	// and if the call's thread was woken for another request: logarithms of odds.
	otherTold, otherSubmitted = 2.8, 2.5
	// landMargin and goMargin are how much dearer every other assignment must be: these costs
	// are odds.
	landMargin, goMargin = 5, 6
	// crowd is how many requests may fit nearly as well as the best one. More of them, and
	// their other calls, are too many to be looked at together.
	crowd = 4
)

// tell is for a reply of one of several loops: it is due to the call whose thread has woken
// the loop, unless another call was done at the same time, of which nothing is known.
func (w *wakes) tell(l *Linker, o *occasion) {
	c := l.teller(o.node)
	if c == nil || c.Start() < o.node.Start() {
		return
	}
	for _, x := range w.finished {
		if x != c && x.State != window.Linked && (x.Note.Loop == 0 || x.Note.Loop == o.loop) &&
			x.Response.End <= c.Note.ToldAt && x.Response.End >= c.Response.End-nearTell {
			return
		}
	}
	w.claim(l, c, o, loopWakeKind.Precision)
	w.finished = slices.DeleteFunc(w.finished, func(x *window.Node) bool { return x == c })
}

// teller returns the call whose thread woke the event loop that replied to r, if this
// reply was the first thing that the loop did then.
func (l *Linker) teller(r *window.Node) *window.Node {
	h := l.soleTeller(&r.Response)
	if h == nil || h.Source != evidence.ClientRead {
		return nil
	}
	if m := l.p.Message(h.SourceTID, h.SourceIO); m != nil && m.Kind == evidence.ClientRead {
		return m.Node
	}
	return nil
}

// lands reports whether an event loop or a goroutine replied to r.
func lands(r *window.Node) bool { return r.Response.Loop() || r.Response.Goroutine() }

// landed learns from a call that is known to be of r.
func (h *habits) landed(hb *habit, r, c *window.Node) {
	a := h.requests.get(r.Operation)
	if a == nil || !lands(r) {
		return
	}
	g := &hb.landing
	took := r.Answered() - c.End
	if c.Note.ToldAt != 0 {
		took = c.Note.ToldAt - c.End
	}
	if c.Note.ToldAt != 0 || r.Response.Goroutine() {
		g.jitter.add(took - g.last)
		g.last = took
	}
	rank := a.answered.rank(r.Answered())
	if s := &g.order; s.settled() {
		s.off.add(hb.endOff(rank+s.usual, c))
	}
	g.order.add(hb.ends.rank(c.End) - rank)
}

// cost is how unlikely it is to be out of place by so much time in an order: as it has
// been seen to be, or because of how long threads may be held up at any time.
func (g *landing) cost(s *shifts, off int64) float64 {
	if !g.jitter.known() {
		return s.off.tail(off)
	}
	return min(s.off.tail(off), g.jitter.tail(off))
}

// landCost is how unlikely it is that a loop or a goroutine replied to r because of c.
func (l *Linker) landCost(hb *habit, r, c *window.Node) float64 {
	a := l.habits.requests.get(r.Operation)
	if a == nil || c.End > r.Answered() || c.Note.ToldAt > r.Answered() ||
		c.Note.Loop != 0 && c.Note.Loop != r.Response.TID || !l.inOrder(hb, r, c) {
		return never
	}
	cost := 0.0
	if by := l.submitterOf(c); by != nil && by != r {
		cost += otherSubmitted
	}
	if t := l.teller(r); t != nil && t != c {
		cost += otherTold
	}
	if s := &hb.landing.order; s.known() {
		cost += hb.landing.cost(s, hb.endOff(a.answered.rank(r.Answered())+s.usual, c))
	}
	return cost
}

// endOff is by how much time the end of c is out of place if its rank should be another.
func (hb *habit) endOff(rank int32, c *window.Node) int64 {
	return hb.ends.off(rank, rank, c.End, hb.ends.other(c.End))
}

// lands reports whether calls of this kind end in such replies.
func (hb *habit) lands() bool { return hb.landing.order.n > 0 }

// tooMany reports whether too many requests fit c nearly as well as the best, by l.costs.
func (l *Linker) tooMany(hb *habit, c *window.Node) bool {
	return hb.lands() && len(l.costs) > crowd && l.costs[crowd] < l.costs[0]+l.margin(c)
}

// landGrace is for how long the decision on such a call is put off while too little is
// known of its kind. Unix ns.
const landGrace = int64(2e9)

func (l *Linker) waitForLanding(c *window.Node) int64 {
	hb := l.habits.calls.get(c.Operation)
	if hb == nil || !hb.lands() || hb.landing.order.known() && hb.known() || hasCandidate(c) || l.adjoins(c) {
		return 0
	}
	return c.End + landGrace
}

// given are the calls that were given up last. That it is not known whose such a call is
// does not make its request free for another one.
type given struct {
	calls [maxGiven]*window.Node
	n     int
}

// maxGiven bounds them; with maxRivals they fit into one problem.
const maxGiven = 10

// known reports whether it is known when such calls begin.
func (hb *habit) known() bool {
	for _, k := range hb.before.of {
		if k.it.gaps.known() {
			return true
		}
	}
	return false
}

// giveUp takes note of a call that was left over, and is of no request for sure.
func (l *Linker) giveUp(c *window.Node) {
	if hb := l.habits.calls.get(c.Operation); hb != nil && hb.lands() {
		hb.given.calls[hb.given.n%maxGiven] = c
		hb.given.n++
	}
}

// add appends those to rivals that were under way at the same time as c.
func (g *given) add(rivals []*window.Node, c *window.Node) []*window.Node {
	for _, x := range g.calls {
		if x != nil && x != c && x.Process != nil && x.State == window.Orphan && x.Start() <= c.End && c.Start() <= x.End {
			rivals = append(rivals, x)
		}
	}
	return rivals
}

// adjoins reports whether the thread of a call of a goroutine did it right after it had
// read something: then that says whose it is, if anything does.
func (l *Linker) adjoins(c *window.Node) bool {
	m := &c.Request
	if !m.Goroutine() || m.Waited&slept != 0 {
		return false
	}
	before := l.p.Before(m)
	return before != nil && before.Reads()
}
