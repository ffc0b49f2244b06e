package join

import "github.com/otelcol-custom/otelcol-custom/internal/evidence"

// hostPair is two hosts, the one with the lower id first.
type hostPair struct{ a, b uint64 }

// maxClocks bounds the pairs of hosts whose clocks are compared.
const maxClocks = 65536

// clock is what is known of how far the clocks of two hosts are apart. Each request
// from one to the other says: it was read after it was written and answered before
// the answer was read. The narrowest of the last few such bounds counts, as in the
// clock filter of NTP (RFC 5905, section 10).
type clock struct {
	bounds [clockSamples]bound
	n      int   // bounds so far
	used   int64 // when the last one came, ns
}

const clockSamples = 16

// bound is a range for how far the second host's clock is ahead of the first's. ns.
type bound struct{ low, high int64 }

func (b bound) width() int64  { return max(b.high-b.low, 0) }
func (b bound) turned() bound { return bound{-b.high, -b.low} }

// estimate returns how far the second clock is ahead, and the doubt about it. ns.
func (c *clock) estimate() (offset, doubt int64) {
	best := c.bounds[0]
	for _, b := range c.bounds[:min(c.n, clockSamples)] {
		if b.width() < best.width() {
			best = b
		}
	}
	return best.low + (best.high-best.low)/2, best.width() / 2
}

// learn takes a further bound. It reports whether that contradicts what was known: a
// clock has been set, and all that was known is forgotten.
func (c *clock) learn(b bound) (set bool) {
	if c.n > 0 {
		offset, doubt := c.estimate()
		if set = b.low-clockSlack > offset+doubt || b.high+clockSlack < offset-doubt; set {
			c.n = 0
		}
	}
	c.bounds[c.n%clockSamples] = b
	c.n++
	if c.n == 2*clockSamples { // counted no further than is told apart
		c.n = clockSamples
	}
	return set
}

// compareClocks learns from two ends of one request on two hosts, and notes on the
// server's span how far its clock is ahead of the caller's, if that is more than the
// doubt about it.
func (a *Assembler) compareClocks(client, server *Span) {
	from, to := client.Process.host, server.Process.host
	p, b := hostPair{from.id, to.id}, bound{server.End - client.End, server.Start - client.Start}
	if from.id > to.id {
		p, b = hostPair{to.id, from.id}, b.turned()
	}
	c := a.clocks[p]
	if c == nil {
		if !a.roomForClock() {
			return
		}
		c = &clock{}
		a.clocks[p] = c
	}
	c.used = a.now
	if c.learn(b) {
		a.Counts.Steps++
	}
	if offset, doubt, _ := a.skew(from, to); max(offset, -offset) > doubt+clockSlack {
		server.Data.Attributes().PutInt(evidence.KeyClockSkew, offset)
	}
}

func (a *Assembler) roomForClock() bool {
	return roomFor(&a.rooms.clocks, a.clocks, maxClocks, a.now, func(c *clock) int64 { return c.used }, &a.Counts.Clocks)
}

// skew returns how far the clock of one host is ahead of that of another, the doubt
// about it, and whether anything is known. ns.
func (a *Assembler) skew(from, to *host) (offset, doubt int64, known bool) {
	if from == to {
		return 0, 0, true
	}
	p := hostPair{min(from.id, to.id), max(from.id, to.id)}
	c := a.clocks[p]
	if c == nil {
		return 0, 0, false
	}
	offset, doubt = c.estimate()
	if from.id > to.id {
		offset = -offset
	}
	return offset, doubt, true
}
