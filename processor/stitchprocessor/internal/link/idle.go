package link

import "slices"

// idleness is in which order the idle threads of a pool are woken, two that were idle together
// at a time. Where they wait in line, there is one queue that they wait for, and who is woken
// takes what it was woken for: 122 right, 1 wrong. Where the last one to fall idle is the first
// to be woken, as in pools that steal work, it takes what it finds: 38 right, 10 wrong.
type idleness struct {
	last             [maxIdle]wake
	n                int
	queued, overtook int
}

// wake is since when a thread was idle, and when it was woken. Unix ns.
type wake struct{ since, woken int64 }

// maxIdle is how many wakes one is compared with.
const maxIdle = 16

// observe takes a wake, roughly in their order.
func (i *idleness) observe(since, woken int64) {
	if i.queued+i.overtook >= memory {
		i.queued, i.overtook = i.queued/2, i.overtook/2
	}
	this := wake{since, woken}
	for _, other := range i.last[:min(i.n, maxIdle)] {
		first, second := other, this
		if second.woken < first.woken {
			first, second = this, other
		}
		switch {
		case second.since >= first.woken: // the first was busy again, or the second still: they did not wait together
		case first.since < second.since:
			i.queued++
		default:
			i.overtook++
		}
	}
	i.last[i.n%maxIdle] = this
	i.n++
}

// fair reports whether they wait in line, nearly without exception.
func (i *idleness) fair() bool { return i.queued >= enough && i.overtook*8 <= i.queued }

// inLine reports whether they wait in line as a rule, though some overtake where a lock or an
// interpreter is in between: more than if any of them were woken. Measured: 95 % of the pairs
// in Java's pools, 67 to 73 % in Python's, 2 to 5 % in those that steal work.
func (i *idleness) inLine() bool { return i.queued >= enough && i.overtook*3 <= i.queued*2 }

// extreme is the latest of a kind of time, of which it knows how short and how long
// they are as a rule: zero as long as not enough is known. ns.
type extreme struct {
	last                [ballots]int64
	n                   int
	least, middle, most int64
}

func (e *extreme) add(d int64) {
	e.last[e.n%ballots] = max(d, 0)
	if e.n++; e.n < enough || e.n%(enough/4) != 0 {
		return
	}
	sorted := e.last
	all := sorted[:min(e.n, ballots)]
	slices.Sort(all)
	e.least, e.middle, e.most = all[len(all)/20], all[len(all)/2], min(all[len(all)*19/20], 4*all[len(all)/2])
}
