package link

import (
	"cmp"
	"slices"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// stage is what is known of calls whose reply leads to another call of the same request,
// by way of a queue that other requests go through, too: CompletableFuture on a pool.
// Nothing tells whose the first call is, but two queues keep order: from the requests
// to the first calls, and from their replies to the second ones, whose request is known.
// That both are as they must be for the wrong request is hardly ever so. In a study:
// 12,760 right, 7 wrong.
//
// The second order is strict, as far as can be seen: what was read before the thread of
// another reply had gone on was queued first or last, and whoever was free earlier may
// have been served first; beyond that not one of 2,000 was out of place. Requests are
// read by many threads, each of which may be late to queue what follows: of that order
// one in ten is out of place, nearly all of them among requests that were read within
// 0.2 ms.
//
// By how many places each order is shifted is found by voting: of all first calls that
// the request may have made the right one always has the same two shifts.
type stage struct {
	next    uint64 // operation of the second call
	votes   map[places]int
	voters  int
	settled bool
	vain    bool // it has been voted on, and never was settled
	shift   places
	orders  [2]order // from the requests to the first calls, from these to the second ones
}

// places are the shifts of the two orders.
type places struct{ first, second int32 }

const (
	// voters is how many requests vote before the votes are counted, maxVotesOpen how
	// many calls each has a vote for.
	voters, maxVotesOpen = 32, 256
	// nearby is by how many places in all a call may be out of order to be a sample.
	nearby = 3
)

// lifetime is when a call began and ended. Unix ns.
type lifetime struct{ start, end int64 }

func byStart(x lifetime, at int64) int { return cmp.Compare(x.start, at) }

// maxLifetimes bounds those of one kind that are remembered; the older half is dropped.
const maxLifetimes = 1024

func (hb *habit) remember(x lifetime) {
	if len(hb.lives) == maxLifetimes {
		hb.lives = hb.lives[:copy(hb.lives, hb.lives[maxLifetimes/2:])]
	}
	// Behind those that began at the same time.
	i, _ := slices.BinarySearchFunc(hb.lives, x.start+1, byStart)
	hb.lives = slices.Insert(hb.lives, i, x)
}

// vote looks at the calls that may have led to c, a call whose request is known. It comes
// when all that began before c ended has its place.
func (l *Linker) vote(c *window.Node) {
	h, r := &l.habits, c.Parent
	if len(h.calls.of) < 2 || h.requests.get(r.Operation) == nil || h.calls.get(c.Operation) == nil || c.Request.Goroutine() || c.Request.Loop() {
		return
	}
	for _, made := range r.Made() {
		if made != c && made.Kind != Rest {
			return
		}
	}
	for op, k := range h.calls.of {
		first := &k.it
		if op == c.Operation || !first.unknown() {
			continue
		}
		if st := h.stageTo(first, c.Operation); st.next == c.Operation {
			h.voteFor(first, r, c)
		}
	}
}

// voteFor lets r vote for the calls of one kind that may have led to its call c.
func (h *habits) voteFor(first *habit, r, c *window.Node) {
	st := first.stage
	var best lifetime
	least := int32(nearby + 1)
	i, _ := slices.BinarySearchFunc(first.lives, r.Start(), byStart)
	for n := 0; i < len(first.lives) && n < maxVotesOpen; i, n = i+1, n+1 {
		x := first.lives[i]
		if x.start >= c.Start() {
			break
		}
		if x.end > c.Start() {
			continue
		}
		if d := st.take(h.placesOf(first, x, r, c)); d < least {
			best, least = x, d
		}
	}
	if st.voters++; st.voters == voters {
		st.count()
	}
	if st.settled && best.start != 0 {
		a, b := h.outOfPlace(first, best, r, c)
		st.orders[0].learn(a)
		st.orders[1].learn(b)
	}
}

// placesOf returns how the two orders are shifted if x is of r and led to c.
func (h *habits) placesOf(hb *habit, x lifetime, r, c *window.Node) places {
	return places{
		hb.starts.rank(x.start) - h.requests.get(r.Operation).read.rank(r.Request.End),
		h.calls.get(c.Operation).starts.rank(c.Start()) - hb.ends.rank(x.end),
	}
}

// take counts a vote and returns how far it is from what was agreed on.
func (s *stage) take(p places) int32 {
	s.votes[p]++
	return abs(p.first-s.shift.first) + abs(p.second-s.shift.second)
}

// stageTo returns the stage of calls that may lead to others. It makes room for that to
// another kind of calls if it has been voted on in vain.
func (h *habits) stageTo(hb *habit, next uint64) *stage {
	vain := hb.stage != nil && hb.stage.next != next && hb.stage.vain
	if vain {
		h.full++
	}
	if hb.stage == nil || vain {
		hb.stage = &stage{next: next, votes: map[places]int{}, orders: [2]order{1: {strict: true}}}
	}
	return hb.stage
}

// count takes the shifts that a third of the voters agree on, if there are any.
func (s *stage) count() {
	var best places
	most := 0
	for p, n := range s.votes {
		if n > most || n == most && (p.first < best.first || p.first == best.first && p.second < best.second) {
			best, most = p, n
		}
	}
	s.settled = most*3 >= s.voters
	s.vain = !s.settled && s.orders[0].off.total == 0
	s.shift, s.voters = best, 0
	clear(s.votes)
}

// outOfPlace returns by how much time the call x and then the call c, which it led to, are
// not where the orders put them if both are of r.
func (h *habits) outOfPlace(hb *habit, x lifetime, r, c *window.Node) (first, second offset) {
	st := hb.stage
	if a := h.requests.get(r.Operation); a != nil {
		read := moment{r.Request.End, r.Request.End}
		first = a.read.offset(read, st.shift.first, &hb.starts, moment{x.start, hb.starts.other(x.start)})
	}
	if next := h.calls.get(st.next); next != nil {
		until := c.Start()
		if went := hb.ends.other(x.end); went > x.end {
			until = min(until, went)
		}
		second = hb.ends.offset(moment{x.end, until}, st.shift.second, &next.starts, moment{c.Start(), c.Note.Free})
	}
	return first, second
}

// staged reports whether both orders are known.
func (hb *habit) staged() bool {
	return hb.stage != nil && hb.stage.settled && hb.stage.orders[0].off.known() && hb.unknown()
}

// unknown reports whether next to nothing tells of such calls whose they are.
func (hb *habit) unknown() bool { return hb.links*4 <= hb.calls }

// stageCost is how unlikely it is that r made x and then the second call that it is known
// to have made, as a negative logarithm.
func (h *habits) stageCost(hb *habit, r, x *window.Node) float64 {
	st := hb.stage
	for _, c := range r.Made() {
		if c.Operation != st.next {
			continue
		}
		if x.End > c.Start() {
			return never
		}
		first, second := h.outOfPlace(hb, lifetime{x.Start(), x.End}, r, c)
		return st.orders[0].cost(first) + st.orders[1].cost(second)
	}
	return never
}
