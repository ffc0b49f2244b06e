package link

import (
	"slices"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// balanceKind: everything of a kind that is read leads to one such call, however late,
// and nothing else does. When this call began, just one had not led to its call yet. That
// holds whatever happens between: a queue may lose its order, not its count. What such
// calls follow, and how the counts stand, is told by wakes, and has to be confirmed by
// them. Measured: 18,905 right, 21 wrong, where no submission said something else; where one
// does, it is open.
var balanceKind = Kind{Name: "balance", Class: Pattern, Trust: window.Likely, Precision: measured(18905, 21), Detached: true}

const (
	// maxUnled is how many calls a ledger waits for its first votes.
	maxUnled = 512
	// learning is for how long the decision on a call is put off until it is known what
	// such calls follow. Unix ns.
	learning = int64(1e9)
)

// noteWakes notes when what was read made its thread wake the one that wrote c or one
// before that: then its task was in the queue.
func noteWakes(l *Linker, c *window.Node) {
	m := &c.Request
	if m.Goroutine() || m.Loop() {
		return
	}
	for i := range m.Handoffs {
		h := &m.Handoffs[i]
		if h.Hops > 0 || h.Edge != evidence.Futex || l.locks.of(h) ||
			h.Source != evidence.ServerRead && h.Source != evidence.ClientRead || h.SourceTID == m.TID {
			continue
		}
		from := l.p.Message(h.SourceTID, h.SourceIO)
		if from == nil {
			l.p.Await(h.SourceTID, h.SourceIO, c)
		} else if note := &from.Node.Note; note.Woke == 0 || h.Time < note.Woke {
			note.Woke = h.Time
		}
	}
}

// waker returns whose reading woke the thread that wrote c, as the last one did: the
// request, or the call whose reply that was.
func (l *Linker) waker(c *window.Node) *window.Node {
	h := l.lastHandoff(&c.Request)
	if h == nil || h.SourceTID == c.Request.TID {
		return nil
	}
	m := l.p.Message(h.SourceTID, h.SourceIO)
	if m == nil || m.Kind != evidence.ServerRead && m.Kind != evidence.ClientRead || m.At() > c.Start() {
		return nil
	}
	if !m.Node.Server && m.Node.Operation == c.Operation {
		return nil // a thread of the pool has woken the next one
	}
	return m.Node
}

// balanced finds the source of a call by counting.
func balanced(l *Linker, c *window.Node) {
	led := l.ledger(c)
	if led == nil || !led.believed() || hasCandidate(c) {
		return
	}
	if from := l.outstanding(led, c); from != nil && from.Process != nil {
		l.claimLed(c, from, Balance)
	}
}

// counted reports whether counting says all that time can say of c: what it leaves open
// was too close together.
func (l *Linker) counted(c *window.Node) bool {
	led, hb := l.ledger(c), l.habits.calls.get(c.Operation)
	return led != nil && led.believed() && hb != nil && hb.unknown()
}

// ledger returns that of the calls that c is one of, or nil. Where requests wait for such
// calls other rules know more.
func (l *Linker) ledger(c *window.Node) *ledger {
	if c.Request.Goroutine() || c.Request.Loop() || l.habits.each(c) != nil {
		return nil
	}
	return l.ledgers.of.get(c.Operation)
}

// count learns from a call, once, when all those are here that began before it.
func (l *Linker) count(led *ledger, c *window.Node) {
	waker := l.waker(c)
	if c.Note.Counted || waker == nil {
		return
	}
	c.Note.Counted = true
	l.ledgers.vote(led, c, waker)
	if !led.settled || sourceOf(waker) != led.elected.from.of {
		return
	}
	led.time(c, waker)
	led.reply(c, waker)
	if before := l.p.Before(&c.Request); before != nil {
		led.idle.observe(before.At(), l.lastHandoff(&c.Request).Time)
	}
	if from := l.outstanding(led, c); from != nil {
		led.compare(from, waker)
	}
}

// claimLed claims that what was read of from led to c, if it has not led to such a call yet.
func (l *Linker) claimLed(c, from *window.Node, k window.Kind) {
	claim := window.Claim{Kind: k, Score: kinds[k].Precision, Trust: kinds[k].Trust}
	r := from
	if from.Server {
		claim.Parent = from
	} else {
		claim.Sibling, r = from, from.Parent
	}
	if by := l.submitterOf(c); by != nil && by != r {
		claim.Score = min(claim.Score, submitKind.Precision) // one is as often right as the other: 27 of 58
	}
	if r == nil || slices.ContainsFunc(r.Made(), func(made *window.Node) bool { return made.Operation == c.Operation }) {
		return
	}
	l.claim(c, claim)
}

// waitForBalance returns until when the decision on a call is put off: all calls that
// began before it must be here, and it should be known what such calls follow.
func (l *Linker) waitForBalance(c *window.Node) int64 {
	led := l.ledger(c)
	if led == nil || led.n == 0 && l.waker(c) == nil {
		return 0
	}
	until := max(c.End, c.Start()+min(led.longest, learning)) + restGrace
	if until >= l.p.Watermark {
		return until
	}
	l.count(led, c)
	if !led.believed() && int(led.calls.gone)+len(led.calls.nodes) <= maxUnled {
		until = max(until, c.End+learning)
	}
	return until
}
