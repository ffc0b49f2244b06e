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
	m := &c.Request
	if m.Goroutine() {
		return
	}
	var last *evidence.Handoff
	for i := range m.Handoffs {
		h := &m.Handoffs[i]
		if h.Edge != evidence.Clone && !l.locks.of(h) && (last == nil || h.Time > last.Time) {
			last = h
		}
	}
	if last == nil || last.Source != evidence.ServerRead || last.SourceTID == m.TID {
		return
	}
	r := l.requestAt(last)
	if r != nil {
		score, _ := l.trust.earned(Submit)
		l.claim(c, window.Claim{Parent: r, Kind: Submit, Score: score})
	}
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
// answer, too: the thread was made for this request. No figure of its own was
// measured; 0 wrong in the thread-per-task programs of the study.
var cloneKind = Kind{Name: "clone", Class: Creation, Trust: window.Decisive, Precision: 0.995, Detached: true}

// maxOpen bounds the requests open at one time that are looked at.
const maxOpen = 64

// cloned decides at once if it is known that the creator had nothing else to do.
func cloned(l *Linker, c *window.Node) {
	h := cloneOf(&c.Request)
	if h == nil || h.Source != evidence.ServerRead || h.Hops > 0 {
		return
	}
	if l.p.Message(h.SourceTID, h.SourceIO) == nil {
		l.p.Await(h.SourceTID, h.SourceIO, c)
		return
	}
	if r := l.requestAt(h); r != nil && r.Request.Tick == 0 && l.alone(&r.Request) && l.soleOn(r) {
		l.toParent(c, r, Clone)
	}
}

// clonedAfterAll says what it can when all requests are known that the creator may
// have had open.
func clonedAfterAll(l *Linker, c *window.Node) {
	h := cloneOf(&c.Request)
	if h == nil || h.Source != evidence.ServerRead || h.Hops > 0 {
		return
	}
	r := l.requestAt(h)
	switch {
	case r == nil:
	case l.soleOn(r):
		l.claim(c, window.Claim{Parent: r, Kind: Clone, Score: cloneKind.Precision, Trust: window.Likely})
	default:
		l.claim(c, window.Claim{Parent: r, Kind: Clone, Score: 0.8, Trust: window.Support})
	}
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

// soleOn reports whether the thread that read r had no other request open that it had
// read, as far as is known.
func (l *Linker) soleOn(r *window.Node) bool {
	open, all := l.p.Overlapping(l.open[:0], r.Start(), r.Answered(), maxOpen)
	l.open = open
	for _, other := range open {
		if other != r && other.Request.TID == r.Request.TID {
			return false
		}
	}
	return all
}
