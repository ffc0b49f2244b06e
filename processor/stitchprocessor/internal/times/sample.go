package times

import (
	"math"
	"math/rand/v2"
)

// sampler draws joint assignments of calls to requests: a Metropolis walk whose steps
// keep every call with at most one request.
type sampler struct {
	random   *rand.Rand
	heat     float64 // inverse temperature
	a, b     proposal
	requests []*request // of the window, by start
	out      []*call    // that lose their request
	in       []*call    // that had none
	free     [][]*call  // by kind
}

// proposal is what a request would have.
type proposal struct {
	calls []*call
	eval  eval
}

const (
	maxCalls   = 128  // of one request in the sampler
	sweepSteps = 8000 // of all requests in one sweep, beyond one for each slot
	mostSteps  = 64   // of a request in one sweep; up to then, as many as it has candidates
)

// sweep gives every request some steps.
func (s *sampler) sweep(requests []*request) {
	s.requests = requests
	for range requests {
		a := requests[s.random.IntN(len(requests))]
		if len(a.candidates) == 0 {
			continue
		}
		if a.alone {
			s.take(a)
			continue
		}
		n := max(len(a.class.model.slots), min(len(a.candidates)/2, mostSteps, sweepSteps/len(requests)), 1)
		for range n {
			s.take(a)
		}
		if n > 1 {
			s.block(a)
		}
		s.block(a)
		if s.random.IntN(2) == 0 {
			s.swap(a, s.set(a.class.model.slots))
		} else {
			s.toggle(a, s.set(a.class.model.slots))
		}
	}
}

// take lets a request take a call from whoever has it, in exchange for one of the same
// kind or, mostly if it has none, for nothing; or give up one that it has.
func (s *sampler) take(a *request) {
	c := a.candidates[s.random.IntN(len(a.candidates))]
	b := c.owner
	if b == a {
		if s.random.IntN(giving) == 0 {
			s.begin()
			s.a.calls, s.out = without(s.a.calls, a.calls, c), append(s.out, c)
			s.decide(a, nil, given(a, c.kind, 1))
		}
		return
	}
	back := s.same(a, c.kind)
	if back != nil && s.random.IntN(giving) == 0 {
		back = nil
	}
	if back != nil && b != nil && !b.may(back) || len(a.calls) >= maxCalls {
		return
	}
	ratio := 0.0
	if back == nil {
		ratio = -given(a, c.kind, 0)
	}
	s.begin()
	s.a.calls = with(without(s.a.calls, a.calls, back), c)
	if b == nil {
		if s.in = append(s.in, c); back != nil {
			s.out = append(s.out, back)
		}
		s.decide(a, nil, ratio)
		return
	}
	s.b.calls = without(s.b.calls, b.calls, c)
	if back != nil {
		s.b.calls = with(s.b.calls, back)
	} else {
		ratio += given(b, c.kind, 1) + math.Log(float64(len(a.candidates))/float64(len(b.candidates)))
	}
	s.decide(a, b, ratio)
}

// giving is one in how many proposals about a kind of call, of which the request has one,
// changes its number of calls.
const giving = 4

// given is the log of how much likelier a request without a call of a kind is asked to
// take one than it is to be asked for it: nothing if it has more than n.
func given(r *request, kind uint8, n int) float64 {
	for _, c := range r.calls {
		if c.kind == kind {
			if n--; n < 0 {
				return 0
			}
		}
	}
	return logGiving
}

var logGiving = math.Log(giving)

// same returns a call of a kind that a has, or nil.
func (s *sampler) same(a *request, kind uint8) *call {
	n := 0
	var found *call
	for _, c := range a.calls {
		if c.kind == kind {
			if n++; n == 1 || s.random.IntN(n) == 0 {
				found = c
			}
		}
	}
	return found
}

// may reports whether c can belong to r.
func (r *request) may(c *call) bool {
	return !r.decided && fits(c, r)
}

func fits(c *call, r *request) bool {
	k := r.class.kinds
	if c.start < r.start-slack {
		return false
	}
	if tail := k.tail[c.kind]; tail > 0 {
		return c.start <= r.end+tail
	}
	return c.end <= r.end+slack
}

// block exchanges a set of slots with another request: one of them, one with what hangs on
// it, or all; of another class, calls of these kinds.
func (s *sampler) block(a *request) {
	b := s.partner(a)
	if b == nil || b == a || b.decided {
		return
	}
	set, kinds := s.set(a.class.model.slots), ^uint64(0)
	if b.class != a.class && set != ^uint32(0) {
		set, kinds = ^uint32(0), a.class.model.kindsOf(set)
	}
	s.begin()
	var ok bool
	s.a.calls, s.b.calls, ok = exchanged(a, b, set, kinds, s.a.calls[:0], s.b.calls[:0])
	if ok {
		s.decide(a, b, 0)
	}
}

