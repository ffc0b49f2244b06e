package link

import (
	"slices"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// queue holds what a loop has read and done nothing about: it may wait for a
// connection of a full pool. Whoever writes first on a connection that has just
// become free was first in the queue, if pools serve in order, as they do. Nothing is
// claimed of that alone: the reply of the request has to confirm it, in the
// opposite direction (tickOrderKind).
//
// An entry waits for the peer that what is read of its kind has been seen to lead to
// where nobody had to wait. A connection that becomes free and is not used, or one
// used that was free already, says that nobody waits: what is left in the queue did
// not. Where that never happens, and the queue is found to be out of order, the backlog tells
// who is first.
type queue struct {
	waiting []*window.Message
	leads   table[step, struct{}]
	astray  table[uint64, struct{}] // peers whose queue has been wrong and not been empty since
	backlog table[uint64, backlog]  // of peers that are astray
	full    int                     // entries that had to go
}

// step is from a reply of one peer, or from a request if that is zero, to a call of
// another one.
type step struct{ from, to uint64 }

const (
	// maxWaiting bounds a queue, of which the oldest entry goes, maxLeads the steps known.
	maxWaiting, maxLeads = 1024, 256
)

// origin is the peer whose reply m is, or zero for a request.
func origin(m *window.Message) uint64 {
	if m.Node.Server {
		return 0
	}
	return m.Node.Peer
}

// learn takes a call that followed what was read without waiting.
func (q *queue) learn(read *window.Message, to uint64) {
	q.leads.meet(step{origin(read), to})
	q.leads.meet(step{from: origin(read)})
}

func (q *queue) add(m *window.Message) {
	if len(q.waiting) == maxWaiting {
		q.waiting = slices.Delete(q.waiting, 0, 1)
		q.full++
	}
	q.waiting = append(q.waiting, m)
	for peer, b := range q.backlog.of {
		if q.waits(m, peer) {
			b.it.arrive(m)
		}
	}
}

// waits reports whether m may wait for peer. Of what has never been seen to lead
// anywhere, a request may, and a reply of the same peer.
func (q *queue) waits(m *window.Message, peer uint64) bool {
	from := origin(m)
	return q.leads.get(step{from, peer}) != nil || q.leads.get(step{from: from}) == nil && (m.Node.Server || from == peer)
}

// take removes and returns what has waited longest for the peer of call, or nil. sure is
// false if the order of the queue is not known.
func (q *queue) take(call *window.Node) (m *window.Message, sure bool) {
	i := slices.IndexFunc(q.waiting, func(m *window.Message) bool { return q.waits(m, call.Peer) })
	if i >= 0 {
		m = q.waiting[i]
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
	b := q.backlog.get(call.Peer)
	if b == nil || m == nil && !b.known() {
		return m, q.astray.get(call.Peer) == nil
	}
	if from := b.take(call); from != nil {
		return from, true
	}
	return m, false
}

// empty takes note that nothing waits for peer.
func (q *queue) empty(peer uint64) {
	q.astray.forget(peer)
	q.backlog.forget(peer)
	if len(q.waiting) > 0 {
		q.waiting = slices.DeleteFunc(q.waiting, func(m *window.Message) bool { return q.waits(m, peer) })
	}
}

// replied removes what is left of a request that has been replied to.
func (q *queue) replied(r *window.Node) {
	if len(q.waiting) > 0 {
		q.waiting = slices.DeleteFunc(q.waiting, func(m *window.Message) bool {
			return m.Node == r || m.Node.Process == nil || m.Node.Turn().Labels[0] == r
		})
	}
}

// wrong takes note that a queue that the request of call has waited in was not in order.
func (q *queue) wrong(call *window.Node) {
	for n := 0; call != nil && n < maxChain; n++ {
		if call.Note.Waited {
			q.astray.meet(call.Peer)
			q.backlog.meet(call.Peer)
		}
		call = call.Turn().Previous[0]
	}
}

// broken: something that the loop did is missing.
func (q *queue) broken() {
	for _, b := range q.backlog.of {
		b.it.forget()
	}
}

// confirmed takes the request that the reply to a call led to a reply of, and calls label
// with each call whose request is known since then, and what it waited after.
func (q *queue) confirmed(call, request *window.Node, label func(from, call *window.Node)) {
	for _, b := range q.backlog.of {
		if b.it.replied(call, request) {
			b.it.each(label)
		}
	}
}
