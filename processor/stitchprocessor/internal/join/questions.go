package join

import "math/bits"

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
	for s := a.fifo.first(); s != nil && s.Arrived+a.config.MaxWait <= a.now; s = a.fifo.first() {
		a.forget(Deadline)
	}
	a.Hand()
}

// Flush releases everything.
func (a *Assembler) Flush() {
	for a.fifo.len() > 0 {
		a.forget(Shutdown)
	}
	a.Hand()
}

// forget takes the oldest span out of memory, and releases its trace if it is held.
func (a *Assembler) forget(r Reason) {
	s := a.fifo.first()
	if !s.released {
		a.release(s.root(), r)
	}
	a.fifo.pop()
	a.unheld = max(a.unheld-1, 0)
	a.disconnect(s)
	a.dropVerdict(s)
	a.dropCall(s)
	a.dropSDK(s)
}

// fifo is spans by arrival.
type fifo struct {
	items []*Span
	head  int
}

func (f *fifo) len() int       { return len(f.items) - f.head }
func (f *fifo) at(i int) *Span { return f.items[f.head+i] }
func (f *fifo) push(s *Span)   { f.items = append(f.items, s) }
func (f *fifo) first() *Span {
	if f.len() == 0 {
		return nil
	}
	return f.items[f.head]
}

func (f *fifo) pop() {
	f.items[f.head] = nil
	f.head++
	if f.head*2 > len(f.items) && f.head > 1024 {
		n := copy(f.items, f.items[f.head:])
		clear(f.items[n:])
		f.items, f.head = f.items[:n], 0
	}
}

// queue is spans with a time that never goes back.
type queue struct {
	items []timed
	head  int
}

type timed struct {
	span *Span
	at   int64
}

func (q *queue) push(s *Span, at int64) { q.items = append(q.items, timed{s, at}) }

// due takes out the next span whose time has come, or returns nil.
func (q *queue) due(now int64) *Span {
	if q.head == len(q.items) || q.items[q.head].at > now {
		return nil
	}
	s := q.items[q.head].span
	q.items[q.head].span = nil
	q.head++
	if q.head*2 > len(q.items) && q.head > 1024 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	return s
}
