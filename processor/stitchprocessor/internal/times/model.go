package times

// Limits of what is modelled; beyond them calls share the widest density there is.
const (
	maxKinds  = 64 // kinds of call of a service
	maxSlots  = 24 // places that the calls of one class of request can have
	maxRepeat = 4  // slots of one kind: the first call, the second, …; the last is for all others, too
	maxCount  = 32 // calls of a kind that are told apart in number
)

// tooMany is the log of how improbable each call is beyond what a request can have.
const tooMany = 20

// fromStart says that a slot's reference is the start of the request.
const fromStart = -1

// slot is a place in a request: the n-th call of a kind. Its gap is measured from its
// reference, which is the start of the request or the start or end of another slot.
type slot struct {
	kind, repeat int
	share        float64 // of requests that have it

	parent  int // slot, or fromStart
	fromEnd bool
	below   uint32 // slots that hang on this one, itself included

	gap   *density // from the reference
	first *density // from the start, for requests that lack the reference
	rest  *density // from the end of the last of its kind, for further calls of it
	last  *density // from its end to the request's, if no call ends later

	queue *[octaves]likeness // of neighbours, by the distance of their starts; nil if there is none
}

// model is what is known of a class of request. It does not change.
type model struct {
	scale *scale
	slots []slot
	first [maxKinds]int8 // slot of the first call of a kind, or -1
	many  [maxKinds]int8 // slots of a kind
	none  *density       // END - START without calls
	other *density       // END - end of the last call, where the slot has no density of its own
	wide  *density       // of what nothing is known of

	joint    map[uint64]float32   // log probability of a vector of counts
	unseen   float32              // of one that never occurred, to which the parts of marginal are added
	marginal [][maxCount]float32  // of the kinds known when it was learned, and of others; relative to no call
	outlive  [maxKinds][2]float32 // log probability that a call ends within the request, or after it

	queues bool
	trust  float64 // share of what the gaps say together that is not said twice; 0 to 1
	sharp  float64 // how much the counts weigh: more than they should while the rest is not known
}

// slotOf returns the slot of the n-th call of a kind, or -1, and whether the call is
// beyond the last slot of its kind.
func (m *model) slotOf(kind uint8, n int) (int, bool) {
	many := int(m.many[kind])
	if many == 0 {
		return -1, false
	}
	if n >= many {
		return int(m.first[kind]) + many - 1, true
	}
	return int(m.first[kind]) + n, false
}

// kindsOf returns the kinds of some slots.
func (m *model) kindsOf(set uint32) (kinds uint64) {
	for i := range m.slots {
		if set&(1<<i) != 0 {
			kinds |= 1 << m.slots[i].kind
		}
	}
	return kinds
}

// factor spreads the counts of a kind over a hash of all counts.
func factor(kind uint8) uint64 { return (uint64(kind) + 1) * 0x9e3779b97f4a7c15 }

// eval is what the model says of a request with some calls.
type eval struct {
	total float64 // log density
	mask  uint32  // slots that have a call
	score [maxSlots]float32
	at    [maxSlots]float32 // ns from the start of the request to that of the call
}

// layout is where the calls of a request are, by slot.
type layout struct {
	start, end [maxSlots]int64
	seen       [maxKinds]uint8
	mask       uint32
	last       int // slot of the call that ends last; fromStart if there is none
	lastEnd    int64
	any        bool
}

// evaluate returns the log density of a request with calls, which are by start.
func (m *model) evaluate(r *request, calls []*call, e *eval) {
	var l layout
	l.last = fromStart
	hash, total := uint64(0), 0.0
	for i, c := range calls {
		n := l.seen[c.kind]
		if n < 255 {
			l.seen[c.kind]++
		}
		if n >= r.class.kinds.most[c.kind] {
			total -= tooMany
		}
		hash += factor(c.kind)
		s, further := m.slotOf(c.kind, int(n))
		switch {
		case s < 0:
			total += float64(m.wide.log[m.scale.bin(c.start-r.start)])
		case further:
			total += float64(m.slots[s].rest.log[m.scale.bin(c.start-endOfKind(calls[:i], c.kind))])
		default:
			l.start[s], l.end[s] = c.start, c.end
			l.mask |= 1 << s
		}
		if after(c, r) {
			total += float64(m.outlive[c.kind][1])
			continue
		}
		total += float64(m.outlive[c.kind][0])
		if !l.any || c.end > l.lastEnd {
			l.any, l.lastEnd, l.last = true, c.end, s
		}
	}
	e.mask = l.mask
	total += m.gaps(r.start, &l, e) + m.finish(r.start, r.end, &l) + m.sharp*m.counts(calls, &l, hash)
	e.total = total
}

// endOfKind returns the end of the last call of a kind, of which there is one.
func endOfKind(calls []*call, kind uint8) int64 {
	for i := len(calls) - 1; i > 0; i-- {
		if calls[i].kind == kind {
			return calls[i].end
		}
	}
	return calls[0].end
}

// after reports whether a call outlives a request.
func after(c *call, r *request) bool { return c.end > r.end+slack }

// gaps adds up the gaps of the slots.
func (m *model) gaps(start int64, l *layout, e *eval) float64 {
	total := 0.0
	for s := range m.slots {
		if l.mask&(1<<s) == 0 {
			continue
		}
		d, b := m.gap(s, start, l)
		total += float64(d.log[b])
		e.score[s], e.at[s] = d.score[b], float32(l.start[s]-start)
	}
	return total
}

// gap returns the gap of a slot that has a call, as a bin, and its density.
func (m *model) gap(s int, start int64, l *layout) (*density, int) {
	k := &m.slots[s]
	from, d := start, k.gap
	switch {
	case k.parent == fromStart:
	case l.mask&(1<<k.parent) == 0:
		d = k.first
	case k.fromEnd:
		from = l.end[k.parent]
	default:
		from = l.start[k.parent]
	}
	return d, m.scale.bin(l.start[s] - from)
}

// finish is the gap to the end of the request.
func (m *model) finish(start, end int64, l *layout) float64 {
	if !l.any {
		return float64(m.none.log[m.scale.bin(end-start)])
	}
	d := m.other
	if l.last >= 0 && m.slots[l.last].last != nil {
		d = m.slots[l.last].last
	}
	return float64(d.log[m.scale.bin(end-l.lastEnd)])
}

// counts is the log probability of how many calls of each kind there are.
func (m *model) counts(calls []*call, l *layout, hash uint64) float64 {
	if v, ok := m.joint[hash]; ok {
		return float64(v)
	}
	total := float64(m.unseen)
	for _, c := range calls {
		if n := l.seen[c.kind]; n > 0 {
			total += float64(m.marginal[min(int(c.kind), len(m.marginal)-1)][min(int(n), maxCount-1)])
			l.seen[c.kind] = 0
		}
	}
	return total
}

// neighbours is what it adds that two requests of one class, one after the other, have
// gaps alike: queues keep order.
func (m *model) neighbours(a, b *eval, distance int64, octave int) float64 {
	total := 0.0
	for both := a.mask & b.mask; both != 0; both &= both - 1 {
		s := trailing(both)
		q := m.slots[s].queue
		if q == nil {
			continue
		}
		t, x, y := &q[octave], a.score[s], b.score[s]
		v := t.constant + t.cross*x*y - t.square*(x*x+y*y)
		if a.overtakes(b, s, distance) {
			v += t.overtaken
		} else {
			v += t.kept
		}
		total += float64(v)
	}
	return total
}
