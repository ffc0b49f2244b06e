package link

import (
	"cmp"
	"math"
	"slices"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// outstanding returns what c must follow, or nil if it is not known: what was read and had
// not led to its call when c began, if there was just one, and none when the call before
// began.
func (l *Linker) outstanding(led *ledger, c *window.Node) *window.Node {
	s := l.ledgers.supply(led)
	if s == nil || l.habits.lost.about(c) {
		return nil
	}
	if s.rank(c.Start()) <= led.calls.rank(c.Start())+led.elected.level {
		// More calls than can be: one was of something else, or has been made twice.
		led.settled, led.n = false, 0
		return nil
	}
	t := turns{led: led, whole: led.whole.least, woken: led.woken.least}
	if !led.idle.fair() {
		t.whole, t.woken = t.whole*3/4, t.woken/2 // a thread that was woken before may come just when the task does
	}
	i, ok := t.around(&s.timeline, c)
	switch {
	case !ok || read(t.near[i]) > c.Start():
	case t.parted(i) && t.parted(i+1):
		return t.near[i]
	case !led.idle.fair():
	case t.pair(i) && l.inTurn(&t, i), i > 0 && t.pair(i-1) && l.inTurn(&t, i-1):
		return t.near[i]
	}
	return nil
}

// turns is a few sources in the order in which they can have led to calls.
type turns struct {
	led          *ledger
	whole, woken int64 // from the read and from the wake to the call, at least
	near         []*window.Node
	first        int32 // rank of the call whose turn is that of the first one
}

// reach is how many sources before and after one may have come to their calls in another
// order than they were read in.
const reach = 16

// around takes the sources about the one whose turn it is when c is made, and returns its
// place among them.
func (t *turns) around(s *timeline, c *window.Node) (int, bool) {
	calls := t.led.calls.rank(c.Start())
	place := int(calls + t.led.elected.level - s.gone)
	if place < 0 || place >= len(s.nodes) || !t.led.calls.has(c) {
		return 0, false
	}
	from, to := max(0, place-reach), min(len(s.nodes), place+reach+1)
	t.near = slices.Clone(s.nodes[from:to])
	slices.SortStableFunc(t.near, func(a, b *window.Node) int {
		return cmp.Compare(t.earliest(a, true), t.earliest(b, true))
	})
	i := place - from
	t.first = calls - int32(i)
	late := max(t.whole, t.led.queued.most+t.woken)
	before := from == 0 || read(s.nodes[from-1])+late < t.earliest(t.near[max(0, i-1)], false)
	after := to == len(s.nodes) || read(s.nodes[to]) > t.earliest(t.near[min(len(t.near)-1, i+2)], true)
	return i, before && after
}

// earliest is from when on n can have led to a call by a thread that was woken for it: it
// takes a while from reading to calling, and from the wake that tells that its task is in
// the queue. A thread that was about may take the task as soon as it is there.
func (t *turns) earliest(n *window.Node, woken bool) int64 {
	if !woken {
		return read(n) + t.led.queued.least/2
	}
	at := read(n) + t.whole
	if woke := n.Note.Woke; woke != 0 {
		// A thread may lose its processor between queueing the task and waking.
		at = max(at, min(woke, read(n)+t.led.queued.most)+t.woken)
	}
	return at
}

// parted reports whether none of the calls before a place can follow what is there or
// comes after.
func (t *turns) parted(i int) bool {
	if i >= len(t.near) {
		return true // nothing else was read
	}
	woken, about := int64(math.MaxInt64), int64(math.MaxInt64)
	for _, n := range t.near[i:] {
		woken, about = min(woken, t.earliest(n, true)), min(about, t.earliest(n, false))
	}
	for rank := t.first + int32(i) - 1; ; rank-- {
		switch c := t.led.calls.of(rank); {
		case c == nil:
			return false
		case c.Start() < min(woken, about):
			return true
		case c.Start() >= about && !sleptFor(c), c.Start() >= woken && sleptFor(c):
			return false
		}
	}
}

// pair reports whether two were outstanding together, and no other.
func (t *turns) pair(i int) bool { return i+1 < len(t.near) && t.parted(i) && t.parted(i+2) }

// inTurn reports whether of the two at a place the first one was done with when the other
// was read, and had its call begun when the thread of the other call became free for it.
func (l *Linker) inTurn(t *turns, i int) bool {
	first, second := t.led.calls.of(t.first+int32(i)), t.led.calls.of(t.first+int32(i)+1)
	if first == nil || second == nil || second.Process == nil {
		return false
	}
	done := l.handedOn(t.near[i])
	return done != 0 && done < read(t.near[i+1]) && first.Start() < l.freeFor(second)
}

// handedOn is until when the thread that read n can have queued a task about it, or zero.
func (l *Linker) handedOn(n *window.Node) int64 {
	m := &n.Request
	if !n.Server {
		m = &n.Response
	}
	if next := l.p.After(m); next != nil {
		return next.At()
	}
	return 0
}

// freeFor is from when on the thread of a call can have taken it up: when it was woken, or
// had done what it did before. Unix ns.
func (l *Linker) freeFor(c *window.Node) int64 {
	var at int64
	if before := l.p.Before(&c.Request); before != nil {
		at = before.At()
	}
	if h := l.lastHandoff(&c.Request); h != nil && sleptFor(c) {
		at = max(at, h.Time)
	}
	return at
}
