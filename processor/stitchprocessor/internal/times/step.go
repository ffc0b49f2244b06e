package times

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

const (
	warmUp     = 200 // requests before the models are learned
	stepSize   = 40  // requests decided at a time, or a quarter of the window if that is more
	stepDelay  = int64(250e6)
	keptRecent = 60
	keptRecord = 2000
	learnAfter = 100
	manyCalled = 600 // requests with calls of which a class need not look at others

	burnIn      = 8
	sharpSweeps = 20
	sweeps      = 40
	sharpHeat   = 1.0  // inverse temperature
	heat        = 0.55 // the same where confidence is counted, of independent gaps
	leastHeat   = 0.3
	rounds      = 12 // of the first learning, each time
	lastRounds  = 6
	attempts    = 2 // at it
	widenings   = 3

	aloneFirst = 0.02  // share of calls without a request before any is known
	aloneLeast = 0.003 // share of calls without a request that is always thought possible
	aloneDoubt = 0.05  // share that is taken for an error
)

// due reports whether it is time to decide.
func (e *Engine) due() bool {
	if len(e.requests) == 0 {
		return false
	}
	if !e.learned {
		return e.ready(e.now-e.lag()) >= warmUp || len(e.requests) >= e.config.MaxRequests || e.now-e.byEnd[0].end > e.config.MaxWait/2
	}
	ready := e.ready(e.now - e.lag())
	return ready >= max(stepSize, len(e.requests)/4) || ready > 0 && e.now-e.stepped > max(stepDelay, 2*e.pace.lag)
}

// ready returns how many requests ended before a time.
func (e *Engine) ready(before int64) int {
	return sort.Search(len(e.byEnd), func(i int) bool { return e.byEnd[i].end >= before })
}

// step decides the requests that ended before a time.
func (e *Engine) step(before int64) {
	e.stepped = e.now
	e.rescale()
	if !e.learned {
		e.begin(before)
	}
	e.prepare(before)
	s := &e.sampler
	s.heat = sharpHeat
	for range burnIn {
		s.sweep(e.requests)
	}
	ready := slices.Clone(e.byEnd[:e.ready(before)])
	e.sample(ready, sharpSweeps, 0)
	for _, r := range ready { // a sample gives each call once; decisions may leave some over
		r.class.record(r.record(0))
	}
	s.heat = max(leastHeat, heat*e.trust())
	e.sample(ready, sweeps, 1)
	e.decide(ready)
	e.learn()
	if e.few && e.pace.n >= 2*warmUp || e.watch.fell() {
		e.few, e.learned = false, false
	}
}

// begin makes models, if there are none, or they are no longer worth much.
func (e *Engine) begin(before int64) {
	if e.begun {
		e.learnAgain(before)
	} else {
		e.few = len(e.requests) < warmUp/2 // too little, perhaps
		e.learnFirst(before)
	}
	e.learned, e.begun = true, true
}

// sample draws assignments and counts which calls the requests have.
func (e *Engine) sample(ready []*request, sweeps, weight int) {
	for range sweeps {
		e.sampler.sweep(e.requests)
		for _, r := range ready {
			r.note(weight)
		}
	}
}

// rescale learns everything anew if the clock is not what it seemed.
func (e *Engine) rescale() {
	if g := e.grains.grain(); float64(g) != e.scale.grain {
		e.scale = newScale(g)
		for _, c := range e.order {
			e.teach(c)
		}
	}
}

// teach makes a new model of a class. If it has few calls, it looks at the other classes, too.
func (e *Engine) teach(c *class) {
	e.others = e.others[:0]
	if len(e.order) > 1 && called(c.records) < manyCalled {
		for _, o := range e.order {
			for i := range o.records {
				if o != c && len(o.records[i].calls) > 0 && len(e.others) < manyCalled {
					e.others = append(e.others, o.records[i])
				}
			}
		}
	}
	c.model = e.learner.learn(e.scale, c.records, e.others, e.mean())
}

// called returns how many requests made calls.
func called(records []record) (n int) {
	for i := range records {
		if len(records[i].calls) > 0 {
			n++
		}
	}
	return n
}

// mean returns how many calls of each kind there are for one request.
func (e *Engine) mean() []float64 {
	out := make([]float64, max(1, len(e.kinds.index)))
	n := float64(max(len(e.requests), 1))
	for _, c := range e.calls {
		out[c.kind] += 1 / n
	}
	return out
}

// prepare brings the window up to date with the models, and gives calls that have no
// request the best one.
func (e *Engine) prepare(before int64) {
	for _, c := range e.order {
		if c.model == nil {
			c.model = e.learner.learn(e.scale, nil, nil, e.mean())
		}
	}
	e.chain()
	for _, c := range e.calls {
		c.alone = math.Log(e.kinds.rate(c.kind, e.now))
		if c.end < before {
			c.alone += math.Log(max(aloneLeast, e.kinds.alone[c.kind]-aloneDoubt))
		}
	}
	for i, r := range e.requests {
		r.place = i
		r.class.model.evaluate(r, r.calls, &r.now)
		r.alone = !slices.ContainsFunc(r.candidates, func(c *call) bool { return len(c.candidates) > 1 })
	}
	for _, c := range e.calls {
		if c.owner == nil {
			e.sampler.fill(c)
		}
	}
}