// set draws some slots: any, one with what hangs on it, or all.
func (s *sampler) set(slots []slot) uint32 {
	if len(slots) > 0 {
		switch s.random.IntN(4) {
		case 0:
			return s.random.Uint32()
		case 1, 2:
			return slots[s.random.IntN(len(slots))].below
		}
	}
	return ^uint32(0)
}

// partner returns the owner of some call that a may have, or a neighbour of a.
func (s *sampler) partner(a *request) *request {
	if s.random.IntN(2) == 0 {
		return a.candidates[s.random.IntN(len(a.candidates))].owner
	}
	at := a.place + 1 + s.random.IntN(3)
	if s.random.IntN(2) == 0 {
		at = 2*a.place - at
	}
	if at < 0 || at >= len(s.requests) {
		return nil
	}
	return s.requests[at]
}

// exchanged returns the calls of a and b with those of some slots and kinds exchanged, and
// whether these are possible and differ from what was.
func exchanged(a, b *request, set uint32, kinds uint64, toA, toB []*call) ([]*call, []*call, bool) {
	moved := false
	split := func(from, to *request, stay, go_ []*call) ([]*call, []*call, bool) {
		var seen [maxKinds]uint8
		for _, c := range from.calls {
			slot, _ := from.class.model.slotOf(c.kind, int(seen[c.kind]))
			seen[c.kind]++
			if kinds&(1<<c.kind) == 0 || set != ^uint32(0) && (slot < 0 || set&(1<<slot) == 0) {
				stay = with(stay, c)
				continue
			}
			if !to.may(c) {
				return stay, go_, false
			}
			moved = true
			go_ = with(go_, c)
		}
		return stay, go_, true
	}
	var ok bool
	if toA, toB, ok = split(a, b, toA, toB); ok {
		toB, toA, ok = split(b, a, toB, toA)
	}
	return toA, toB, ok && moved && len(toA) <= maxCalls && len(toB) <= maxCalls
}

// begin empties what is to be proposed.
func (s *sampler) begin() {
	s.a.calls, s.b.calls, s.out, s.in = s.a.calls[:0], s.b.calls[:0], s.out[:0], s.in[:0]
}

// decide accepts or refuses s.a.calls for a and s.b.calls for b, which may be nil, with
// s.out and s.in. ratio is the log of how much likelier the way back is proposed.
func (s *sampler) decide(a, b *request, ratio float64) {
	before := a.now.total + a.beside()
	a.class.model.evaluate(a, s.a.calls, &s.a.eval)
	if b != nil {
		before += b.now.total + b.beside() - between(a, b)
		b.class.model.evaluate(b, s.b.calls, &s.b.eval)
	}
	a.now, s.a.eval = s.a.eval, a.now
	after := a.now.total
	if b != nil {
		b.now, s.b.eval = s.b.eval, b.now
		after += b.now.total + b.beside() - between(a, b)
	}
	after += a.beside()
	for _, c := range s.out {
		after += c.alone
	}
	for _, c := range s.in {
		after -= c.alone
	}
	if d := (after-before)*s.heat + ratio; d >= 0 || s.random.Float64() < math.Exp(d) {
		s.commit(a, b)
		return
	}
	a.now, s.a.eval = s.a.eval, a.now
	if b != nil {
		b.now, s.b.eval = s.b.eval, b.now
	}
}

func (s *sampler) commit(a, b *request) {
	for _, c := range s.out {
		c.owner = nil
	}
	a.calls, s.a.calls = s.a.calls, a.calls
	for _, c := range a.calls {
		c.owner = a
	}
	if b != nil {
		b.calls, s.b.calls = s.b.calls, b.calls
		for _, c := range b.calls {
			c.owner = b
		}
	}
}

// beside is what the neighbours of r add.
func (r *request) beside() float64 {
	if !r.class.model.queues {
		return 0
	}
	total := 0.0
	if r.before != nil {
		total += r.class.model.neighbours(&r.before.now, &r.now, r.behind, r.octave)
	}
	if r.after != nil {
		total += r.class.model.neighbours(&r.now, &r.after.now, r.after.behind, r.after.octave)
	}
	return total
}

// between is what beside counts for both of two requests.
func between(a, b *request) float64 {
	switch {
	case !a.class.model.queues:
	case a.before == b:
		return a.class.model.neighbours(&b.now, &a.now, a.behind, a.octave)
	case a.after == b:
		return a.class.model.neighbours(&a.now, &b.now, b.behind, b.octave)
	}
	return 0
}

// with puts a call in its place.
func with(calls []*call, c *call) []*call {
	calls = append(calls, c)
	for i := len(calls) - 1; i > 0 && earlier(c, calls[i-1]); i-- {
		calls[i], calls[i-1] = calls[i-1], c
	}
	return calls
}

func earlier(a, b *call) bool { return a.start < b.start || a.start == b.start && a.id < b.id }

func without(to, calls []*call, c *call) []*call {
	for _, x := range calls {
		if x != c {
			to = append(to, x)
		}
	}
	return to
}
