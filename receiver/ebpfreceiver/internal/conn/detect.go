package conn

import (
	"math/bits"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// detect looks for the protocol in what direction d offers, and goes on with it
// once it is found.
func (c *connection) detect(d event.Direction) {
	h := &c.half[d]
	if h.blind {
		h.stream.Drop()
		return
	}
	data, missing := h.stream.Next()
	if len(data) == 0 && missing == 0 {
		return
	}
	var found int
	var verdict protocol.Verdict
	if c.known() {
		found, verdict = c.candidate(c.sender(d), data)
	} else {
		found, verdict = c.candidateOfEither(d, data)
	}
	switch {
	case verdict == protocol.Yes:
		c.adopt(found)
	case verdict == protocol.No || missing > 0:
		c.reject(d)
	}
}

// candidate asks every protocol that may still fit. Those that say No are out.
func (c *connection) candidate(dir protocol.Direction, data []byte) (int, protocol.Verdict) {
	for set := c.candidates; set != 0; set &= set - 1 {
		i := bits.TrailingZeros64(set)
		switch c.table.options.Protocols[i].Detect(dir, data) {
		case protocol.Yes:
			return i, protocol.Yes
		case protocol.No:
			c.candidates &^= 1 << i
		}
	}
	if c.candidates == 0 {
		return 0, protocol.No
	}
	return 0, protocol.Unsure
}

// candidateOfEither asks both ways while nobody knows who asks and who answers. A
// protocol that sees its request, and could not take it for a response, or the
// other way round, settles the role as well.
func (c *connection) candidateOfEither(d event.Direction, data []byte) (int, protocol.Verdict) {
	verdict := protocol.No
	for set := c.candidates; set != 0; set &= set - 1 {
		i := bits.TrailingZeros64(set)
		p := &c.table.options.Protocols[i]
		asks, answers := p.Detect(protocol.FromClient, data), p.Detect(protocol.FromServer, data)
		switch {
		case asks == protocol.Yes && answers == protocol.No:
			c.settle(d == event.Ingress)
			return i, protocol.Yes
		case answers == protocol.Yes && asks == protocol.No:
			c.settle(d == event.Egress)
			return i, protocol.Yes
		case asks != protocol.No || answers != protocol.No:
			verdict = protocol.Unsure
		}
	}
	return 0, verdict
}

func (c *connection) settle(server bool) {
	c.info.Role = event.RoleClient
	if server {
		c.info.Role = event.RoleServer
	}
}

// adopt begins to parse. What the client said comes before what the server said.
func (c *connection) adopt(i int) {
	p := &c.table.options.Protocols[i]
	c.parser = p.New(c.table.options.Parser)
	c.candidates &^= 1 << i // in case it turns out not to fit
	c.phase = parsing
	c.parse(c.requests())
	if c.phase == parsing {
		c.parse(c.responses())
	}
}

// reject gives up on the run in direction d. A connection that was followed from
// its first byte speaks no protocol we know; any other may have been met in the
// middle of a message and is tried again.
func (c *connection) reject(d event.Direction) {
	c.tries++
	c.parser = nil
	if c.candidates == 0 && c.synced || c.tries >= maxTries {
		c.goOpaque()
		return
	}
	if c.candidates == 0 {
		c.candidates = c.table.candidates
	}
	c.phase = detecting
	c.half[d].blind = true
	c.half[d].stream.Drop()
}

// undecided gives up on the first runs of both directions: the one in d, and the
// one after it.
func (c *connection) undecided(d event.Direction) {
	for _, dir := range [...]event.Direction{d, 1 - d} {
		if c.phase == detecting && !c.half[dir].blind {
			c.candidates = 0
			c.reject(dir)
		}
		c.endRun(dir)
	}
}

// goOpaque tells messages by change of direction from now on, beginning with
// what has not been passed yet.
func (c *connection) goOpaque() {
	c.phase, c.parser = opaque, nil
	for _, d := range [...]event.Direction{1 - c.turned, c.turned} {
		h := &c.half[d]
		h.blind = true
		h.stream.Drop()
		if d != c.turned {
			c.endRun(d)
		}
	}
}

// unread says whether direction d holds bytes that no protocol has recognised.
func (c *connection) unread(d event.Direction) bool {
	data, missing := c.half[d].stream.Next()
	return len(data) > 0 || missing > 0
}
