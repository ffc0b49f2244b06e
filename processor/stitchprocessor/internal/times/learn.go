package times

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// record is a decided request with the times of its calls, as learned from.
type record struct {
	sample     int // records of one sample are comparable
	start, end int64
	calls      []interval // by start
}

type interval struct {
	start, end int64
	kind       uint8
}

const (
	slotShare   = 0.01 // of requests that have a call for which there is a slot
	slotRecords = 3
	countDoubt  = 0.03 // share of requests below which a count is taken for an error
	vectorDoubt = 0.02 // the same for all counts of a request
	countWeight = 1.0  // pseudo-requests of what is expected of counts
	jointWeight = 3.0  // pseudo-requests with independent counts
	pairSlots   = 12   // beyond so many slots, starts are no references
	edgeRecords = 8    // of a slot as the last one, for a density of its own
)

func trailing(mask uint32) int { return bits.TrailingZeros32(mask) }

// learner makes models of records. What it needs for that it keeps for the next time.
type learner struct {
	scale   *scale
	records []record
	own     int // records of the class; those behind them are of others that make such calls
	model   *model
	places  []layout // of the records
	scores  []eval   // likewise
	ranked  []record // a copy to be sorted
}

// learn returns the model of records, which are in no order and stay so. mean is how many
// calls of each of the known kinds a request is expected to make, before any is seen.
func (l *learner) learn(s *scale, records, others []record, mean []float64) *model {
	l.scale, l.model, l.own = s, &model{scale: s, sharp: 1}, len(records)
	l.ranked = append(append(l.ranked[:0], records...), others...)
	l.records = l.ranked
	slices.SortStableFunc(l.records[:l.own], func(a, b record) int { return cmp.Or(cmp.Compare(a.sample, b.sample), cmp.Compare(a.start, b.start)) })
	l.model.wide = newDensity(&hist{}, s)
	l.slots()
	l.place()
	l.references()
	l.ends()
	l.counts(mean)
	l.outlive()
	for s := range l.model.slots {
		k := &l.model.slots[s]
		if k.gap.rank(l.scale); k.first != k.gap {
			k.first.rank(l.scale)
		}
	}
	l.queues()
	l.model.trust = l.trust()
	return l.model
}

// slots finds the places that calls have.
func (l *learner) slots() {
	var have [maxKinds][maxRepeat]int
	for i := range l.records[:l.own] {
		var seen [maxKinds]uint8
		for _, c := range l.records[i].calls {
			if n := seen[c.kind]; n < maxRepeat {
				have[c.kind][n]++
				seen[c.kind]++
			}
		}
	}
	var all []slot
	need := max(slotRecords, slotShare*float64(l.own))
	for k := range have {
		for n, count := range have[k] {
			if float64(count) >= need {
				all = append(all, slot{kind: k, repeat: n, share: float64(count) / float64(l.own)})
			}
		}
	}
	if len(all) > maxSlots {
		slices.SortStableFunc(all, func(a, b slot) int { return cmp.Compare(b.share, a.share) })
		all = all[:maxSlots]
		slices.SortStableFunc(all, func(a, b slot) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.repeat, b.repeat)) })
	}
	l.model.slots = all
	for k := range l.model.first {
		l.model.first[k] = -1
	}
	for i, s := range all {
		if s.repeat == 0 {
			l.model.first[s.kind] = int8(i)
		}
		l.model.many[s.kind]++
	}
}

// place lays the records out by slot.
func (l *learner) place() {
	l.places = slices.Grow(l.places[:0], len(l.records))[:len(l.records)]
	var rest [maxSlots]*hist
	for i := range l.records {
		r, p := &l.records[i], &l.places[i]
		*p = layout{last: fromStart}
		for at, c := range r.calls {
			n := p.seen[c.kind]
			if n < 255 {
				p.seen[c.kind]++
			}
			s, further := l.model.slotOf(c.kind, int(n))
			if further && i >= l.own {
				continue
			}
			if further {
				if rest[s] == nil {
					rest[s] = &hist{}
				}
				rest[s].add(l.scale.bin(c.start - endBefore(r.calls[:at], c.kind)))
			} else if s >= 0 {
				p.start[s], p.end[s] = c.start, c.end
				p.mask |= 1 << s
			}
			if c.end <= r.end+slack && (!p.any || c.end > p.lastEnd) {
				p.any, p.lastEnd, p.last = true, c.end, s
			}
		}
	}
	for s := range l.model.slots {
		if l.model.slots[s].rest = l.model.wide; rest[s] != nil {
			l.model.slots[s].rest = newDensity(rest[s], l.scale)
		}
	}
}

// endBefore returns the end of the last call of a kind, of which there is one.
func endBefore(calls []interval, kind uint8) int64 {
	for i := len(calls) - 1; i > 0; i-- {
		if calls[i].kind == kind {
			return calls[i].end
		}
	}
	return calls[0].end
}

// reference is what a slot's gap can be measured from.
type reference struct {
	slot, parent int
	fromEnd      bool
	gain         float64 // over the start of the request
	density      *density
}

