package times

import (
	"math"
	"slices"
)

const (
	queueLeast  = 0.15 // correlation below which neighbours say nothing
	queueShrink = 15.0 // pseudo-pairs without correlation
)

// likeness is the log density of two normal scores with a correlation, over that of two
// without: constant + cross*x*y - square*(x²+y²).
type likeness struct{ constant, cross, square float32 }

func newLikeness(rho float64) likeness {
	rest := 1 - rho*rho
	return likeness{constant: float32(-0.5 * math.Log(rest)), cross: float32(rho / rest), square: float32(rho * rho / (2 * rest))}
}

// queues learns, for each slot, how alike the gaps of requests that follow each other
// are, by how far apart they start.
func (l *learner) queues() {
	m := l.model
	l.scores = slices.Grow(l.scores[:0], l.own)[:l.own]
	scores := l.scores
	for i := range scores {
		scores[i].mask = l.places[i].mask
		m.gaps(l.records[i].start, &l.places[i], &scores[i])
	}
	for s := range m.slots {
		if q := l.queue(s, scores); q != nil {
			m.slots[s].queue, m.queues = q, true
		}
	}
}

// queue returns the correlations of one slot, or nil if they say nothing.
func (l *learner) queue(s int, scores []eval) *[octaves]likeness {
	var sum [octaves]struct{ n, xy, xx, yy float64 }
	for i := 1; i < len(scores); i++ {
		a, b := &scores[i-1], &scores[i]
		if a.mask&b.mask&(1<<s) == 0 || l.records[i].sample != l.records[i-1].sample {
			continue
		}
		v := &sum[l.scale.octave(l.records[i].start-l.records[i-1].start)]
		x, y := float64(a.score[s]), float64(b.score[s])
		v.n++
		v.xy += x * y
		v.xx += x * x
		v.yy += y * y
	}
	var q *[octaves]likeness
	for o, v := range sum {
		rho := v.xy / math.Sqrt(v.xx*v.yy) * v.n / (v.n + queueShrink)
		if rho = min(rho, 0.95); rho >= queueLeast { // false if there is nothing
			if q == nil {
				q = &[octaves]likeness{}
			}
			q[o] = newLikeness(rho)
		}
	}
	return q
}
