package link

import (
	"slices"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// cadenceKind: an event loop writes such a call always so many turns after it has read such a
// request, or such a reply. Coroutines that wait for each other go on one turn after the
// other, so from what is read to what comes of it lie as many turns each time (asyncio 1,
// with gather 2, aiohttp's client 3, with a new connection 10), however long a turn takes and
// whatever else is done in it. None of that is assumed: it is found out, see beat. What timers do,
// or what waited for something else, has no cadence. Measured: 17,285 right, 0 wrong.
var cadenceKind = Kind{Name: "cadence", Class: Before, Trust: window.Likely, Precision: measured(17285, 0)}

// cadenceReplyKind is the other direction: the loop writes the replies of such requests always so
// many turns after it has read the reply of such a call. Measured: 12,371 right, 0 wrong.
var cadenceReplyKind = Kind{Name: "cadence_reply", Class: After, Trust: window.Likely, Precision: measured(12371, 0)}

const (
	// maxCadence is how many turns may lie between, turnRing how many are remembered.
	maxCadence, turnRing = 12, 16
	// maxBeats bounds the kinds of outputs of a loop, maxTraffic the kinds of reads of one turn,
	// maxTurnReads its reads and its outputs of a kind.
	maxBeats, maxTraffic, maxTurnReads = 24, 16, 512
	// cadenceGrace is for how long after its end a call waits for the turns that tell. Unix ns.
	cadenceGrace = int64(100e6)
)

// cadence counts the turns of one event loop from what it reads to what it writes.
type cadence struct {
	since uint32 // all turns from this one on are whole
	torn  bool   // something is missing in this turn
	turns [turnRing]turnReads
	beats table[traffic, beat]
	now   []*beat // that have outputs in this turn
	full  int     // what was beyond the limits
}

// traffic is a kind of messages of a loop: of requests and their replies, or of calls and theirs.
type traffic struct {
	operation uint64
	server    bool
	dials     bool // the call opened a connection, which is an output of its own
}

// trafficOf is what a node is part of.
func trafficOf(n *window.Node) traffic { return traffic{operation: n.Operation, server: n.Server} }

// turnReads is what was read in one turn.
type turnReads struct {
	tick  uint32
	nodes []*window.Node
	kinds []counted
}

type counted struct {
	of traffic
	n  int
}

func (t *turnReads) begin(tick uint32) {
	clear(t.nodes)
	t.tick, t.nodes, t.kinds = tick, t.nodes[:0], t.kinds[:0]
}

// add reports false if there is no room.
func (t *turnReads) add(n *window.Node) bool {
	if len(t.nodes) == maxTurnReads {
		return false
	}
	of := trafficOf(n)
	i := slices.IndexFunc(t.kinds, func(k counted) bool { return k.of == of })
	if i < 0 {
		if i = len(t.kinds); i == maxTraffic {
			return false
		}
		t.kinds = append(t.kinds, counted{of: of})
	}
	t.kinds[i].n++
	t.nodes = append(t.nodes, n)
	return true
}

// count returns how much was read of a kind.
func (t *turnReads) count(of traffic) int {
	for i := range t.kinds {
		if t.kinds[i].of == of {
			return t.kinds[i].n
		}
	}
	return 0
}

// at returns what was read in a turn, or nil.
func (c *cadence) at(tick uint32) *turnReads {
	if t := &c.turns[tick%turnRing]; t.tick == tick {
		return t
	}
	return nil
}

// read takes what the loop reads in turn tick.
func (c *cadence) read(tick uint32, n *window.Node) {
	t := &c.turns[tick%turnRing]
	if t.tick != tick {
		t.begin(tick)
	}
	if !t.add(n) {
		c.full++
		c.broken(tick)
	}
}

// output takes what the loop writes.
func (c *cadence) output(e *event) {
	of := trafficOf(e.node)
	of.dials = e.message == nil
	b := c.beats.meet(of)
	switch {
	case b == nil:
	case len(b.out) == maxTurnReads:
		c.full++
		c.torn = true
	default:
		if len(b.out) == 0 {
			b.of = of
			c.now = append(c.now, b)
		}
		b.out = append(b.out, e.node)
	}
}

// broken: something is missing in turn tick.
func (c *cadence) broken(tick uint32) { c.since, c.torn = tick+1, true }

// turn ends turn tick.
func (c *cadence) turn(l *Linker, tick uint32) {
	whole := !c.torn && c.since+maxCadence <= tick
	for _, b := range c.now {
		if whole {
			if len(b.ways) > 0 {
				c.pair(l, b, tick)
			}
			c.learn(b, tick)
		}
		clear(b.out)
		b.out = b.out[:0]
	}
	clear(c.now)
	c.now, c.torn = c.now[:0], false
}

// pair gives what is written to what was read, in order, if it can have come about in one way only
// and is as much.
func (c *cadence) pair(l *Linker, b *beat, tick uint32) {
	out := b.out
	var from *turnReads
	var of traffic
	for _, way := range b.ways {
		t := c.at(tick - way.lag)
		switch {
		case t == nil:
		case b.of.server && way.source.server: // their own requests were read then
			out = slices.DeleteFunc(slices.Clone(out), func(r *window.Node) bool { return slices.Contains(t.nodes, r) })
		case t.count(way.source) > 0:
			if from != nil {
				return
			}
			from, of = t, way.source
		}
	}
	if from == nil || from.count(of) != len(out) {
		return
	}
	if !b.of.server && !of.server && b.waits(from, of) {
		return
	}
	i := 0
	for _, n := range from.nodes {
		if trafficOf(n) == of {
			b.claim(l, n, out[i])
			i++
		}
	}
}

// waits reports whether such calls mostly go out on the connections that the replies which they follow
// made free: they may be of whoever waited for one.
func (b *beat) waits(from *turnReads, of traffic) bool {
	for _, c := range b.out {
		b.freed.check(!slices.ContainsFunc(from.nodes, func(n *window.Node) bool {
			return trafficOf(n) == of && n.ConnID == c.ConnID
		}))
	}
	return b.freed.wrong()*2 > b.freed.n
}

// claim claims that to came of from.
func (b *beat) claim(l *Linker, from, to *window.Node) {
	call, claim := to, window.Claim{Kind: Cadence}
	switch {
	case from.Process == nil || to.Process == nil:
		return
	case to.Server:
		call, claim = from, window.Claim{Parent: to, Kind: CadenceReply}
	case from.Server:
		claim.Parent = from
	case from.ConnID == to.ConnID:
		return
	default:
		claim.Sibling = from
	}
	claim.Score, claim.Trust = min(b.score, kinds[claim.Kind].Precision), kinds[claim.Kind].Trust
	if earned, _ := l.trust.earned(claim.Kind); earned == 0 {
		claim.Score = 0
	}
	l.claim(call, claim)
}

// compareCadence compares with the decision on a call what the turns of its loops said of it.
func (l *Linker) compareCadence(call *window.Node) {
	for _, claim := range call.Claims {
		if claim.Kind == Cadence || claim.Kind == CadenceReply {
			l.trust.judge(call, claim)
		}
	}
}

// waitForCadence returns until when the decision on a call is put off because the turns of its
// loops may tell.
func (l *Linker) waitForCadence(c *window.Node) int64 {
	of := trafficOf(c)
	if c.Response.Loop() && l.loops.of[c.Response.TID].goesOn(of) {
		return c.End + cadenceGrace
	}
	if l.hasCadence(c) {
		return c.End + cadenceGrace
	}
	return 0
}

// hasCadence reports whether it is known how calls like c come about in its loop, on a connection
// that is open or that they open.
func (l *Linker) hasCadence(c *window.Node) bool {
	if !c.Request.Loop() {
		return false
	}
	lp, of := l.loops.of[c.Request.TID], trafficOf(c)
	return lp.writes(of) || lp.writes(traffic{operation: of.operation, dials: true})
}

// writes reports whether it is known how such outputs come about.
func (lp *loop) writes(of traffic) bool {
	if lp == nil {
		return false
	}
	b := lp.cadence.beats.get(of)
	return b != nil && len(b.ways) > 0
}

// goesOn reports whether such reads are known to lead to outputs.
func (lp *loop) goesOn(of traffic) bool {
	if lp == nil {
		return false
	}
	for _, k := range lp.cadence.beats.of {
		if slices.ContainsFunc(k.it.ways, func(g guess) bool { return g.source == of }) {
			return true
		}
	}
	return false
}
