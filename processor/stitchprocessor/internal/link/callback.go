package link

import "github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"

// callbacks is the model of a loop that does at once what a read leads to, as
// nginx and Node do: an output belongs to the last read of its turn, unless it goes out
// on the connection which that read made free, and others wait for one.
//
// Timers have their turn when all that could be read has been. What is written
// before the last read of a turn is not theirs, therefore, and is judged apart.
type callbacks struct {
	reads   []*window.Message // messages of the last I/O of this turn: mostly one
	outputs []event           // since then, but for those of the queue
	free    *window.Message   // reply after which nothing was written on its connection yet
	queue   queue
	unread  bool // nothing has been read in this turn
}

// read takes what the loop has read.
func (c *callbacks) read(l *Linker, g *lag, m *window.Message) {
	c.unread = false
	if n := len(c.reads); n > 0 && n < maxPerTurn && c.reads[0].IO == m.IO && c.reads[0].Node.ConnID == m.Node.ConnID {
		c.reads = append(c.reads, m)
		return
	}
	c.settle(l, g, direct)
	c.reads = append(c.reads, m)
	if !m.Node.Server {
		c.free = m
	}
}

// settle ends the time in which outputs belong to the last read. how says what
// is known of them.
func (c *callbacks) settle(l *Linker, g *lag, how certainty) {
	switch {
	case len(c.outputs) == 0:
		for _, m := range c.reads {
			c.queue.add(m)
		}
	case len(c.reads) == 1:
		c.pairAll(l, g, how)
	case len(c.reads) == len(c.outputs):
		for i := range c.outputs {
			g.pair(l, c.reads[i], &c.outputs[i], how)
		}
	}
	if c.free != nil {
		c.queue.empty(c.free.Node.Peer)
	}
	c.forget()
}

// pairAll gives the outputs to the only read. It leads to one reply at most.
func (c *callbacks) pairAll(l *Linker, g *lag, how certainty) {
	read := c.reads[0]
	var before *window.Node
	for i := range c.outputs {
		e := &c.outputs[i]
		g.pair(l, read, e, how)
		if e.node.Server {
			return
		}
		if how == late && read.Node.Server {
			e.node.Turned().Prompt = uint8(min(i+1, 2))
			l.prompts.linked(e.node)
		}
		e.node.Turned().Before, before = before, e.node
		if e.node.ConnID != read.Node.ConnID {
			c.queue.learn(read, e.node.Peer)
		}
	}
}

func (c *callbacks) forget() {
	clear(c.reads)
	clear(c.outputs)
	c.reads, c.outputs, c.free = c.reads[:0], c.outputs[:0], nil
}

func (c *callbacks) output(l *Linker, g *lag, e *event) {
	switch {
	case e.node.Server:
		c.queue.replied(e.node)
		g.asked.check(!c.unread)
	case e.message == nil:
	case c.free != nil && c.free.Node.ConnID == e.node.ConnID:
		freed := c.free.Node
		c.free = nil
		if c.next(g, freed, e.node) {
			return
		}
	default:
		c.queue.empty(e.node.Peer) // there was a free connection
	}
	switch {
	case len(c.reads) == 0:
		if c.unread && !e.node.Server {
			e.node.Turned().Timed = true
			l.prompts.linked(e.node)
		}
	case len(c.outputs) == maxPerTurn:
		g.full++
	default:
		c.outputs = append(c.outputs, *e)
	}
}

// next takes a call on the connection of another one, which has become free, to whoever
// waits for it.
func (c *callbacks) next(g *lag, freed, call *window.Node) bool {
	if greeting(freed) {
		return false
	}
	m, sure := c.queue.take(call)
	if m == nil {
		return false
	}
	if sure {
		g.label(m.Node, call, queued)
	}
	return true
}

// greeting reports whether an exchange is what opens a connection: those who open one
// get it when that is done.
func greeting(n *window.Node) bool { return n.Ordinal == 0 && n.Opaque && n.Connect != nil }
