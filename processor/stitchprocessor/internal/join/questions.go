package join

import (
	"math/bits"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/fifo"
)

func (q question) count() int32 { return int32(bits.OnesCount8(uint8(q))) }

// ask opens a question of s.
func (a *Assembler) ask(s *Span, q question) {
	if s.released || s.open&q != 0 {
		return
	}
	s.open |= q
	s.root().tree.open++
}

// answer closes it. The tree may then settle.
func (a *Assembler) answer(s *Span, q question) {
	if s.released || s.open&q == 0 {
		return
	}
	s.open &^= q
	root := s.root()
	root.tree.open--
	root.tree.changed = a.now
	a.settleSoon(root)
}

// settleSoon queues a tree without open questions. A tree is queued once: if it has
// changed when its time comes, it goes to the end again.
func (a *Assembler) settleSoon(root *Span) {
	if t := root.tree; t.open == 0 && !t.queued {
		t.queued = true
		a.settling.push(root, a.now+a.config.SettleDelay)
	}
}

// settle releases the trees whose time has come.
func (a *Assembler) settle() {
	for {
		s := a.settling.due(a.now)
		if s == nil {
			return
		}
		if s.tree == nil || s.released {
			continue // it hangs under another one now, or has left
		}
		s.tree.queued = false
		switch {
		case s.tree.open > 0:
		case s.tree.changed+a.config.SettleDelay > a.now:
			a.settleSoon(s)
		case s.parent != nil:
			a.release(s, Late)
		default:
			a.release(s, Settled)
		}
	}
}

// Tick lets time pass: what is due is released. Nothing else releases, apart from
// a window that is full.
func (a *Assembler) Tick(now int64) {
	a.now = max(a.now, now)
	a.giveUpPeers()
	a.giveUpApplications()
	a.settle()
	for s := a.spans.First(); s != nil && s.Arrived+a.config.MaxWait <= a.now; s = a.spans.First() {
		a.forget(Deadline)
	}
	a.Hand()
}

// Flush releases everything.
func (a *Assembler) Flush() {
	for a.spans.Len() > 0 {
		a.forget(Shutdown)
	}
	a.Hand()
}

// forget takes the oldest span out of memory, and releases its trace if it is held.
func (a *Assembler) forget(r Reason) {
	s := a.spans.First()
	if !s.released {
		a.release(s.root(), r)
	}
	a.spans.Pop()
	a.unheld = max(a.unheld-1, 0)
	a.disconnect(s)
	a.dropVerdict(s)
	a.dropCall(s)
	a.dropSDK(s)
}

// queue is spans with a time that never goes back.
type queue struct{ fifo.Of[timed] }

type timed struct {
	span *Span
	at   int64
}

func (q *queue) push(s *Span, at int64) { q.Push(timed{s, at}) }

// due takes out the next span whose time has come, or returns nil.
func (q *queue) due(now int64) *Span {
	if q.Len() == 0 || q.First().at > now {
		return nil
	}
	return q.Pop().span
}
