package times

const (
	watchRecent = 200.0  // calls that are compared with
	watchBefore = 2000.0 // those before them
	watchLeast  = 500    // calls before anything is concluded; twice as many after each time
	watchFall   = 0.1    // of the mean confidence that says something, and
	watchShare  = 0.5    // of its distance from 1
	watchTimes  = 8

	newerGain = 1.0  // log density that new models must say more of each request
	newerLost = 0.05 // share of calls that may find none where they did
)

// watch looks after the confidence of links: where it falls, services are no longer what was
// learned of them.
type watch struct {
	recent, before float64 // means; a call without a request counts as 0
	n, times       int
}

func (w *watch) add(probability float64) {
	w.n++
	w.recent += (probability - w.recent) / min(float64(w.n), watchRecent)
	w.before += (probability - w.before) / min(float64(w.n), watchBefore)
}

// fell reports whether confidence is lower than it was. It says so once.
func (w *watch) fell() bool {
	if w.n < watchLeast<<w.times || w.recent > w.before-max(watchFall, watchShare*(1-w.before)) {
		return false
	}
	w.n, w.before = 0, w.recent
	w.times = min(w.times+1, watchTimes)
	return true
}

// memory is all that was learned.
type memory struct {
	classes []class
	kinds   kinds
}

func (e *Engine) remember() memory {
	m := memory{kinds: e.kinds}
	for _, c := range e.order {
		m.classes = append(m.classes, class{model: c.model, records: c.records, at: c.at, fresh: c.fresh})
	}
	return m
}

// recall brings back what was learned before.
func (e *Engine) recall(m *memory) {
	e.kinds.tail, e.kinds.most, e.kinds.alone = m.kinds.tail, m.kinds.most, m.kinds.alone
	for i, c := range e.order {
		c.model, c.records, c.at, c.fresh = nil, nil, 0, 0
		if i < len(m.classes) {
			o := &m.classes[i]
			c.model, c.records, c.at, c.fresh = o.model, o.records, o.at, o.fresh
		}
	}
}

// learnAgain learns from what is in the window alone, and goes back to what was known before
// if that says as much of it, or finds more requests.
func (e *Engine) learnAgain(before int64) {
	old := e.remember()
	was := e.worth(before)
	lost := e.lost(before)
	e.learnFirst(before)
	alone := e.kinds.alone
	e.kinds.alone = old.kinds.alone // what is compared must cost the same
	if e.worth(before) > was+newerGain*float64(len(e.requests)) && e.lost(before) < lost+newerLost {
		e.kinds.alone = alone
		return
	}
	e.recall(&old)
	e.again(func(k uint8) bool { return e.kinds.tail[k] != old.kinds.tail[k] })
	e.worth(before)
}

// worth draws assignments from nothing and returns how much the models say of them.
func (e *Engine) worth(before int64) float64 {
	e.free()
	e.prepare(before)
	e.sampler.heat = 1
	for range 4 * burnIn {
		e.sampler.sweep(e.requests)
	}
	total := 0.0
	for range burnIn {
		e.sampler.sweep(e.requests)
		total += e.total() / burnIn
	}
	return total
}
