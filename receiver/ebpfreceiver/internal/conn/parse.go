package conn

import (
	"errors"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// parse offers the bytes of direction d to the parser until it wants more.
func (c *connection) parse(d event.Direction) {
	h := &c.half[d]
	for c.phase == parsing {
		if h.stream.Behind() > 0 {
			return
		}
		if h.message != nil {
			c.endMessage(d, h.message)
			continue
		}
		if h.blind {
			h.stream.Drop()
			return
		}
		data, missing := h.stream.Next()
		if len(data) > 0 && c.step(d, data) {
			continue
		}
		if c.phase != parsing || missing == 0 || h.blind {
			break
		}
		c.gap(d, int64(len(data))+missing, missing)
	}
	if c.phase == opaque || h.blind {
		h.stream.Drop()
	}
}

// step lets the parser read and reports whether it got on.
func (c *connection) step(d event.Direction, data []byte) bool {
	h := &c.half[d]
	s, err := c.parser.Parse(c.sender(d), data)
	switch {
	case err != nil:
		c.fail(d, err)
		return false
	case s.Opaque:
		c.upgraded = true
		c.goOpaque()
		return false
	}
	h.stream.Advance(int64(s.Consumed) + s.Skip)
	if s.Message != nil {
		c.spoken, c.tries = true, 0
		h.message = s.Message
		if s.Message.Kind == protocol.Request {
			h.request, h.opened = c.open(d, s.Message), true
		}
	}
	return s.Consumed > 0 || s.Skip > 0 || s.Message != nil
}

// fail acts on an error of the parser.
func (c *connection) fail(d event.Direction, err error) {
	switch {
	case !errors.Is(err, protocol.ErrNotThisProtocol):
		c.lose(d)
	case !c.spoken:
		c.reject(d)
	case c.tries+1 >= maxTries:
		c.goOpaque()
	default:
		c.tries++
		c.lose(d)
	}
}

// lose goes blind in direction d up to the next change of direction.
func (c *connection) lose(d event.Direction) {
	c.table.stats.LostFrames++
	if c.pending.len() > 1 {
		c.stray()
	}
	c.half[d].blind = true
}

// gap passes over n bytes of direction d: what the parser could not use, and the
// missing bytes behind it.
func (c *connection) gap(d event.Direction, n, missing int64) {
	h := &c.half[d]
	fresh := h.stream.HeadAfter(n) // what follows begins a run, so the hole ends one
	if fresh && !h.stream.Begun() && n == missing {
		c.doubt()
		h.stream.Advance(n)
		c.discard(d)
		return
	}
	h.stream.Advance(n)
	if c.parser.Gap(c.sender(d), int(n)) {
		return
	}
	c.lose(d)
	if fresh {
		c.endRun(d)
	}
}