// chain puts the requests of each class into a row, by start, behind those decided before.
func (e *Engine) chain() {
	last := map[*class]*request{}
	join := func(r *request) {
		r.before, r.after = last[r.class], nil
		if b := r.before; b != nil {
			b.after = r
			r.behind = max(r.start-b.start, 0)
			r.octave = e.scale.octave(r.behind)
		}
		last[r.class] = r
	}
	for _, c := range e.order {
		for _, r := range c.recent {
			r.class.model.evaluate(r, r.calls, &r.now)
			join(r)
		}
	}
	for _, r := range e.requests {
		join(r)
	}
}

// fill gives a call to the request that it suits best.
func (s *sampler) fill(c *call) {
	best, gain := (*request)(nil), c.alone
	for _, r := range c.candidates {
		if len(r.calls) >= maxCalls {
			continue
		}
		s.a.calls = with(append(s.a.calls[:0], r.calls...), c)
		r.class.model.evaluate(r, s.a.calls, &s.a.eval)
		if d := s.a.eval.total - r.now.total; d > gain {
			best, gain = r, d
		}
	}
	if best != nil {
		best.calls = with(best.calls, c)
		best.class.model.evaluate(best, best.calls, &best.now)
		c.owner = best
	}
}

// record returns what r has now.
func (r *request) record(sample int) record {
	out := record{sample: sample, start: r.start, end: r.end, calls: make([]interval, len(r.calls))}
	for i, c := range r.calls {
		out.calls[i] = interval{start: c.start, end: c.end, kind: c.kind}
	}
	return out
}

// note counts the calls that r has now.
func (r *request) note(weight int) {
	hash := uint64(0)
	for _, c := range r.calls {
		hash += (c.id * 0x9e3779b97f4a7c15) ^ (c.id << 7)
	}
	for i := range r.tally {
		if r.tally[i].hash == hash {
			r.tally[i].count += weight
			r.tally[i].votes++
			return
		}
	}
	r.tally = append(r.tally, tuple{hash: hash, count: weight, votes: 1, calls: slices.Clone(r.calls)})
}

// decide gives each request the calls that it had most often, the surest first.
func (e *Engine) decide(ready []*request) {
	for _, r := range ready {
		slices.SortStableFunc(r.tally, func(a, b tuple) int { return cmp.Compare(b.votes, a.votes) })
	}
	slices.SortStableFunc(ready, func(a, b *request) int { return cmp.Compare(b.tally[0].votes, a.tally[0].votes) })
	for _, r := range ready {
		e.settle(r, r.choice())
	}
}

// choice returns the calls that r had most often, of those sets that are still free.
func (r *request) choice() []*call {
	for _, t := range r.tally {
		if !slices.ContainsFunc(t.calls, func(c *call) bool { return c.gone }) {
			return t.calls
		}
	}
	return slices.DeleteFunc(slices.Clone(r.tally[0].calls), func(c *call) bool { return c.gone })
}

// settle decides that r made calls and no others.
func (e *Engine) settle(r *request, calls []*call) {
	for _, c := range r.calls {
		c.owner = nil
	}
	r.calls = nil
	for _, c := range calls {
		n := 0
		for _, t := range r.tally {
			if slices.Contains(t.calls, c) {
				n += t.count
			}
		}
		e.disown(c)
		e.leave(c)
		e.calls = remove(e.calls, c)
		e.kinds.linked(c.kind, true)
		e.watch.add(float64(n) / sweeps)
		e.emit(Decision{Call: c.ref, Request: r.ref, Probability: float64(n) / sweeps})
	}
	e.retire(r)
	r.calls, r.tally = calls, nil
	r.class.keep(r)
}

// record adds a record to the ring.
func (c *class) record(r record) {
	if c.fresh++; len(c.records) < keptRecord {
		c.records = append(c.records, r)
		return
	}
	c.records[c.at] = r
	c.at = (c.at + 1) % keptRecord
}

// keep keeps a decided request as a neighbour of those to come.
func (c *class) keep(r *request) {
	r.before, r.after, r.ref = nil, nil, nil
	c.recent = insert(c.recent, r, func(a, b *request) bool { return a.start < b.start })
	if len(c.recent) > keptRecent {
		c.recent = slices.Delete(c.recent, 0, 1)
	}
}

// learn makes new models of the classes that have enough new records.
func (e *Engine) learn() {
	for _, c := range e.order {
		if c.fresh >= min(learnAfter, max(10, len(c.records)/4)) {
			e.teach(c)
			c.fresh = 0
			e.after = max(e.after*7/8, c.late(&e.kinds))
		}
	}
}

// lag is how long after its end a request is decided.
func (e *Engine) lag() int64 { return e.pace.lag + e.after }

// late returns how much later than their request most calls end of kinds that may.
func (c *class) late(k *kinds) int64 {
	var by []int64
	for i := range c.records {
		for _, v := range c.records[i].calls {
			if k.tail[v.kind] > 0 {
				by = append(by, v.end-c.records[i].end)
			}
		}
	}
	if len(by) == 0 {
		return 0
	}
	slices.Sort(by)
	return max(0, by[(len(by)-1)*99/100])
}
