package conn

import (
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

// tick does what time brings to a connection in which something is under way.
func (c *connection) tick(now uint64) {
	if c.holding > 0 {
		if c.holding--; c.holding == 0 {
			c.release()
		}
	}
	for d := range c.half {
		if c.half[d].stream.Expire(now) {
			c.checkHoles(event.Direction(d))
			c.turn(event.Direction(d))
			c.read(event.Direction(d))
		}
	}
	if c.closing {
		c.close()
		return
	}
	if c.known() {
		c.quiet(now)
		c.expire(now)
	}
	c.table.note(c)
}

// settleRuns reads what can be read and ends what the end of both streams ends.
func (c *connection) settleRuns() {
	if c.holding > 0 {
		c.release()
	}
	for d := range c.half {
		if c.half[d].stream.GiveUp() {
			c.checkHoles(event.Direction(d))
			c.turn(event.Direction(d))
			c.read(event.Direction(d))
		}
	}
	if !c.known() {
		return
	}
	for _, d := range [...]event.Direction{c.requests(), c.responses()} {
		c.endStream(d)
	}
}

// endStream ends the message under way in direction d with the stream.
func (c *connection) endStream(d event.Direction) {
	h := &c.half[d]
	if c.phase != parsing {
		h.stream.Drop()
		c.endRun(d)
		return
	}
	m := h.message
	if rest := c.parser.Close(c.sender(d)); m == nil {
		m = rest
	}
	// Without a message, what is left of the requests was none, but what is left of
	// the responses may be one that could not be read.
	if m != nil || d == c.responses() && h.blind {
		c.endMessage(d, m)
	}
}

// close ends the connection and everything on it.
func (c *connection) close() {
	c.settleRuns()
	if c.aside != nil {
		c.finishAside(Lost, c.aside.Request.End)
	}
	for e := c.pending.pop(); e != nil; e = c.pending.pop() {
		c.table.pendingCount--
		c.finish(e, Closed, max(c.closed, e.Request.End))
	}
	if c.unconnected && !c.started && c.info.Role == event.RoleClient && !c.ignored {
		c.finish(c.attempt(), Unconnected, c.closed)
	}
	c.table.remove(c)
}

// attempt is the exchange that a connect which failed stands for. No I/O belongs
// to it.
func (c *connection) attempt() *Exchange {
	e := c.newExchange(nil)
	e.Opened, e.Opaque, e.Lossy = true, false, false
	e.Request.Start, e.Request.End, e.Request.At = c.info.Time, c.info.Time, c.info.At
	e.Request.At.IO = 0
	return e
}

// exit ends the exchanges under way: the process is gone.
func (c *connection) exit(now uint64) {
	if c.known() && c.half[c.responses()].blind && c.half[c.responses()].stream.Begun() {
		c.endRun(c.responses())
	}
	if c.aside != nil {
		c.finishAside(Lost, c.aside.Request.End)
	}
	for e := c.pending.pop(); e != nil; e = c.pending.pop() {
		c.table.pendingCount--
		c.finish(e, Exited, max(now, e.Request.End))
	}
}
