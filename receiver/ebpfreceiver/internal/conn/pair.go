package conn

import (
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// open begins the exchange of a request that is complete but for bytes that have
// yet to arrive; nil if there is no room for it. Without a message the request
// is opaque.
func (c *connection) open(d event.Direction, m *protocol.Message) *Exchange {
	t := c.table
	if c.muted || c.pending.len() >= t.options.MaxPending || t.pendingCount >= t.options.MaxExchanges {
		t.stats.DroppedPending++
		c.muted, c.anchored = true, false
		return nil
	}
	if c.info.Role == event.RoleServer && c.pending.len() == 0 {
		t.stats.LateRetransmits += uint64(c.retransmits) // of an earlier response
		c.retransmits = 0
	}
	e := c.newExchange(m)
	e.due = true
	c.half[d].stream.Peek(&e.Request)
	c.pending.push(e)
	t.pendingCount++
	return e
}

// newExchange returns the next exchange of the connection, opaque without m.
func (c *connection) newExchange(m *protocol.Message) *Exchange {
	e := c.table.newExchange()
	e.Conn = &c.info
	e.LocalText, e.RemoteText = c.texts[0], c.texts[1]
	e.Ordinal = c.ordinal
	e.RequestMessage, e.Opaque = m, m == nil
	e.Lossy = !c.anchored
	e.Opened = c.seen && c.ordinal == 0
	c.ordinal++
	return e
}

// endMessage ends the message under way in direction d with the last byte
// passed. m is what the parser understood of it, nil if nothing.
func (c *connection) endMessage(d event.Direction, m *protocol.Message) {
	h := &c.half[d]
	e := h.request
	h.message, h.request = nil, nil
	switch {
	case m == nil && !h.stream.Begun():
		c.discard(d)
	case m != nil && m.Kind == protocol.Ignored:
		c.addAside(d)
	case !c.known():
		c.table.stats.DroppedNoRole++
		c.discard(d)
	case d == c.responses():
		c.answer(m)
	default:
		c.endRequest(d, e, m)
	}
}

// endRequest completes the request of exchange e. Without e, it was not open yet
// (its end was told by the change of direction), or has no room, or has been
// answered before its end.
func (c *connection) endRequest(d event.Direction, e *Exchange, m *protocol.Message) {
	h := &c.half[d]
	if e == nil && !h.opened {
		e = c.open(d, m)
	}
	h.opened = false
	if e == nil {
		c.discard(d)
		return
	}
	h.stream.Cut(&e.Request)
	e.due = false
	if m != nil && m.OneWay {
		c.remove(e)
		c.finish(e, OneWay, e.Request.End)
	}
}

// answer ends the exchange whose response ends with the last byte passed.
func (c *connection) answer(m *protocol.Message) {
	t := c.table
	h := &c.half[c.responses()]
	var id uint64
	if m != nil {
		id = m.ID
	}
	e := c.pending.take(id)
	if e == nil {
		if m != nil {
			t.stats.Unsolicited++
			c.stray()
		}
		c.discard(c.responses())
		return
	}
	t.pendingCount--
	if e.reported {
		t.stats.Late++
		c.discard(c.responses())
		t.free(e)
		return
	}
	h.stream.Cut(&e.Response)
	e.ResponseMessage = m
	e.Lossy = e.Lossy || c.half[c.requests()].stream.Waiting() // for what may be the request
	c.finish(e, Answered, e.Response.End)
}

// discard ends the message under way in direction d without a use for it.
func (c *connection) discard(d event.Direction) {
	c.half[d].stream.Cut(&c.table.scratch)
}

// forget ends every exchange that waits: their responses are lost.
func (c *connection) forget() {
	for e := c.pending.pop(); e != nil; e = c.pending.pop() {
		e.Lossy = true
		c.table.pendingCount--
		c.finish(e, Lost, e.Request.End)
	}
}

// remove takes e, the newest that waits, out of the queue.
func (c *connection) remove(e *Exchange) {
	p := &c.pending
	n := len(p.list) - 1
	if n < p.head || p.list[n] != e {
		return
	}
	p.list[n] = nil
	p.list = p.list[:n]
	if p.head == n {
		p.list, p.head = p.list[:0], 0
	}
	c.table.pendingCount--
}

// finish delivers e, which waits no more, and recycles it.
func (c *connection) finish(e *Exchange, outcome Outcome, end uint64) {
	c.report(e, outcome, end)
	c.table.free(e)
}

// report delivers e unless that was done before.
func (c *connection) report(e *Exchange, outcome Outcome, end uint64) {
	if e.reported {
		return
	}
	if e.due {
		c.abandonRequest(e)
	}
	e.Outcome, e.End = outcome, end
	e.Errno = 0
	if outcome == Closed || outcome == Unconnected {
		e.Errno = c.errno
	}
	if !e.beside {
		e.Retransmits, c.retransmits = c.retransmits, 0
	}
	e.Lossy = e.Lossy || e.Request.Lossy || e.Response.Lossy
	c.table.deliver(e)
}

// abandonRequest takes e, whose request is still arriving, as it is.
func (c *connection) abandonRequest(e *Exchange) {
	e.torn = true
	h := &c.half[c.requests()]
	if h.request != e {
		return
	}
	h.stream.Peek(&e.Request)
	h.request, e.due = nil, false
}
