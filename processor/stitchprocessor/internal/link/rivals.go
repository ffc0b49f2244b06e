package link

import (
	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// rival reports whether c, which came from a goroutine and looks like a call of r by what
// its thread did last, looks like one of another request by what its thread did
// first: it had read that one right before it wrote c, or had read and answered it, and
// such requests make such calls, but this one is not known to have made one. Threads change
// goroutines as they like: neither is sure then. It reports known as false if what the
// thread did right before is not here yet, as with a request that is still open.
func (l *Linker) rival(c, r *window.Node) (rival, known bool) {
	m := &c.Request
	if !m.Goroutine() || m.Waited&slept != 0 || dialled(c) {
		return false, true
	}
	before := l.p.Before(m)
	if before == nil {
		return false, m.IO <= 1
	}
	if before.Kind == evidence.ServerWrite {
		if read := l.p.Before(before); read == nil || read.Node != before.Node {
			return false, true
		}
	} else if before.Kind != evidence.ServerRead {
		return false, true
	}
	other := before.Node
	return other != r && made(other, c) == 0 && l.habits.mayMake(other, c), true
}

// mayMake reports whether requests like r make calls like c, as far as that is known.
func (h *habits) mayMake(r, c *window.Node) bool {
	hb := h.calls.get(c.Operation)
	return hb == nil || hb.links < enough || hb.parents.of(r.Operation)*50 >= hb.links
}

// rivalled is what a claim is worth that another request has as good a one against:
// enough to contradict that one, not to decide anything. Measured of replies: 222 right, 31
// wrong; of bursts next to none is right.
var rivalled = measured(222, 31)

// unlessRival takes the trust from a claim if there is a rival.
func unlessRival(rival bool, c window.Claim) window.Claim {
	if rival {
		c.Score, c.Trust = rivalled, window.Support
	}
	return c
}

// next is what the thread of m did next, if it is of kind k and the thread did not sleep
// before. Else nil.
func (l *Linker) next(m *window.Message, k evidence.Kind) *window.Message {
	if after := l.p.After(m); after != nil && after.Kind == k && after.Waited&slept == 0 {
		return after
	}
	return nil
}

// repliedTo is the request that a thread of a Go program replied to right after it had read the
// reply of c, or nil.
func (l *Linker) repliedTo(c *window.Node) *window.Node {
	next := l.next(&c.Response, evidence.ServerWrite)
	if next == nil || !next.Goroutine() || next.Tick != c.Response.Tick {
		return nil
	}
	return next.Node
}

// contested reports whether what followed the reply of c, which came from a goroutine,
// speaks against r: the thread went on with the next reply of a call, which is to say that
// nothing followed, and r, which need not make such a call, is not known to have waited for
// another one after this one.
func (l *Linker) contested(c, r *window.Node) bool {
	return l.next(&c.Response, evidence.ClientRead) != nil && !l.waited(r, c) && !l.habits.every(c)
}

// waited reports whether r seems to have waited for another call after c, of another kind: two
// of one kind are as likely its own one and another request's.
func (l *Linker) waited(r, c *window.Node) bool {
	for _, x := range r.Made() {
		if x.Parent == r && x.End > c.End && x.Operation != c.Operation {
			return true
		}
	}
	last := l.p.Before(&r.Response)
	return last != nil && last.Kind == evidence.ClientRead && last.Node.End > c.End &&
		last.Node.State != window.Linked && last.Node.Operation != c.Operation && l.repliedTo(last.Node) == r
}

// continued reports whether the thread that read the reply of c wrote a call then that follows
// such a one as a rule.
func (l *Linker) continued(c *window.Node) bool {
	next := l.next(&c.Response, evidence.ClientWrite)
	if next == nil {
		return false
	}
	score, known := l.trust.sequel(c, next.Node)
	return known && score > 0
}

// every reports whether every request of the kinds that make calls like c makes one.
func (h *habits) every(c *window.Node) bool {
	hb := h.calls.get(c.Operation)
	if hb == nil || hb.links < enough {
		return false
	}
	requests := h.askers(hb)
	return requests >= enough && hb.calls*10 >= requests*9
}
