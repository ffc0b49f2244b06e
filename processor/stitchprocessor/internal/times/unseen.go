package times

import (
	"math"
	"sort"
)

// leastOpen is the share of the time that must be free of requests for it to tell anything.
const leastOpen = 0.1

// shifts is to how many other times a call is moved to see whether a request covers it there.
const shifts = 6

// cover tells how many calls of each kind lie within a request, and how many would if they had
// nothing to do with the requests: the calls of requests that were not seen lie anywhere.
type cover struct {
	starts, ends []int64 // of the requests, by start; the latest end so far
	from, span   int64
}

func (e *Engine) cover() *cover {
	o := &cover{}
	latest := int64(math.MinInt64)
	for _, r := range e.requests {
		latest = max(latest, r.end)
		o.starts, o.ends = append(o.starts, r.start), append(o.ends, latest)
	}
	if len(o.starts) > 0 {
		o.from = o.starts[0]
		o.span = max(1, latest-o.from)
	}
	return o
}

// within reports whether some request covers the time.
func (o *cover) within(start, end int64) bool {
	i := sort.Search(len(o.starts), func(i int) bool { return o.starts[i] > start+slack })
	return i > 0 && o.ends[i-1] >= end-slack
}

// chance is how often a call would lie within a request wherever it were.
func (o *cover) chance(c *call) float64 {
	n := 0
	for i := range int64(shifts) {
		at := o.from + (c.start-o.from+(2*i+3)*o.span/(2*shifts+5))%o.span
		if o.within(at, at+c.end-c.start) {
			n++
		}
	}
	return float64(n) / shifts
}

// owned estimates how many of some calls of each kind belong to the requests in the window.
func (e *Engine) owned(of func(c *call) bool) (own, all []float64) {
	o := e.cover()
	all = make([]float64, max(1, len(e.kinds.index)))
	own, chance := make([]float64, len(all)), make([]float64, len(all))
	for _, c := range e.calls {
		if !of(c) || c.start < o.from {
			continue
		}
		all[c.kind]++
		chance[c.kind] += o.chance(c)
		if o.within(c.start, c.end) {
			own[c.kind]++
		}
	}
	for k, n := range all {
		if by := chance[k] / max(n, 1); 1-by < leastOpen || e.kinds.tail[k] > 0 {
			own[k] = n // it cannot be told
		} else {
			own[k] = min(n, max(0, (own[k]-chance[k])/(1-by)))
		}
	}
	return own, all
}
