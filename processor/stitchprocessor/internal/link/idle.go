package link

import "slices"

// idleness is in which order the idle threads of a pool are woken. Where they wait in
// line, there is one queue that they wait for, and who is woken takes what it was woken
// for: 122 right, 1 wrong. Where the last one to fall idle is the first to be woken, as in
// pools that steal work, it takes what it finds: 38 right, 10 wrong.
type idleness struct {
	since, woken     int64 // of the last one that was looked at
	inLine, overtook int
}

func (i *idleness) observe(since, woken int64) {
	if i.inLine+i.overtook >= memory {
		i.inLine, i.overtook = i.inLine/2, i.overtook/2
	}
	switch {
	case i.since == 0 || since == i.since:
	case since > i.since == (woken > i.woken):
		i.inLine++
	default:
		i.overtook++
	}
	i.since, i.woken = since, woken
}

// fair reports whether they wait in line.
func (i *idleness) fair() bool { return i.inLine >= enough && i.overtook*8 <= i.inLine }

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
