package link

import (
	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// adjacentKind (E1): a thread read a request and the very next thing that it did was
// to write the call, without sleeping between. Measured: 10,217 right, 8 wrong. A
// request explains one call this way, as nothing but the next I/O counts. In event
// loops the tick rules apply instead, since they know how late outputs come there.
var adjacentKind = Kind{Name: "adjacent", Class: Before, Trust: window.Likely, Precision: measured(10217, 8)}

// slept are the waits after which a thread may have gone on with something else. A
// poll is how blocking sockets with a timeout are read and written.
const slept = evidence.WaitedFutex | evidence.WaitedEpoll | evidence.WaitedSleep | evidence.WaitedFD

// adjacentTo returns the request that was read right before the call was written, or nil.
func (l *Linker) adjacentTo(c *window.Node) *window.Node {
	m := &c.Request
	if m.Loop() || m.Waited&slept != 0 || dialled(c) {
		return nil
	}
	if before := l.p.Before(m); before != nil && before.Kind == evidence.ServerRead {
		return before.Node
	}
	return nil
}

func adjacent(l *Linker, c *window.Node) {
	r := l.adjacentTo(c)
	if r == nil {
		return
	}
	claim := window.Claim{Parent: r, Kind: Adjacent, Score: adjacentKind.Precision, Trust: adjacentKind.Trust}
	if c.Request.Goroutine() {
		if l.contested(c, r) || l.repeats.exceeds(r, c) {
			return
		}
		// Another goroutine that was runnable may have had its turn: as good as it has
		// been seen to be here.
		claim.Score, _ = l.trust.earned(Adjacent)
		claim.Score = min(claim.Score, goAdjacent)
		if l.disputed(c, r) {
			claim.Trust = window.Support // either may be right
		}
	}
	l.claim(c, claim)
}

// disputed reports whether c, which came from a goroutine, is adjacent to r, but what
// followed says otherwise.
func (l *Linker) disputed(c, r *window.Node) bool {
	if !c.Request.Goroutine() || l.adjacentTo(c) != r {
		return false
	}
	if other := l.repliedTo(c); other != nil {
		return other != r
	}
	other := l.burstOf(c)
	return other != nil && other != r
}

// goAdjacent is the most that it is worth in Go programs: with seven habits 6,916 right, 11
// wrong, with others 49,523 right, 6 wrong, but fewer are right where nothing else says the same.
const goAdjacent = 0.98

// adjacentLeast is the share of agreement that it must have there. It is less than that of
// others: what can be compared is mostly what looks alike by chance.
const adjacentLeast = 0.95

// dialled reports whether a goroutine of its own may have opened the connection and
// written the call when that was done, whatever its thread had done before.
func dialled(c *window.Node) bool { return c.Request.Goroutine() && c.Ordinal == 0 }

// nextKind: a thread read the reply of one call and the very next thing that it did
// was to write this one: both may belong to one request. In a pool that always has
// work it is the next job instead (Go worker pool: 0 right of 2,916), so this is
// trusted only where it has been seen to agree with certain links.
var nextKind = Kind{Name: "next", Class: Before, Trust: window.Support, Precision: 0.5}

func followsNext(l *Linker, c *window.Node) {
	m := &c.Request
	if m.Loop() || m.Waited&slept != 0 || dialled(c) || l.serves(m) {
		return
	}
	before := l.p.Before(m)
	if before == nil || before.Kind != evidence.ClientRead {
		return
	}
	if r := before.Node.Parent; r != nil && m.Goroutine() && l.repeats.exceeds(r, c) {
		return
	}
	score, known := l.trust.sequel(before.Node, c)
	claim := window.Claim{Sibling: before.Node, Kind: Next, Score: score}
	if known {
		claim.Trust = window.Likely
	}
	l.claim(c, claim)
}

// serves reports whether the goroutine of m serves requests itself: then it is known for whom
// it calls, and what it does between says nothing about those that others do.
func (l *Linker) serves(m *window.Message) bool {
	return m.Goroutine() && len(l.p.ServersOf(m.Goid)) > 0
}

// precedesNext is the same fact for the call before, if the later one is linked by
// better evidence. Only where it has been seen to agree.
func precedesNext(l *Linker, c *window.Node) {
	if next, score := l.sequelOf(c); next != nil {
		l.claim(c, window.Claim{Sibling: next, Kind: Next, Score: score, Trust: window.Likely})
	}
}

// sequelOf returns the call that says whose c is because a thread went on with it as soon as it
// had read the reply of c, and how sure that is, or nil.
func (l *Linker) sequelOf(c *window.Node) (next *window.Node, score float64) {
	after := l.p.After(&c.Response)
	if !c.HasResponse() || after == nil || after.Kind != evidence.ClientWrite || after.Node == c {
		return nil, 0
	}
	next = after.Node
	if next.State != window.Linked || next.Kind == Next || after.Loop() || after.Waited&slept != 0 || dialled(next) {
		return nil, 0
	}
	if score, known := l.trust.sequel(c, next); known && score > 0 {
		return next, score
	}
	return nil, 0
}

// compareAdjacent compares with the decision on a call what adjacency says of the one
// before it. A first call seldom has other evidence: its neighbours would only be heard
// of where they are wrong. Two that agree independently are right; of two that do not,
// the one that is known to be good is.
func (l *Linker) compareAdjacent(call *window.Node) {
	before := l.p.Before(&call.Request)
	if before == nil || before.Kind != evidence.ClientRead || call.Request.Waited&slept != 0 || dialled(call) {
		return
	}
	r := l.adjacentTo(before.Node)
	if r == nil || l.repeats.exceeds(r, before.Node) {
		return
	}
	agree := r == call.Parent
	if score, known := l.trust.sequel(before.Node, call); agree || known && score > 0 {
		l.trust.note(Adjacent, agree)
	}
	if before.Node.Parent == nil || before.Node.Kind == Next {
		l.trust.sequels.note(before.Node, call, agree)
	}
}
