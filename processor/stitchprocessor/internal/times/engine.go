package times

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Engine links the calls of one service. It is not safe for concurrent use.
type Engine struct {
	config Config
	emit   func(Decision)
	counts Counts

	kinds   kinds
	classes map[string]*class
	order   []*class // the same, in the order of their first request
	grains  grains
	scale   *scale
	pace    pace

	requests []*request // undecided, by start
	byEnd    []*request // the same, by end
	calls    []*call    // undecided, by start
	ids      uint64
	now      int64 // no span so far ended later
	after    int64 // how much later than their request calls end
	stepped  int64 // time of the last step
	few      bool  // they were learned from few requests
	learned  bool  // the models are of use
	begun    bool  // there are models
	watch    watch
	sampler  sampler
	learner  learner
	others   []record
	drawn    []interval // of the first learning
}

const (
	seed       = 20
	maxClasses = 64
)

// New returns an engine that hands its decisions to emit: one for each call, during Add,
// Advance or Flush.
func New(c Config, emit func(Decision)) *Engine {
	e := &Engine{config: c, emit: emit, classes: map[string]*class{}, scale: newScale(1), now: math.MinInt64}
	e.kinds.index = map[string]uint8{}
	for k := range e.kinds.alone {
		e.kinds.alone[k], e.kinds.most[k] = aloneFirst, 1
	}
	e.sampler = sampler{random: rand.New(rand.NewPCG(seed, c.Seed))}
	return e
}

// Counts returns what happened since it was called last.
func (e *Engine) Counts() Counts {
	c := e.counts
	e.counts = Counts{}
	return c
}

// Held returns the number of calls that wait for a decision.
func (e *Engine) Held() int { return len(e.calls) }

// Add takes a span. Spans come in about the order of their ends.
func (e *Engine) Add(s Span) {
	s.End = max(s.Start, s.End)
	e.grains.add(s.Start)
	e.grains.add(s.End)
	if s.Server {
		e.addRequest(&s)
	} else {
		e.addCall(&s)
	}
	e.Advance(s.End)
}

// Advance tells that all spans that ended before now have been added.
func (e *Engine) Advance(now int64) {
	e.now = max(e.now, now)
	if e.due() {
		e.step(e.now - e.lag())
	}
	e.expire(false)
}

// Flush decides everything.
func (e *Engine) Flush() {
	if len(e.requests) > 0 {
		e.step(math.MaxInt64)
	}
	e.expire(true)
}

func (e *Engine) addRequest(s *Span) {
	if len(e.requests) >= e.config.MaxRequests {
		e.counts.Requests++
		e.forget(e.byEnd[0])
	}
	r := &request{ref: s.Ref, id: e.id(), start: s.Start, end: s.End, class: e.class(s.Kind)}
	e.pace.add(s.End - s.Start)
	e.requests = insert(e.requests, r, func(a, b *request) bool { return a.start < b.start })
	e.byEnd = insert(e.byEnd, r, func(a, b *request) bool { return a.end < b.end })
	first, _ := slices.BinarySearchFunc(e.calls, r.start-slack, func(c *call, t int64) int { return cmpTime(c.start, t) })
	until := r.end + max(slack, e.kinds.longest())
	for _, c := range e.calls[first:] {
		if c.start > until {
			break
		}
		e.pair(r, c)
	}
}

func cmpTime(a, b int64) int {
	if a < b {
		return -1
	}
	return 1
}

// pair notes that c may belong to r, if it may.
func (e *Engine) pair(r *request, c *call) {
	if c.crowded || !fits(c, r) {
		return
	}
	if len(c.candidates) >= e.config.MaxRivals {
		e.crowd(c)
		return
	}
	c.candidates = append(c.candidates, r)
	r.candidates = append(r.candidates, c)
}

// crowd gives up a call that too many requests might have made.
func (e *Engine) crowd(c *call) {
	c.crowded = true
	e.disown(c)
	for _, r := range c.candidates {
		r.candidates = remove(r.candidates, c)
	}
	c.candidates = nil
}

// disown takes a call from the request that has it.
func (e *Engine) disown(c *call) {
	if r := c.owner; r != nil {
		r.calls = remove(r.calls, c)
		c.owner = nil
	}
}

func (e *Engine) addCall(s *Span) {
	k, ok := e.kind(s.Kind)
	if !ok {
		e.abstain(s.Ref, Kinds)
		return
	}
	if len(e.calls) >= e.config.MaxCalls {
		e.drop(e.calls[0], Full)
	}
	c := &call{ref: s.Ref, id: e.id(), start: s.Start, end: s.End, kind: k}
	e.kinds.seen(k, s.End)
	e.calls = insert(e.calls, c, func(a, b *call) bool { return a.start < b.start })
	e.find(c)
}

// find looks for the requests that c may belong to.
func (e *Engine) find(c *call) {
	oldest := c.end - slack
	if tail := e.kinds.tail[c.kind]; tail > 0 {
		oldest = c.start - tail
	}
	for i := len(e.byEnd) - 1; i >= 0 && e.byEnd[i].end >= oldest; i-- {
		e.pair(e.byEnd[i], c)
	}
}

