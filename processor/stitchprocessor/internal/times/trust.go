package times

const (
	firstTrust   = 0.7  // of gaps of which nothing is known
	trustRecords = 50.0 // requests that this is worth
)

// trust tells how far the gaps of a request are independent, as the model takes them to be: were
// they, the variance of their sum would be the sum of their variances. What they say
// together is believed as much less as that is larger.
func (l *learner) trust() float64 {
	var mean [maxSlots + 1]struct{ n, sum float64 }
	l.scored(func(term int, v float64) {
		mean[term].n++
		mean[term].sum += v
	}, func() {})
	n, apart, together, at := 0.0, 0.0, 0.0, 0.0
	l.scored(func(term int, v float64) {
		d := v - mean[term].sum/mean[term].n
		apart += d * d
		at += d
	}, func() {
		together += at * at
		at = 0
		n++
	})
	share := 1.0
	if apart < together {
		share = apart / together
	}
	return (n*share + trustRecords*firstTrust) / (n + trustRecords)
}

// scored goes over the log densities of the gaps of the requests that made calls.
func (l *learner) scored(term func(term int, v float64), done func()) {
	m := l.model
	for i := range l.places[:l.own] {
		p, r := &l.places[i], &l.records[i]
		if p.mask == 0 {
			continue
		}
		for mask := p.mask; mask != 0; mask &= mask - 1 {
			s := trailing(mask)
			d, b := m.gap(s, r.start, p)
			term(s, float64(d.log[b]))
		}
		term(maxSlots, m.finish(r.start, r.end, p))
		done()
	}
}

// trust is that of the classes, each by its requests that made calls.
func (e *Engine) trust() float64 {
	n, sum := trustRecords, trustRecords*firstTrust
	for _, c := range e.order {
		if c.model != nil {
			calls := float64(called(c.records))
			n += calls
			sum += calls * c.model.trust
		}
	}
	return sum / n
}
