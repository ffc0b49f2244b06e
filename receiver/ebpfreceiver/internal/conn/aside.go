package conn

import "github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"

// An aside is what a protocol says beside its requests and responses: the start
// of a session, say. It is delivered like an exchange that could not be read,
// so that the I/O of the thread is accounted for: between two messages of a
// thread an I/O that belongs to nothing looks like one that was lost.

// addAside takes the message under way in direction d, which is an aside.
func (c *connection) addAside(d event.Direction) {
	switch {
	case !c.known():
		c.discard(d)
	case d == c.requests():
		c.askAside(d)
	case c.aside == nil:
		c.discard(d)
	default:
		c.half[d].stream.Cut(&c.aside.Response)
		c.finishAside(Answered, c.aside.Response.End)
	}
}

func (c *connection) askAside(d event.Direction) {
	if c.aside != nil {
		c.finishAside(Lost, c.aside.Request.End)
	}
	e := c.newExchange(nil)
	e.beside = true
	c.half[d].stream.Cut(&e.Request)
	c.aside = e
}

// finishAside delivers the aside under way.
func (c *connection) finishAside(outcome Outcome, end uint64) {
	e := c.aside
	c.aside = nil
	c.finish(e, outcome, end)
}
