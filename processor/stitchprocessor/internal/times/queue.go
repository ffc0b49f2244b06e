package times

import (
	"math"
	"slices"
)

const (
	queueLeast  = 0.15 // correlation below which neighbours say nothing
	queueShrink = 15.0 // pseudo-pairs without correlation, and that overtake as those at other distances
	orderShrink = 2.0  // pseudo-pairs that overtake, as by chance
	orderDoubt  = 0.05 // least share of what there would be by chance
	orderPairs  = 4    // others that a request is paired with to see how often any overtake
)

// likeness is the log density of two normal scores with a correlation, over that of two
// without: constant + cross*x*y - square*(x²+y²). In the same way kept and overtaken are the
// probability that the call of the later request begins later, or earlier.
type likeness struct{ constant, cross, square, kept, overtaken float32 }

func newLikeness(rho float64) likeness {
	rest := 1 - rho*rho
	return likeness{constant: float32(-0.5 * math.Log(rest)), cross: float32(rho / rest), square: float32(rho * rho / (2 * rest))}
}

// pairs is what requests that follow each other at some distance have been like.
type pairs struct {
	n, xy, xx, yy   float64
	overtaken, many float64 // pairs; what it would be if they had nothing to do with each other
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

// queue returns what neighbours say of one slot, or nil if they say nothing.
func (l *learner) queue(s int, scores []eval) *[octaves]likeness {
	var sum [octaves]pairs
	for i := 1; i < len(scores); i++ {
		a, b := &scores[i-1], &scores[i]
		if a.mask&b.mask&(1<<s) == 0 || l.records[i].sample != l.records[i-1].sample {
			continue
		}
		distance := l.records[i].start - l.records[i-1].start
		v := &sum[l.scale.octave(distance)]
		x, y := float64(a.score[s]), float64(b.score[s])
		v.n++
		v.xy += x * y
		v.xx += x * x
		v.yy += y * y
		if a.overtakes(b, s, distance) {
			v.overtaken++
		}
		v.many += l.byChance(i, s, distance, scores)
	}
	var q *[octaves]likeness
	overtaken, many := orderShrink, orderShrink
	for o := range sum {
		overtaken += sum[o].overtaken
		many += sum[o].many
	}
	for o := range sum {
		if k, ok := sum[o].likeness(min(1, overtaken/many)); ok {
			if q == nil {
				q = &[octaves]likeness{}
			}
			q[o] = k
		}
	}
	return q
}

// overtakes reports whether the call of a request begins after that of one that started later.
func (e *eval) overtakes(later *eval, slot int, distance int64) bool {
	return e.at[slot] > later.at[slot]+float32(distance)
}

// byChance is how probably request i-1 would overtake at that distance requests that are not
// beside it.
func (l *learner) byChance(i, s int, distance int64, scores []eval) float64 {
	n, many := 0.0, 0.0
	for k := range orderPairs {
		j := (i + 5 + 7*k) % len(scores)
		if scores[j].mask&(1<<s) == 0 {
			continue
		}
		n++
		if scores[i-1].overtakes(&scores[j], s, distance) {
			many++
		}
	}
	return many / max(n, 1)
}

// likeness returns what is learned of pairs, if it is anything. less is how often
// requests at any distance overtake each other, for each time that they would by chance.
func (p *pairs) likeness(less float64) (likeness, bool) {
	var out likeness
	rho := p.xy / math.Sqrt(p.xx*p.yy) * p.n / (p.n + queueShrink)
	alike := rho >= queueLeast // false if there is nothing
	if alike {
		out = newLikeness(min(rho, 0.95))
	}
	chance := p.many / max(p.n, 1)
	share := (p.overtaken + queueShrink*chance*less) / (p.n + queueShrink)
	if share >= chance {
		return out, alike
	}
	out.kept = float32(math.Log((1 - share) / max(1-chance, orderDoubt)))
	out.overtaken = float32(math.Log(max(share/chance, orderDoubt)))
	return out, true
}
