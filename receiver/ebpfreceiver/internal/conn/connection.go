package conn

import (
	"container/list"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/stream"
)

// phase says how far the protocol of a connection is known.
type phase uint8

const (
	detecting phase = iota
	parsing         // parser is set
	opaque          // told by change of direction alone
)

// half is one direction of a connection.
type half struct {
	stream stream.Stream
	// blind passes over everything up to the next change of direction.
	blind bool
	// message is complete but for bytes that have yet to arrive.
	message *protocol.Message
	// request is the exchange that message opened. opened stays true when that
	// could not be, or when the exchange ended before the request did.
	request *Exchange
	opened  bool
	holes   uint32 // of stream, as of the last look
}

// connection is the state of one connection. It is touched by the methods of
// Table only.
type connection struct {
	table   *Table
	info    event.Conn
	texts   [2]string     // local and remote address
	element *list.Element // in Table.order
	busy    int           // place in Table.busy, from 1; zero: not there
	pid     uint32        // of the last I/O
	active  uint64        // time of the last I/O
	half    [2]half       // by event.Direction

	phase      phase
	parser     protocol.Parser
	candidates uint64 // bit set: Options.Protocols that may still fit
	tries      uint8  // failures to recognise the protocol, or to follow it
	spoken     bool   // the parser has returned a message
	seen       bool   // its accept or connect was
	synced     bool   // followed from the first byte
	upgraded   bool   // the protocol ended here by itself

	pending  pending
	aside    *Exchange // waits for its answer, beside the pending ones
	ordinal  uint32
	anchored bool // requests and responses are known to be in step
	strayed  bool // they may have got out of step
	odd      bool // something did not fit since the last turn
	muted    bool // too many wait: requests are forgotten until none does
	ignored  bool

	started  bool            // there was I/O
	arrived  event.Direction // of the last record
	turned   event.Direction // of the last bytes looked at
	holding  uint8           // ticks for which a reply still waits for its request
	heldTime uint64          // end of the read that waits

	closing     bool
	errno       uint32
	closed      uint64
	unconnected bool // connect had not succeeded when it closed

	retransmits uint32 // that no exchange tells of so far
}

// known says whether the role is.
func (c *connection) known() bool { return c.info.Role != event.RoleUnknown }

// sender says whose bytes direction d carries. The role must be known.
func (c *connection) sender(d event.Direction) protocol.Direction {
	if (d == event.Ingress) == (c.info.Role == event.RoleServer) {
		return protocol.FromClient
	}
	return protocol.FromServer
}

// requests returns the direction that carries requests, responses the other. The
// role must be known.
func (c *connection) requests() event.Direction {
	if c.info.Role == event.RoleServer {
		return event.Ingress
	}
	return event.Egress
}

func (c *connection) responses() event.Direction { return 1 - c.requests() }

// segment takes one I/O record.
func (c *connection) segment(io *event.IO, lossy bool) {
	d := io.Direction
	if !c.started {
		c.first(io, lossy)
	} else {
		c.checkHead(d, io)
	}
	c.arrived = d
	switch {
	case c.mustHold(io):
		c.holding, c.heldTime = holdTicks, io.Exit
	case c.holding > 0 && d == c.requests() && io.Enter > c.heldTime:
		c.release() // that reply came before this request was written
	}
	hold := c.holding > 0 && d == c.responses()
	if !hold {
		c.turn(d)
	}
	arrived := c.half[d].stream.Push(io, lossy)
	c.checkHoles(d)
	if !arrived || hold {
		return
	}
	c.read(d)
	if c.holding > 0 {
		c.release()
	}
}

// first decides whether the connection is followed from its first byte.
func (c *connection) first(io *event.IO, lossy bool) {
	c.started = true
	c.arrived, c.turned = io.Direction, io.Direction
	c.synced = c.seen && io.Flags&event.First != 0 && !lossy
	c.anchored = c.synced
}

// checkHead compares what the kernel side says of the change of direction with
// what arrived here.
func (c *connection) checkHead(d event.Direction, io *event.IO) {
	head := io.Flags&event.Head != 0
	switch s := &c.half[d].stream; {
	case head && c.arrived == d && s.Continues(io.Seq):
		c.lostTurn(d)
	case !head && c.arrived != d && !s.Started():
		c.doubt() // something came before it
	}
}

// mustHold says that io is a reply while nothing was asked. Where one thread
// writes requests and another reads replies, the record of the read may overtake
// that of the write: the reply then waits a little.
func (c *connection) mustHold(io *event.IO) bool {
	return c.info.Role == event.RoleClient && io.Direction == event.Ingress && c.holding == 0 &&
		c.pending.len() == 0 && c.half[event.Egress].stream.Idle() && c.half[event.Ingress].stream.Idle()
}

func (c *connection) release() {
	c.holding = 0
	c.turn(c.responses())
	c.read(c.responses())
}

// read goes on with direction d, in which bytes have arrived.
func (c *connection) read(d event.Direction) {
	switch c.phase {
	case detecting:
		c.detect(d)
	case parsing:
		c.parse(d)
	case opaque:
		c.half[d].stream.Drop()
	}
}

// turn ends what a change of direction to d ends. What is there of direction d
// comes from an earlier run.
func (c *connection) turn(d event.Direction) {
	if c.turned == d {
		return
	}
	if c.phase == detecting && c.unread(d) {
		c.undecided(d)
	}
	c.turned = d
	if c.half[1-d].blind {
		c.endRun(1 - d)
	}
	if c.known() && d == c.requests() {
		c.anchor()
	}
}

// anchor looks, at a turn towards the server, whether requests and responses are
// in step: nothing waits, and nothing was odd since the turn before. As long as
// they are known not to be, what waits is not answered any more.
func (c *connection) anchor() {
	inStep := c.pending.len() == 0 && !c.odd && c.ordinal > 0 &&
		!c.half[0].stream.Waiting() && !c.half[1].stream.Waiting()
	c.odd = false
	switch {
	case inStep:
		c.anchored, c.strayed = true, false
	case c.strayed && c.phase == parsing:
		c.endRun(c.responses())
	}
	if c.pending.len() == 0 {
		c.muted = false
	}
}

// checkHoles doubts everything when direction d has given up on a segment.
func (c *connection) checkHoles(d event.Direction) {
	if n := c.half[d].stream.Lost(); n != c.half[d].holes {
		c.half[d].holes = n
		c.doubt()
	}
}

// stray notes that messages after those that wait may be missing.
func (c *connection) stray() { c.strayed, c.odd, c.anchored = true, true, false }

// doubt notes that messages are missing, so that what waits may get the response
// of another request.
func (c *connection) doubt() {
	c.stray()
	for _, e := range c.pending.all() {
		e.Lossy = true
	}
}

// lostTurn accounts for a record that begins a run in direction d although the
// one before it had the same direction: the run between them was lost.
func (c *connection) lostTurn(d event.Direction) {
	c.table.stats.LostTurns++
	c.doubt()
	if c.half[d].blind {
		c.endRun(d)
	}
	if c.half[1-d].blind || c.phase == parsing {
		c.endRun(1 - d)
	}
	if c.known() && d == c.requests() {
		c.forget()
	}
}
