package window

import "slices"

// key names the io-th I/O of thread tid.
func key(tid, io uint32) uint64 { return uint64(tid)<<32 | uint64(io) }

// index makes m findable by the ordinals of its first and of its last I/O. The one
// of its point is its own; the other one yields to a message whose point it is.
func (p *Process) index(m *Message, awakened []*Node) []*Node {
	other := m.First()
	if other == m.IO {
		other = m.Last()
	}
	p.messages.set(m.TID, m.IO, m)
	awakened = p.awaken(key(m.TID, m.IO), awakened)
	if other == m.IO {
		return awakened
	}
	p.messages.set(m.TID, other, m)
	return p.awaken(key(m.TID, other), awakened)
}

func (p *Process) unindex(m *Message) {
	p.messages.drop(m.TID, m.IO, m)
	if m.Ops > 1 {
		p.messages.drop(m.TID, m.First(), m)
		p.messages.drop(m.TID, m.Last(), m)
	}
}

// Message returns the message that the io-th I/O of thread tid belongs to, as its
// first or last, or nil.
func (p *Process) Message(tid, io uint32) *Message { return p.messages.get(tid, io) }

// Exact returns the message whose point is the io-th I/O of thread tid, or nil.
func (p *Process) Exact(tid, io uint32) *Message {
	if m := p.messages.get(tid, io); m != nil && m.IO == io {
		return m
	}
	return nil
}

// Before returns the message right before m on its thread. It is nil if there is
// a hole: an I/O that no message in the window accounts for.
func (p *Process) Before(m *Message) *Message {
	if m.IO == 0 {
		return nil
	}
	first := m.First()
	for io := m.IO - 1; io != 0 && io+1 >= first; io-- {
		other := p.messages.get(m.TID, io)
		if other != m && (other != nil || io < first) {
			return other
		}
	}
	return nil
}

// After returns the message right after m on its thread, or nil, likewise.
func (p *Process) After(m *Message) *Message {
	if m.IO == 0 {
		return nil
	}
	last := m.Last()
	for io := m.IO + 1; io != 0 && io <= last+1; io++ {
		other := p.messages.get(m.TID, io)
		if other != m && (other != nil || io > last) {
			return other
		}
	}
	return nil
}

// maxAwaits bounds what one node waits for.
const maxAwaits = 12

// Await makes the Add of a message that has the io-th I/O of thread tid return n.
func (p *Process) Await(tid, io uint32, n *Node) {
	k := key(tid, io)
	if tid == 0 || io == 0 || !n.indexed || slices.Contains(n.awaited(), k) {
		return
	}
	if len(n.awaited()) == maxAwaits {
		p.Unawaited++
		return
	}
	n.waits().awaits = append(n.waits().awaits, k)
	p.awaiting[k] = append(p.awaiting[k], n)
}

func (p *Process) awaken(k uint64, awakened []*Node) []*Node {
	if len(p.awaiting) == 0 {
		return awakened
	}
	nodes := p.awaiting[k]
	if nodes == nil {
		return awakened
	}
	delete(p.awaiting, k)
	for _, n := range nodes {
		if i := slices.Index(n.awaited(), k); i >= 0 {
			n.pending.awaits = slices.Delete(n.pending.awaits, i, i+1)
		}
	}
	return append(awakened, nodes...)
}

func (p *Process) stopAwaiting(k uint64, n *Node) { dropFrom(p.awaiting, k, n) }
