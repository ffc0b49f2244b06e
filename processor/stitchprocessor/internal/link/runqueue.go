package link

import (
	"slices"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// runQueueKind: Go only. Where the processors are busy, a thread reads dozens of messages
// before any goroutine that waited for one goes on, on whatever thread is free then. But
// goroutines go on in the order in which they became runnable, and so the writes come in the
// order of what was read: where the neighbours of a write, or of a reply, are known, what
// lies between leaves one for it. It is asked for calls that every request of a kind makes
// once, one after the other, of which nothing else tells, and only where it agreed with certain
// links. Measured: 482 right, 0 wrong.
var runQueueKind = Kind{Name: "run_queue", Class: Pattern, Trust: window.Likely, Precision: measured(482, 0)}

// ranInTurn claims what the order of a run queue leaves.
func ranInTurn(l *Linker, c *window.Node) {
	if r := l.turnOf(c); r != nil {
		l.toParent(c, r, RunQueue)
	}
}

// turnOf returns the request that c was made for, or replied for, when its turn came, if only
// one is left, or nil.
func (l *Linker) turnOf(c *window.Node) *window.Node {
	if !c.Request.Goroutine() || l.habits.each(c) == nil || slices.ContainsFunc(c.Claims, settled) {
		return nil
	}
	for w := range ways {
		if l.runs.proven(c, w) {
			if r := w.find(l, c); r != nil {
				return r
			}
		}
	}
	return nil
}

// settled reports whether a claim may decide a call as things are.
func settled(c window.Claim) bool { return decidedBy(c) != nil }

// decidedBy is the request that a claim may decide a call for, as things are, or nil.
func decidedBy(c window.Claim) *window.Node {
	switch {
	case c.Trust < window.Likely:
		return nil
	case c.Sibling != nil:
		return c.Sibling.Parent
	}
	return c.Parent
}

// way is a way in which the order of a run queue tells of a call.
type way uint8

const (
	afterRequest way = iota // it was made when it was the turn of a request
	afterReply              // it was made when it was the turn of the reply of the call before
	toReply                 // it was the turn of its reply when its request went on
	ways
)

func (w way) find(l *Linker, c *window.Node) *window.Node {
	if w == toReply {
		return l.endedInTurn(c)
	}
	if m := l.begunInTurn(c); m != nil && m.Node.Server == (w == afterRequest) {
		return requestFor(m)
	}
	return nil
}

// begunInTurn returns what was read whose turn it was when c was made, or nil.
func (l *Linker) begunInTurn(c *window.Node) *window.Message {
	out := &c.Request
	if dialled(c) || !l.waitedTurn(out) {
		return nil
	}
	around := l.stretches(out)
	for _, s := range around {
		if m := l.counterpart(s, out); m != nil && !m.Node.Server && l.mayFollow(c, m) {
			return m
		}
	}
	return l.onlyRead(around, c)
}

// onlyRead returns the only message in stretches that c may have followed, if c is the only
// write there of which nothing is known. Two requests that were read change places as often as
// not: where a thread takes half the queue of another one it begins with the last.
func (l *Linker) onlyRead(around []stretch, c *window.Node) (found *window.Message) {
	for _, s := range around {
		read, whole := l.along(s.from.read, s.to.read)
		written, all := l.along(s.from.write, s.to.write)
		if !whole || !all || slices.ContainsFunc(written, func(m *window.Message) bool {
			return m.Kind == evidence.ClientWrite && m.Node != c && m.Node.State != window.Linked
		}) {
			return nil
		}
		for _, m := range read {
			switch {
			case !m.Reads() || m.Node == c:
			case requestFor(m) == nil:
				return nil
			case !l.mayFollow(c, m):
			case found != nil:
				return nil
			default:
				found = m
			}
		}
	}
	return found
}

// endedInTurn returns the request that wrote something when it was the turn of the reply of c,
// or nil.
func (l *Linker) endedInTurn(c *window.Node) *window.Node {
	in := &c.Response
	if !c.HasResponse() || !l.waitedTurn(in) {
		return nil
	}
	for _, s := range l.stretches(in) {
		if m := l.counterpart(s, in); m != nil && l.mayLeadTo(c, m) {
			return requestFor(m)
		}
	}
	return nil
}

// mayFollow reports whether c may have followed m, which was read: its request makes such calls,
// and is not known to have made one or to have gone on otherwise before c was over.
func (l *Linker) mayFollow(c *window.Node, m *window.Message) bool {
	r := requestFor(m)
	return r != nil && covers(r, c) && made(r, c) == 0 && l.habits.mayMake(r, c) &&
		!slices.ContainsFunc(r.Made(), func(x *window.Node) bool {
			return x != c && x.Parent == r && m.At() <= x.Start() && x.Start() <= c.End
		})
}

// mayLeadTo reports whether the reply of c may have led to m, which was written, likewise.
func (l *Linker) mayLeadTo(c *window.Node, m *window.Message) bool {
	r := requestFor(m)
	return r != nil && covers(r, c) && made(r, c) == 0 && l.habits.mayMake(r, c) &&
		!slices.ContainsFunc(r.Made(), func(x *window.Node) bool {
			return x != m.Node && x != c && x.Parent == r && c.Start() <= x.End && x.Start() <= m.At()
		})
}

// runQueues say, by what is asked for, what is known of the order of such calls.
type runQueues struct{ operations[turnstile] }

type turnstile struct {
	apart  record       // whether such calls are made when no other one of their request is open
	agreed [ways]record // whether certain links agreed with the order
}

// learn takes a link that is in the notes of its request.
func (q *runQueues) learn(c *window.Node) {
	if !c.Request.Goroutine() {
		return
	}
	apart := true
	for _, x := range c.Parent.Made() {
		if x == c || x.Parent != c.Parent || x.Start() > c.End || c.Start() > x.End {
			continue
		}
		apart = false
		if t := q.get(x.Operation); t != nil {
			t.apart.note(false)
		}
	}
	if t := q.meet(c.Operation); t != nil {
		t.apart.note(apart)
	}
}

// compareTurn compares what the order says of a call with a decision by something else.
func (l *Linker) compareTurn(c *window.Node) {
	t := l.runs.get(c.Operation)
	if t == nil || !keeps(t.apart) || c.Kind == RunQueue {
		return
	}
	for w := range ways {
		if r := w.find(l, c); r != nil {
			t.agreed[w].note(r == c.Parent)
		}
	}
}

// proven reports whether the order of such calls tells, as far as is known.
func (q *runQueues) proven(c *window.Node, w way) bool {
	t := q.get(c.Operation)
	if t == nil || !keeps(t.apart) {
		return false
	}
	a := &t.agreed[w]
	return a.disagree < tooMany || a.disagree*50 <= a.agree
}
