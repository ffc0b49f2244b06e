package link

import (
	"math"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// habits are what the calls of a process do as a rule, by what they ask for: which
// requests make them, how many each, when in the life of the request. All is
// learned from links that better evidence has made, and forgotten by and by.
type habits struct {
	requests operations[asked]
	calls    operations[habit]
	workers  table[uint32, worker]
	lost     losses
	due      bool // counts are to be halved
	full     int  // times that the rest of what is learned of an operation found no room
	unmade   int  // calls that are not remembered with their request
}

// habit is that of one kind of call.
type habit struct {
	calls   int    // that were seen
	links   int    // of them, to a request
	late    int    // of these, begun after the reply
	during  int    // calls while a request was open: how many are in flight
	parents shares // links by operation of the request
	before  table[landmark, distance]
	wake    gaps // from the end of the call to the wake of the thread that replied

	starts, ends sequence
	lives        []lifetime // the latest calls
	given        given
	landing      landing // in the replies of event loops
	stage        *stage  // nil if no call is known to follow
}

// asked is requests of one kind.
type asked struct {
	n              int
	read, answered sequence
}

// distance is how far a call is from a landmark, in time and in rank.
type distance struct {
	gaps   gaps
	shifts shifts
}

// landmark is an event in the life of a request that its call follows: the request
// was read, a sibling began, or the worker that completed the request had completed
// another one before.
type landmark struct {
	what    uint8
	sibling uint64
}

// Kinds of landmarks.
const (
	markRead uint8 = iota
	markSibling
	markFreed
)

const (
	// maxParents, maxLandmarks and maxWorkers bound the tables. Parents make room when counts
	// are halved.
	maxParents, maxLandmarks, maxWorkers = 8, 4, 1024
	// habitMemory is after how many requests of all kinds the counts are halved.
	habitMemory = 2048
	// maxMade bounds the calls of a request that are remembered with it.
	maxMade = 8
)

// observe takes a node, and what its threads did before: with p they tell. loops is how many
// event loops the process has: what a single one replies to, other rules know.
func (h *habits) observe(p *window.Process, n *window.Node, loops int) {
	if n.Request.Loop() && !n.Server || n.Server && loops < 2 && (n.Request.Loop() || n.Response.Loop()) {
		return
	}
	h.lost.observe(n)
	if n.Note.Free = n.Start(); !n.Request.Goroutine() {
		n.Note.Free = h.wentOn(p, &n.Request)
	}
	if n.Server {
		h.wentOn(p, &n.Response)
		h.request(n)
		return
	}
	hb := h.calls.meet(n.Operation)
	if hb == nil {
		return
	}
	hb.before.limit = maxLandmarks
	hb.calls++
	hb.starts.add(n.Start(), n.Note.Free)
	hb.ends.add(n.End, n.End)
	hb.remember(lifetime{n.Start(), n.End})
}

func (h *habits) request(r *window.Node) {
	a := h.requests.meet(r.Operation)
	if a == nil {
		return
	}
	a.n++
	a.read.add(r.Request.End, r.Request.End)
	a.answered.add(r.Answered(), r.Answered())
	h.due = h.due || a.n >= habitMemory
}

// basis is the habit whose links tell which requests make such calls.
func (h *habits) basis(hb *habit) *habit {
	if hb.staged() {
		if next := h.calls.get(hb.stage.next); next != nil {
			return next
		}
	}
	return hb
}

// each returns the habit of such calls if every request of the kinds that make them
// makes one, no more and no less, and waits for it, and nothing was lost lately.
func (h *habits) each(c *window.Node) *habit {
	hb := h.calls.get(c.Operation)
	if hb == nil || h.lost.about(c) {
		return nil
	}
	by := h.basis(hb)
	if by.links < enough || by.late*50 > by.links {
		return nil
	}
	requests := h.askers(by)
	// Requests that are open are not known yet, their calls are.
	if requests < enough || hb.calls*10 < requests*9 || hb.calls*10 > requests*11+by.during*10 {
		return nil
	}
	return hb
}

// askers returns how many requests there were of the kinds that make such calls.
func (h *habits) askers(hb *habit) int {
	requests := 0
	for _, by := range hb.parents {
		if a := h.requests.get(by.operation); a != nil && by.n*50 >= hb.links {
			requests += a.n
		}
	}
	return requests
}

// makes reports whether r is of a kind that makes such calls and has made none yet.
func (hb *habit) makes(r, c *window.Node) bool {
	for _, made := range r.Made() {
		if made.Operation == c.Operation {
			return false
		}
	}
	if int(r.Children) > len(r.Made()) {
		return false // it is not known what for
	}
	return hb.staged() || hb.parents.of(r.Operation)*50 >= hb.links
}

// learn takes a link. It returns whether the place of c among its like says something.
func (h *habits) learn(c *window.Node) bool {
	r, class := c.Parent, kinds[c.Kind].Class
	own := class == Owner || class == Identity // where these say it all, nothing is left over
	if class != Owner {
		h.remember(r, c)
	}
	hb := h.calls.get(c.Operation)
	if hb == nil || class == Pattern || class == Time {
		return false
	}
	hb.links++
	if c.Start() > r.Answered() {
		hb.late++
	}
	if !hb.parents.add(r.Operation, maxParents) {
		h.full++
	}
	if own {
		return false
	}
	during := int(hb.starts.rank(r.Answered()) - hb.starts.rank(r.Request.End))
	hb.during = max(during, hb.during-hb.during/16)
	if r.Note.WokenAt != 0 {
		hb.wake.add(r.Note.WokenAt - c.End)
	}
	h.landed(hb, r, c)
	h.marks(r, c, func(m landmark, at, free int64) {
		if m.what != markRead {
			h.measure(hb, r, c, m, at, free)
		}
	})
	for _, sibling := range r.Made() {
		if other := h.calls.get(sibling.Operation); other != nil && sibling.Operation != c.Operation {
			h.measure(other, r, sibling, landmark{markSibling, c.Operation}, c.Start(), c.Note.Free)
		}
	}
	return true
}

// remember notes with a request that it has made a call.
func (h *habits) remember(r, c *window.Node) {
	if len(r.Made()) == maxMade {
		h.unmade++
		return
	}
	led := r.Led()
	led.Made = append(led.Made, c)
}

// learnPlace takes the place of c, which is linked, after that of its request, when all
// that began before has its place: of requests that are still open nothing is known.
func (h *habits) learnPlace(c *window.Node) {
	if hb := h.calls.get(c.Operation); hb != nil {
		at := c.Parent.Request.End
		h.measure(hb, c.Parent, c, landmark{what: markRead}, at, at)
	}
}

// measure takes the distance of c from a landmark of r, which was between free and at.
func (h *habits) measure(hb *habit, r, c *window.Node, m landmark, at, free int64) {
	d := hb.before.meet(m)
	h.full += hb.before.dropped
	hb.before.dropped = 0
	if d == nil {
		return
	}
	d.gaps.add(c.Start() - at)
	among := h.among(r, m)
	if among == nil {
		return
	}
	place, own := among.rank(at), hb.starts.rank(c.Start())
	if s := &d.shifts; s.settled() {
		low, high := among.around(place, at, free)
		first, last := hb.starts.around(own, c.Start(), c.Note.Free)
		s.off.add(hb.starts.apart(low+s.usual, high+s.usual, first, last, c.Start(), c.Note.Free))
	}
	d.shifts.add(own - place)
}

// among is the like of a landmark.
func (h *habits) among(r *window.Node, m landmark) *sequence {
	switch m.what {
	case markRead:
		if a := h.requests.get(r.Operation); a != nil {
			return &a.read
		}
	case markSibling:
		if other := h.calls.get(m.sibling); other != nil {
			return &other.starts
		}
	}
	return nil
}

// marks calls f with the landmarks of r that its call c may follow, and with the times
// between which each was.
func (h *habits) marks(r, c *window.Node, f func(m landmark, at, free int64)) {
	f(landmark{what: markRead}, r.Request.End, r.Request.End)
	for _, sibling := range r.Made() {
		if sibling != c && sibling.Operation != c.Operation {
			f(landmark{markSibling, sibling.Operation}, sibling.Start(), sibling.Note.Free)
		}
	}
	if at := h.freed(r); at != 0 && !h.worked(r, c, at) {
		f(landmark{what: markFreed}, at, at)
	}
}

// cost is how unlikely it is that r made c, by the two sharpest of the distances from
// the landmarks before and by the wake after, as a negative logarithm of a ratio.
func (l *Linker) cost(hb *habit, r, c *window.Node) float64 {
	h := &l.habits
	if hb.staged() {
		return h.stageCost(hb, r, c)
	}
	first, second := aspect{crowd: math.Inf(1), cost: never}, aspect{crowd: math.Inf(1)}
	h.marks(r, c, func(m landmark, at, free int64) {
		a := h.aspect(hb, r, c, m, at, free)
		if a.crowd < first.crowd {
			first, second = a, first
		} else if a.crowd < second.crowd {
			second = a
		}
	})
	cost := first.cost
	if second.crowd < dull {
		cost += second.cost * dependence
	}
	if lands(r) {
		return min(never, cost+l.landCost(hb, r, c))
	}
	switch {
	case r.Note.WokenAt == 0 || cost >= never:
		return cost
	case h.busy(r, c):
		return never
	case !h.sole(hb, r):
		// The thread may have been woken by another call and not have run until this one
		// was done as well.
		return cost + min(hb.wake.cost(r.Note.WokenAt-c.End), lateWake)
	case c.End > r.Note.WokenAt:
		return never
	case !hb.wake.known():
		return cost
	}
	return cost + hb.wake.cost(r.Note.WokenAt-c.End)
}

// sole reports whether requests like r make no other calls than these.
func (h *habits) sole(hb *habit, r *window.Node) bool {
	for _, k := range h.calls.of {
		other := &k.it
		if other != hb && other.parents.of(r.Operation)*50 > other.links {
			return false
		}
	}
	return true
}

// aspect is what one landmark says: how many calls it cannot tell apart, as a logarithm,
// and how unlikely this one is.
type aspect struct{ crowd, cost float64 }

const (
	// dull is from when on a second landmark says too little.
	dull = 3
	// dependence is how much of what a second landmark says is news.
	dependence = 0.5
)

// aspect takes the sharper one of rank and time.
func (h *habits) aspect(hb *habit, r, c *window.Node, m landmark, at, free int64) aspect {
	a := aspect{crowd: math.Inf(1)}
	d := hb.before.get(m)
	if d == nil {
		return a
	}
	if g := &d.gaps; g.known() {
		a = aspect{hb.crowd(g.spread), g.cost(c.Start() - at)}
	}
	if s := &d.shifts; s.known() && s.spread < a.crowd {
		if among := h.among(r, m); among != nil {
			low, high := among.between(at, free)
			off := hb.starts.off(low+s.usual, high+s.usual, c.Start(), c.Note.Free)
			a = aspect{s.spread, s.cost(off)}
			if lands(r) {
				a.cost = hb.landing.cost(s, off)
			}
		}
	}
	return a
}

// crowd is the entropy of a time in calls instead of ns: how many of them begin within
// what it varies.
func (hb *habit) crowd(spread float64) float64 {
	s := hb.starts.times
	if len(s) < enough {
		return math.Inf(1)
	}
	recent := s[max(0, len(s)-gapSamples):]
	return spread + math.Log(float64(len(recent))/float64(max(1, recent[len(recent)-1]-recent[0])))
}

// lateWake is the most that a late wake counts against one of several calls: those that
// were linked are those that ended last.
const lateWake = 3