func (e *Engine) id() uint64 {
	e.ids++
	return e.ids
}

func (e *Engine) abstain(ref any, why Cause) {
	e.counts.Abstained[why]++
	e.emit(Decision{Call: ref, Cause: why})
}

// drop gives up a call.
func (e *Engine) drop(c *call, why Cause) {
	e.disown(c)
	e.leave(c)
	e.calls = remove(e.calls, c)
	e.abstain(c.ref, why)
}

// leave takes a call off the lists of the requests that it may belong to.
func (e *Engine) leave(c *call) {
	c.gone = true
	for _, r := range c.candidates {
		r.candidates = remove(r.candidates, c)
	}
	c.candidates = nil
}

// forget takes a request out of the window, with no calls.
func (e *Engine) forget(r *request) {
	for _, c := range r.calls {
		c.owner = nil
	}
	r.calls = nil
	e.retire(r)
}

// retire takes a request out of the window. Its calls stay its own.
func (e *Engine) retire(r *request) {
	r.decided = true
	for _, c := range r.candidates {
		c.candidates = remove(c.candidates, r)
	}
	r.candidates = nil
	e.requests = remove(e.requests, r)
	e.byEnd = remove(e.byEnd, r)
}

// expire gives up calls whose request should have come.
func (e *Engine) expire(all bool) {
	before := e.now - e.pace.horizon(e.config.MaxWait) - e.after
	if !e.learned { // which calls come late is not known yet
		before = e.now - e.config.MaxWait
	}
	for i := 0; i < len(e.calls); {
		c := e.calls[i]
		if !all && c.start > before {
			return
		}
		if !all && (c.end > before || c.owner != nil || len(c.candidates) > 0) {
			i++
			continue
		}
		why := NoRequest
		if c.crowded {
			why = Crowded
		}
		e.kinds.linked(c.kind, false)
		e.watch.add(0)
		e.drop(c, why)
	}
}

// class returns the class of requests of an operation. Beyond the limit they share one.
func (e *Engine) class(kind string) *class {
	if c := e.classes[kind]; c != nil {
		return c
	}
	if len(e.order) == maxClasses {
		return e.order[maxClasses-1]
	}
	c := &class{kinds: &e.kinds}
	e.classes[kind] = c
	e.order = append(e.order, c)
	return c
}

// kind returns the number of a kind of call, or that there are too many.
func (e *Engine) kind(name string) (uint8, bool) {
	k, ok := e.kinds.index[name]
	if !ok && len(e.kinds.index) < maxKinds {
		k, ok = uint8(len(e.kinds.index)), true
		e.kinds.index[name] = k
	}
	return k, ok
}

// seen counts a call, in order to know the rate of its kind. What is long ago counts less.
func (k *kinds) seen(kind uint8, at int64) {
	if k.since == 0 {
		k.since = at
	}
	if k.count[kind]++; k.count[kind] >= 4000 {
		for i := range k.count {
			k.count[i] /= 2
		}
		k.since += (at - k.since) / 2
	}
}

// rate returns how many calls of a kind there are in a ns.
func (k *kinds) rate(kind uint8, now int64) float64 {
	return (k.count[kind] + 1) / float64(max(now-k.since, 1e6))
}

// linked learns whether calls of a kind find a request.
func (k *kinds) linked(kind uint8, found bool) {
	x := 1.0
	if found {
		x = 0
	}
	k.alone[kind] += (x - k.alone[kind]) / 200
}

func (k *kinds) longest() int64 { return slices.Max(k.tail[:]) }

// pace is how long requests take.
type pace struct {
	last    [512]int64
	n       int
	lag     int64 // from the end of a request to its decision
	longest int64
}

func (p *pace) add(d int64) {
	p.last[p.n%len(p.last)] = d
	p.n++
	if p.n&31 != 1 && p.n > 8 {
		return
	}
	sorted := slices.Sorted(slices.Values(p.last[:min(p.n, len(p.last))]))
	p.lag = sorted[(len(sorted)-1)*99/100] * int64(50) / 100
	p.longest = sorted[len(sorted)-1]
}

// horizon returns how long after its end a call's request can be expected.
func (p *pace) horizon(most int64) int64 {
	if p.n < 32 {
		return most
	}
	return min(most, 2*p.longest+p.lag)
}

// insert puts v in its place. Most often that is near the end.
func insert[T any](s []T, v T, less func(a, b T) bool) []T {
	s = append(s, v)
	i := len(s) - 1
	for ; i > 0 && less(v, s[i-1]); i-- {
		s[i] = s[i-1]
	}
	s[i] = v
	return s
}

// remove takes v out of s, keeping the order.
func remove[T comparable](s []T, v T) []T {
	if i := slices.Index(s, v); i >= 0 {
		return slices.Delete(s, i, i+1)
	}
	return s
}
