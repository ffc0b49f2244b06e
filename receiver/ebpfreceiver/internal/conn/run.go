package conn

import (
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

// endRun ends the run in direction d, of which the parser does not know where
// its messages end: all of it that no message accounts for is one.
func (c *connection) endRun(d event.Direction) {
	h := &c.half[d]
	m := h.message
	if c.phase == parsing {
		if rest := c.parser.Resync(c.sender(d)); m == nil {
			m = rest
		}
	}
	h.blind = c.phase == opaque
	responses := c.known() && d == c.responses()
	switch {
	case responses && c.phase != parsing && h.stream.Begun():
		c.forgetOlder()
	case !responses && c.phase == parsing && m == nil && h.stream.Begun():
		c.stray() // who knows how many requests that was
	}
	c.endMessage(d, m)
	if responses && c.phase == parsing {
		c.forget() // so does the parser
	}
}

// forgetOlder ends all exchanges that wait but the newest: without a protocol,
// requests are not pipelined.
func (c *connection) forgetOlder() {
	for c.pending.len() > 1 {
		e := c.pending.pop()
		c.table.pendingCount--
		e.Lossy = true
		c.finish(e, Lost, e.Request.End)
	}
}

// quiet ends a run of responses that nothing has followed for a while, so that
// its exchange need not wait for the next request.
func (c *connection) quiet(now uint64) {
	if !c.known() || c.pending.len() == 0 {
		return
	}
	h := &c.half[c.responses()]
	limit := quietTime
	if c.phase == opaque {
		limit = opaqueQuietTime
	}
	last := h.stream.Last()
	if !h.blind || last == 0 || now < last+limit {
		return
	}
	c.endRun(c.responses())
	h.blind = true // what still comes belongs to the same run
}

// expire ends exchanges that have waited too long. They stay in the queue to
// absorb their responses, should these come after all.
func (c *connection) expire(now uint64) {
	limit := uint64(c.table.options.ExchangeTimeout)
	for i, e := range c.pending.all() {
		if e.reported || now < e.Request.Start+limit {
			continue
		}
		if i == 0 && c.half[c.responses()].stream.Begun() { // it is being answered
			c.half[c.responses()].stream.Peek(&e.Response)
			c.report(e, Answered, e.Response.End)
		} else {
			c.report(e, TimedOut, now)
		}
		e.reported = true
	}
	c.expireRequest(now, limit)
}

// expireRequest gives up a request that has been arriving for too long.
func (c *connection) expireRequest(now, limit uint64) {
	if !c.known() {
		return
	}
	d := c.requests()
	h := &c.half[d]
	since, begun := h.stream.Since()
	if !begun || now < since+limit || h.message != nil {
		return
	}
	if c.phase == parsing && !h.blind {
		c.lose(d)
	}
	h.stream.Drop()
	c.discard(d)
}

// openSince returns the start of the oldest request that has been, or is being,
// read and is neither delivered nor given up; false if there is none.
func (c *connection) openSince(now uint64) (uint64, bool) {
	if c.ignored || c.phase == opaque && !c.countsOpaque() {
		return 0, false
	}
	oldest := now + 1
	consider := func(since uint64) {
		if c.phase != opaque || now < since+opaqueHold {
			oldest = min(oldest, since)
		}
	}
	for _, e := range c.pending.all() {
		if !e.reported {
			consider(e.Request.Start)
		}
	}
	if c.aside != nil && now < c.aside.Request.Start+opaqueHold {
		consider(c.aside.Request.Start)
	}
	for d := range c.half {
		if c.known() && event.Direction(d) != c.requests() {
			continue
		}
		if since, begun := c.half[d].stream.Since(); begun && !c.late(since, now) {
			consider(since)
		}
	}
	return oldest, oldest <= now
}

// countsOpaque says whether an opaque exchange of c will be delivered as such.
// Behind an upgrade, directions change without being questions and answers.
func (c *connection) countsOpaque() bool {
	return c.table.options.Opaque && c.known() && !c.upgraded
}

// late says that bytes since then cannot become an exchange any more.
func (c *connection) late(since, now uint64) bool {
	return now >= since+uint64(c.table.options.ExchangeTimeout)
}