// references chooses the reference of every slot: together those that make the gaps
// most probable, without a cycle. That is the order of the calls.
func (l *learner) references() {
	slots := l.model.slots
	var all []reference
	for s := range slots {
		slots[s].first = l.fit(s, fromStart, false).density
		slots[s].gap, slots[s].parent = slots[s].first, fromStart
		for p := range slots {
			if p == s {
				continue
			}
			all = append(all, l.fit(s, p, true))
			if len(slots) <= pairSlots {
				all = append(all, l.fit(s, p, false))
			}
		}
	}
	slices.SortStableFunc(all, func(a, b reference) int { return cmp.Compare(b.gain, a.gain) })
	for _, r := range all {
		if r.gain <= 0 {
			break
		}
		if slots[r.slot].parent == fromStart && !hangs(slots, r.parent, r.slot) {
			slots[r.slot].parent, slots[r.slot].fromEnd, slots[r.slot].gap = r.parent, r.fromEnd, r.density
		}
	}
	for s := range slots {
		for at := s; at != fromStart; at = slots[at].parent {
			slots[at].below |= 1 << s
		}
	}
}

// hangs reports whether slot a hangs on slot b.
func hangs(slots []slot, a, b int) bool {
	for at := a; at != fromStart; at = slots[at].parent {
		if at == b {
			return true
		}
	}
	return false
}

// fit measures the gaps of a slot from a reference. Requests without the reference are
// measured from their start in either case, and add nothing to the gain.
func (l *learner) fit(s, parent int, fromEnd bool) reference {
	var gaps, starts, others hist
	for i := range l.places {
		p := &l.places[i]
		if p.mask&(1<<s) == 0 {
			continue
		}
		from := l.records[i].start
		if parent != fromStart {
			if p.mask&(1<<parent) == 0 {
				continue
			}
			starts.add(l.scale.bin(p.start[s] - from))
			if from = p.start[parent]; fromEnd {
				from = p.end[parent]
			}
		}
		if b := l.scale.bin(p.start[s] - from); i < l.own {
			gaps.add(b)
		} else {
			others.add(b)
		}
	}
	d := newDensityBeside(&gaps, &others, l.scale)
	out := reference{slot: s, parent: parent, fromEnd: fromEnd, density: d}
	if parent != fromStart {
		out.gain = d.mean(&gaps) + d.mean(&others) - l.model.slots[s].first.mean(&starts)
	}
	return out
}

// ends learns how long after the last call the request ends.
func (l *learner) ends() {
	m := l.model
	last, others := make([]hist, len(m.slots)), make([]hist, len(m.slots))
	var none, other hist
	for i := range l.places {
		p, r := &l.places[i], &l.records[i]
		if i >= l.own {
			if p.last >= 0 {
				others[p.last].add(l.scale.bin(r.end - p.lastEnd))
			}
			continue
		}
		if !p.any {
			none.add(l.scale.bin(r.end - r.start))
			continue
		}
		b := l.scale.bin(r.end - p.lastEnd)
		other.add(b)
		if p.last >= 0 {
			last[p.last].add(b)
		}
	}
	m.none, m.other = newDensity(&none, l.scale), newDensity(&other, l.scale)
	for s := range last {
		if last[s].n >= edgeRecords {
			m.slots[s].last = newDensityBeside(&last[s], &others[s], l.scale)
		}
	}
}

// counts learns how many calls of each kind a request makes.
func (l *learner) counts(mean []float64) {
	m := l.model
	n := float64(l.own)
	parts := make([][maxCount]float64, len(mean))
	nothing := 0.0
	for k := range parts {
		expected(mean[k], &parts[k])
	}
	vectors := map[uint64]int{}
	example := map[uint64]int{}
	for i := range l.places[:l.own] {
		hash := uint64(0)
		for _, c := range l.records[i].calls {
			hash += factor(c.kind)
		}
		vectors[hash]++
		example[hash] = i
		for k, count := range l.places[i].seen[:len(parts)] {
			parts[k][min(int(count), maxCount-1)]++
		}
	}
	m.marginal = make([][maxCount]float32, len(parts))
	for k := range parts {
		doubt(&parts[k], n)
		for c := range parts[k] {
			parts[k][c] = math.Log(parts[k][c] / (n + countWeight))
		}
		nothing += parts[k][0]
		for c := range parts[k] {
			m.marginal[k][c] = float32(parts[k][c] - parts[k][0])
		}
	}
	m.unseen = float32(nothing + math.Log(jointWeight/(n+jointWeight)))
	m.joint = make(map[uint64]float32, len(vectors))
	for hash, count := range vectors {
		independent := nothing
		for k, c := range l.places[example[hash]].seen[:len(parts)] {
			independent += float64(m.marginal[k][min(int(c), maxCount-1)])
		}
		seen := max(float64(count)-vectorDoubt*n, 0.05*float64(count))
		m.joint[hash] = float32(math.Log((seen + jointWeight*math.Exp(independent)) / (n + jointWeight)))
	}
}

// expected fills in what is believed of a count whose mean alone is known.
func expected(mean float64, out *[maxCount]float64) {
	sum := 0.0
	for c := range out {
		d := (float64(c) - mean) / max(1, math.Sqrt(mean))
		out[c] = math.Exp(-2*d*d) + 1e-3/float64(1+c*c)
		sum += out[c]
	}
	for c := range out {
		out[c] *= countWeight / sum
	}
}

// outlive learns which calls end after their request.
func (l *learner) outlive() {
	var n, late [maxKinds]float64
	for i := range l.records[:l.own] {
		for _, c := range l.records[i].calls {
			n[c.kind]++
			if c.end > l.records[i].end+slack {
				late[c.kind]++
			}
		}
	}
	for k := range n {
		share := (late[k] + 0.05) / (n[k] + 1)
		l.model.outlive[k] = [2]float32{float32(math.Log1p(-share)), float32(math.Log(share))}
	}
}

// doubt takes what is rare for an error of the assignments learned from.
func doubt(count *[maxCount]float64, n float64) {
	for c := range count {
		count[c] = max(count[c]-countDoubt*n, 0.05*count[c])
	}
}
