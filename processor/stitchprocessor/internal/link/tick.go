package link

import (
	"math/bits"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// tickKind (E8): an event loop wrote the call because of what it had read: the last
// read of the same turn (lag 0: nginx, Node), or the read at the same place in
// the order of the previous turn (lag 1: asyncio). A connect counts as the output
// that it leads to. Which lag a loop has is not guessed: both models run, every
// reply tells each whether it was right, and only a model that is right in 98 of 100
// replies makes claims. Measured: 61,775 right, 621 wrong, all of them in programs
// with timers or gather, where the check silences it.
var tickKind = Kind{Name: "tick", Class: Before, Trust: window.Likely, Precision: measured(61775, 621)}

// tickReplyKind is the other direction: the loop wrote the reply of the request because
// of the reply of the call that it had read. In the same turn with nothing
// between it is what repliesAfterRead says.
var tickReplyKind = Kind{Name: "tick_reply", Class: After, Trust: window.Likely, Precision: measured(61775, 621)}

// tickOrderKind (E6=): both directions, found independently, name the same request:
// what was read led to the call, and the call's reply led to the reply of that
// request. Measured: 20,995 right, 15 wrong.
var tickOrderKind = Kind{Name: "tick_order", Class: Owner, Trust: window.Decisive, Precision: measured(20995, 15)}

// lag is the model of an event loop whose outputs come 0 or 1 turns after the reads
// that caused them.
type lag struct {
	index  int    // 0 or 1
	checks uint64 // last outcomes, 1: wrong; newest in bit 0
	n      int    // outcomes, at most 64

	// Lag 0.
	last *window.Message // read of this turn

	// Lag 1.
	reads, previous  []*window.Message // of this turn, of the one before
	outputs          []event
	gap, gapPrevious bool
}

const (
	maxChecks = 64
	minChecks = 16
	// minPlausible is the outcomes that both directions need to be believed together.
	minPlausible = 4
	maxPerTurn   = 4096
)

func (g *lag) check(right bool) {
	g.checks <<= 1
	if !right {
		g.checks |= 1
	}
	g.n = min(g.n+1, maxChecks)
}

// score is what a claim of this model is worth: nothing until replies have shown that
// it fits, and nothing once more than 2 % of them contradict.
func (g *lag) score() float64 {
	wrong := bits.OnesCount64(g.checks)
	if g.n < minChecks {
		if wrong > 0 {
			return 0
		}
		return 0.8
	}
	if wrong*50 > g.n {
		return 0
	}
	return min(float64(g.n-wrong+1)/float64(g.n+2), tickKind.Precision)
}

// plausible reports whether both directions agreeing is more than chance: a model that
// is often wrong agrees with itself by chance, too.
func (g *lag) plausible() bool {
	return g.n >= minPlausible && bits.OnesCount64(g.checks)*10 <= g.n
}

// ---- lag 0: an output belongs to the last read of its turn -------------------

func (g *lag) readLast(m *window.Message) { g.last = m }

func (g *lag) turn0() { g.last = nil }

func (g *lag) broken0() { g.last = nil }

func (g *lag) output0(l *Linker, e *event) {
	if g.last == nil {
		return
	}
	g.pair(l, g.last, e)
	if e.node.Server {
		g.last = nil // a read leads to one reply, but maybe to many calls
	}
}

// ---- lag 1: outputs follow in the order of the reads of the turn before ------

func (g *lag) read(m *window.Message) {
	if len(g.reads) == maxPerTurn {
		g.gap = true
		return
	}
	g.reads = append(g.reads, m)
}

// output1 takes an output. What is due to the turn before comes first in a turn: an
// output after a read is of a loop without lag.
func (g *lag) output1(e *event) {
	if len(g.reads) > 0 || len(g.outputs) == maxPerTurn {
		g.gap = true
		return
	}
	g.outputs = append(g.outputs, *e)
}

func (g *lag) broken1() { g.gap = true }

// turn1 pairs the outputs of the turn that ends with the reads of the one before,
// if there are as many: each read has led to one output, then.
func (g *lag) turn1(l *Linker, following bool) {
	if !g.gap && !g.gapPrevious && len(g.outputs) == len(g.previous) {
		for i := range g.outputs {
			g.pair(l, g.previous[i], &g.outputs[i])
		}
	}
	clear(g.outputs)
	clear(g.previous)
	g.previous, g.reads = g.reads, g.previous[:0]
	g.outputs = g.outputs[:0]
	g.gapPrevious, g.gap = g.gap, false
	if !following {
		clear(g.previous)
		g.previous = g.previous[:0]
	}
}

// ---- both --------------------------------------------------------------------

// pair: the model says that the read led to the output.
func (g *lag) pair(l *Linker, read *window.Message, e *event) {
	from, to := read.Node, e.node
	switch {
	case from.Server && to.Server:
		g.check(from == to)
	case from.Server:
		to.Note.Labels[g.index] = from
		g.claim(l, to, window.Claim{Parent: from, Kind: Tick, Trust: tickKind.Trust})
	case !to.Server:
		to.Note.Labels[g.index] = from.Note.Labels[g.index]
		to.Note.Previous[g.index] = from
		if to.ConnID != from.ConnID { // else it may have waited for the connection
			g.claim(l, to, window.Claim{Sibling: from, Kind: Tick, Trust: tickKind.Trust})
		}
	default:
		g.replied(l, from, to)
	}
}

// maxChain bounds the calls of one request that are confirmed at once.
const maxChain = 256

// replied: the reply of a call led to the reply of a request. If the model has said
// before that the call belongs to it, the whole chain of calls is confirmed.
func (g *lag) replied(l *Linker, call, request *window.Node) {
	label := call.Note.Labels[g.index]
	if label != nil {
		g.check(label == request)
	}
	if label != request || !g.plausible() {
		g.claim(l, call, window.Claim{Parent: request, Kind: TickReply, Trust: tickReplyKind.Trust})
		return
	}
	for i := 0; call != nil && i < maxChain; i++ {
		if call.Note.Labels[g.index] == request {
			l.toParent(call, request, TickOrder)
		}
		call = call.Note.Previous[g.index]
	}
}

func (g *lag) claim(l *Linker, call *window.Node, c window.Claim) {
	if c.Score = g.score(); c.Score > 0 {
		l.claim(call, c)
	}
}
