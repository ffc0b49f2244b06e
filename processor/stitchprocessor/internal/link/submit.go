package link

import (
	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// submitKind (E3): a thread whose last message was the request woke the thread that
// then wrote the call. Supporting only: a worker may be woken for one item and take
// another. Alone: 18,118 right, 838 wrong; where the order of arrival agrees: 6,326
// right, 50 wrong. If the waker's last message was a reply, it is a relay or
// a lock (67 right, 6,865 wrong) and no claim is made.
var submitKind = Kind{Name: "submit", Class: Submission, Trust: window.Support, Precision: measured(18118, 838), Detached: true}

func submitted(l *Linker, c *window.Node) {
	if r := l.submitterOf(c); r != nil {
		score, known := l.trust.earned(Submit)
		if r.Request.Loop() && !known {
			score = 0 // a loop may have read other requests before it handled this one
		}
		l.claim(c, window.Claim{Parent: r, Kind: Submit, Score: score})
	}
}

// submitterOf returns the request whose reader woke the thread that then wrote c, or nil. A
// thread that reads requests itself has its own work, as one that was created for a task has:
// others wake it at locks.
func (l *Linker) submitterOf(c *window.Node) *window.Node {
	m := &c.Request
	if m.Goroutine() || len(l.p.ReadBy(m.TID)) > 0 || l.tasks.threaded() && cloneOf(m) != nil {
		return nil
	}
	last := l.lastHandoff(m)
	if last == nil || last.Source != evidence.ServerRead || last.SourceTID == m.TID {
		return nil
	}
	return l.requestAt(last)
}

// lastHandoff returns the handoff that came last, apart from locks and the creation of
// the thread, or nil.
func (l *Linker) lastHandoff(m *window.Message) *evidence.Handoff {
	var last *evidence.Handoff
	for i := range m.Handoffs {
		h := &m.Handoffs[i]
		if h.Edge != evidence.Clone && !l.locks.of(h) && !overshadowed(m, h) && (last == nil || h.Time > last.Time) {
			last = h
		}
	}
	return last
}

// requestAt returns the request that h names, if it was not answered by then.
func (l *Linker) requestAt(h *evidence.Handoff) *window.Node {
	m := l.p.Message(h.SourceTID, h.SourceIO)
	if m == nil || m.Kind != evidence.ServerRead || m.Node.Answered() < h.Time {
		return nil
	}
	return m.Node
}

// cloneKind: the thread that wrote the call was created by a thread whose last
// message was the request, and which had no other request open. It holds after the
// answer, too: the thread was made for this request. Only where most calls are the
// first thing that a thread does: a pool creates its threads in the course of some
// request as well, and these go on with whatever is in the queue. Measured:
// 1,337 right, 0 wrong.
var cloneKind = Kind{Name: "clone", Class: Creation, Trust: window.Likely, Precision: 0.995, Detached: true}

// maxOpen bounds the requests open at one time that are looked at.
const maxOpen = 64

// tasks counts calls by whether they were the first thing that their thread did.
type tasks struct{ first, later int }

func (t *tasks) observe(n *window.Node) {
	if n.Server || n.Request.Goroutine() || n.Request.Loop() {
		return
	}
	if t.first+t.later >= memory {
		t.first, t.later = t.first/2, t.later/2
	}
	if n.Request.First() == 1 {
		t.first++
	} else {
		t.later++
	}
}

// threaded: a thread for each task.
func (t *tasks) threaded() bool { return t.first >= manyThreads && t.first*5 >= t.later }

// taskGrace is for how long the decision on the first call of a thread is put off while
// it is not known yet whether threads live for one task. Unix ns.
const taskGrace = int64(1e9)

// undecided reports whether the creator of call's thread counts as soon as the program
// turns out to create one for each task, which may be so.
func (t *tasks) undecided(call *window.Node) bool {
	return t.first < manyThreads && t.first*5 >= t.later && cloneOf(&call.Request) != nil
}

// manyThreads is more than a pool has that grows with the load.
const manyThreads = 128

// createdBy returns the request that a thread had read, and no other one, when it created
// the thread that wrote c, or nil.
func (l *Linker) createdBy(c *window.Node) *window.Node {
	h := cloneOf(&c.Request)
	if h == nil || h.Source != evidence.ServerRead || h.Hops > 0 {
		return nil
	}
	if r := l.requestAt(h); r != nil && l.soleOn(r) {
		return r
	}
	return nil
}

// madeFor returns the request that the thread of c was created for, in programs that create
// one for each task, or nil.
func (l *Linker) madeFor(c *window.Node) *window.Node {
	if !l.tasks.threaded() {
		return nil
	}
	return l.createdBy(c)
}

func cloned(l *Linker, c *window.Node) {
	r := l.createdBy(c)
	if r == nil {
		return
	}
	claim := window.Claim{Parent: r, Kind: Clone, Score: cloneKind.Precision, Trust: cloneKind.Trust}
	if !l.tasks.threaded() {
		claim.Score, claim.Trust = 0.8, window.Support
	}
	l.claim(c, claim)
}

// clonedInside is for a thread that the owner of a request created after it had
// made a call.
func clonedInside(l *Linker, c *window.Node) {
	h := cloneOf(&c.Request)
	if h == nil || h.Source != evidence.ClientRead || h.Hops > 0 {
		return
	}
	m := l.p.Message(h.SourceTID, h.SourceIO)
	if m == nil || m.Node.Parent == nil || m.Node.Kind != Thread || m.Node.Parent.Answered() < h.Time {
		return
	}
	l.toParent(c, m.Node.Parent, Clone)
}

// cloneOf returns the creation of m's thread, if m is its first message. Only
// then does it say whose work the thread does.
func cloneOf(m *window.Message) *evidence.Handoff {
	if m.Goroutine() || m.First() != 1 {
		return nil
	}
	for i := range m.Handoffs {
		if m.Handoffs[i].Edge == evidence.Clone {
			return &m.Handoffs[i]
		}
	}
	return nil
}

// maxPerThread bounds the requests of one thread that are looked at.
const maxPerThread = 64

// soleOn reports whether the thread that read r, which runs no event loop, had no
// other request open meanwhile that it had read, as far as is known.
func (l *Linker) soleOn(r *window.Node) bool {
	if r.Request.Tick != 0 || r.Request.Goroutine() {
		return false
	}
	all := l.p.ReadBy(r.Request.TID)
	for i := len(all) - 1; i >= 0 && i >= len(all)-maxPerThread; i-- {
		if other := all[i]; other != r && other.Start() <= r.Answered() && other.Answered() >= r.Start() {
			return false
		}
	}
	return true
}
