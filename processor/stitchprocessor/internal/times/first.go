package times

import (
	"math"
	"slices"
)

// learnFirst finds models for what has been seen so far, from nothing. It begins with as
// few calls to a request as there can be, and only allows more, or later ones, of a kind of
// which many find no request: what fits anywhere fits nowhere.
func (e *Engine) learnFirst(before int64) {
	own := e.expect()
	for k, n := range own {
		mean := n / float64(max(len(e.requests), 1))
		e.kinds.most[k] = uint8(min(max(1, math.Ceil(mean-0.25)), 200))
	}
	for range widenings {
		e.expect()
		e.search(before)
		if !e.widen(before) {
			return
		}
	}
}

// expect estimates how many calls of each kind are of these requests, and believes it.
func (e *Engine) expect() []float64 {
	own, all := e.owned(func(*call) bool { return true })
	for k, n := range own {
		e.kinds.alone[k] = aloneFirst
		if all[k] > 0 {
			e.kinds.alone[k] = max(aloneFirst, 1-n/all[k])
		}
	}
	return own
}

// search draws assignments, learns from them, and draws again. Where that ends depends on
// where it began, so it tries some times and takes the models that say most.
func (e *Engine) search(before int64) {
	best, most := []*model(nil), math.Inf(-1)
	tries := attempts
	if len(e.requests) > 2*warmUp {
		tries = 1 // there is enough to learn from, and much to do
	}
	for n := range tries {
		if total := e.attempt(before, float64(4+2*(n%2))); total > most {
			most, best = total, e.models()
		}
	}
	e.clear()
	for i, c := range e.order {
		c.model = best[i]
	}
	e.prepare(before)
	for range burnIn * 4 {
		e.sampler.sweep(e.requests)
	}
	for range lastRounds {
		e.round()
		e.prepare(before)
	}
}

// attempt learns from nothing, and returns how much the models say in the end. At first the
// counts of calls weigh so much more than they should.
func (e *Engine) attempt(before int64, sharp float64) (total float64) {
	e.clear()
	e.prepare(before)
	e.sampler.heat = 1
	for round := range rounds {
		e.stiffen(max(1, sharp-float64(round)/2))
		e.round()
		e.prepare(before)
		if round >= rounds-3 {
			total += e.total()
		}
	}
	return total
}

// lost returns the share of the calls that have no request now, beyond what is expected.
func (e *Engine) lost(before int64) float64 {
	all, alone := 0.0, 0.0
	for _, c := range e.calls {
		if c.end >= before {
			continue
		}
		all++
		if alone -= e.kinds.alone[c.kind]; c.owner == nil {
			alone++
		}
	}
	return alone / max(all, 1)
}

// widen allows more for kinds of which many calls have no request though theirs should have
// come, and reports whether it did.
func (e *Engine) widen(before int64) bool {
	var all, alone, without [maxKinds]int
	missing, _ := e.owned(func(c *call) bool { return c.owner == nil && c.end < before })
	for _, c := range e.calls {
		if c.end >= before {
			continue
		}
		all[c.kind]++
		if c.owner == nil {
			alone[c.kind]++
			if len(c.candidates) == 0 && e.during(c) {
				without[c.kind]++
			}
		}
	}
	wider, again := false, [maxKinds]bool{}
	for k := range missing {
		switch {
		case float64(alone[k]) < 0.1*float64(all[k]) || alone[k] < 3:
		case 10*without[k] > 9*alone[k] && e.kinds.tail[k] == 0:
			e.kinds.tail[k] = min(4*e.pace.lag+slack, e.config.MaxWait/4)
			again[k] = true
			wider = true
		case e.kinds.most[k] < 100 && missing[k] >= 0.1*float64(all[k]):
			e.kinds.most[k] *= 2
			wider = true
		}
	}
	e.again(func(k uint8) bool { return again[k] })
	return wider
}

// during reports whether a call begins while a request is open, or about to be closed.
func (e *Engine) during(c *call) bool {
	return slices.ContainsFunc(e.requests, func(r *request) bool {
		return r.start-slack <= c.start && c.start <= r.end+slack
	})
}

// again looks for the requests that calls of some kinds may belong to.
func (e *Engine) again(of func(kind uint8) bool) {
	for _, c := range e.calls {
		if !of(c.kind) || c.crowded {
			continue
		}
		e.disown(c)
		for _, r := range c.candidates {
			r.candidates = remove(r.candidates, c)
		}
		c.candidates = nil
		e.find(c)
	}
}

// clear forgets the models, and who has which call.
func (e *Engine) clear() {
	for _, c := range e.order {
		c.model, c.records, c.at, c.fresh = nil, nil, 0, 0
	}
	e.free()
}

// free takes all calls from their requests.
func (e *Engine) free() {
	for _, r := range e.requests {
		r.calls = r.calls[:0]
	}
	for _, c := range e.calls {
		c.owner = nil
	}
}

// stiffen sets how much the counts of calls weigh.
func (e *Engine) stiffen(sharp float64) {
	for _, c := range e.order {
		c.model.sharp = sharp
	}
}

// round draws assignments and learns from them.
func (e *Engine) round() {
	for range burnIn {
		e.sampler.sweep(e.requests)
	}
	e.drawn = e.drawn[:0]
	for _, c := range e.order {
		c.records = c.records[:0]
	}
	for n := range 6 {
		e.sampler.sweep(e.requests)
		if n%2 == 1 {
			for _, r := range e.requests {
				r.class.records = append(r.class.records, e.draw(r, n))
			}
		}
	}
	for _, c := range e.order {
		e.teach(c)
	}
	for _, c := range e.order {
		c.records = c.records[:0]
	}
}

// draw is record with the calls in memory that is used again.
func (e *Engine) draw(r *request, sample int) record {
	from := len(e.drawn)
	for _, c := range r.calls {
		e.drawn = append(e.drawn, interval{start: c.start, end: c.end, kind: c.kind})
	}
	return record{sample: sample, start: r.start, end: r.end, calls: e.drawn[from:]}
}

// total is the log density of all that is in the window, as it is assigned now.
func (e *Engine) total() float64 {
	total := 0.0
	for _, r := range e.requests {
		total += r.now.total
	}
	for _, c := range e.calls {
		if c.owner == nil {
			total += c.alone
		}
	}
	return total
}

func (e *Engine) models() []*model {
	out := make([]*model, len(e.order))
	for i, c := range e.order {
		out[i] = c.model
	}
	return out
}
