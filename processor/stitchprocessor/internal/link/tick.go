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
// that caused them. That of the former is callbacks.
type lag struct {
	index  int // 0 or 1
	proven [certainties]outcomes
	asked  outcomes // without a lag: whether something had been read in the turns in which it replied
	queue  *queue   // of callbacks, nil with a lag

	reads, previous  []*window.Message // of this turn, of the one before
	outputs          []event
	gap, gapPrevious bool
	full             int // reads and outputs beyond maxPerTurn
}

// maxPerTurn bounds the reads and the outputs of one turn.
const maxPerTurn = 4096

// certainty is what a pair of read and output rests on, and a chain of them on its
// worst one. Each has its own record.
type certainty = uint8

const (
	direct  certainty = iota // the output came before another read of its turn
	late                     // nothing was read after it in its turn: it may be a timer's
	ordered                  // the order of the turn before says so
	queued                   // it had to wait for a connection
	certainties
)

// outcomes are how often a model was right of late.
type outcomes struct {
	checks uint64 // 1: wrong; newest in bit 0
	n      int    // at most 64
}

const (
	maxChecks = 64
	minChecks = 16
	// minPlausible is the outcomes that both directions need to be believed together.
	minPlausible = 4
)

func (o *outcomes) check(right bool) {
	o.checks <<= 1
	if !right {
		o.checks |= 1
	}
	o.n = min(o.n+1, maxChecks)
}

func (o *outcomes) wrong() int { return bits.OnesCount64(o.checks) }

// score is what a claim of this model is worth: at first what it is worth elsewhere,
// which alone is not enough but for direct outputs, and nothing once more than 2 %
// of the replies contradict.
func (o *outcomes) score(how certainty) float64 {
	wrong := o.wrong()
	if o.n < minChecks && wrong > 0 || wrong*50 > o.n {
		return 0
	}
	return min(max(float64(o.n-wrong+1)/float64(o.n+2), atFirst[how]), tickKind.Precision)
}

// atFirst is what a pair is worth before any reply has told whether it is right: too
// little for a parent, but for direct ones. Measured for replies: 104 right, 3 wrong.
var atFirst = [certainties]float64{direct: 0.95, late: 0.88, ordered: 0.88}

// plausible reports whether both directions agreeing is more than chance: a model that
// is mostly wrong agrees with itself by chance, too.
func (o *outcomes) plausible() bool {
	return o.n >= minPlausible && !o.mostlyWrong()
}

// defers reports whether m was written by a loop that has proved to write what reads lead to in other
// turns, or after other reads of the same one.
func (ls *loops) defers(m *window.Message) bool {
	if !m.Loop() {
		return false
	}
	lp := ls.of[m.TID]
	if lp == nil {
		return false
	}
	g := &lp.lags[0]
	return g.asked.mostlyWrong() || g.proven[direct].mostlyWrong()
}

// score is what a claim of this model is worth.
func (g *lag) score(how certainty) float64 {
	if g.asked.mostlyWrong() {
		return 0
	}
	return g.proven[how].score(how)
}

func (o *outcomes) mostlyWrong() bool { return o.n >= minPlausible && o.wrong()*2 > o.n }

// ---- lag 1: outputs follow in the order of the reads of the turn before ------

func (g *lag) read(m *window.Message) {
	if len(g.reads) == maxPerTurn {
		g.gap = true
		g.full++
		return
	}
	g.reads = append(g.reads, m)
}

// output1 takes an output. What is due to the turn before comes first in a turn: an
// output after a read is of a loop without lag.
func (g *lag) output1(e *event) {
	if len(g.outputs) == maxPerTurn {
		g.full++
	}
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
			g.pair(l, g.previous[i], &g.outputs[i], ordered)
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
func (g *lag) pair(l *Linker, read *window.Message, e *event, how certainty) {
	from, to := read.Node, e.node
	switch {
	case from.Server && to.Server:
		// That a reply which was due comes right after a request, such as nginx's when FastCGI
		// has closed the connection, says nothing about what requests lead to.
		if from == to || how != direct {
			g.proven[how].check(from == to)
		}
	case !to.Server:
		g.label(from, to, how)
		g.suggest(l, to)
	default:
		g.replied(l, from, to, how)
	}
}

// label notes that the call belongs to the request from, or to that of the call from.
func (g *lag) label(from, call *window.Node, how certainty) {
	turn := call.Turned()
	turn.Certainty[g.index], call.Note.Waited = how, how == queued
	if from.Server {
		turn.Labels[g.index] = from
		return
	}
	before := from.Turn()
	turn.Labels[g.index], turn.Previous[g.index] = before.Labels[g.index], from
	turn.Certainty[g.index] = max(how, before.Certainty[g.index])
}

// maxChain bounds the calls of one request that are confirmed at once.
const maxChain = 256

// replied: the reply of a call led to the reply of a request. If the model has said
// before that the call belongs to it, the whole chain of calls is confirmed.
func (g *lag) replied(l *Linker, call, request *window.Node, how certainty) {
	if g.queue != nil {
		g.queue.confirmed(call, request, func(from, call *window.Node) { g.label(from, call, queued) })
	}
	turn := call.Turn()
	label := turn.Labels[g.index]
	how = max(how, turn.Certainty[g.index])
	if label != nil {
		g.proven[how].check(label == request)
		if label != request && how == queued {
			g.queue.wrong(call)
		}
	}
	if label != request || !g.proven[how].plausible() {
		if score := g.score(how); score > 0 {
			l.claim(call, window.Claim{Parent: request, Kind: TickReply, Score: score, Trust: tickReplyKind.Trust})
		}
		return
	}
	for n := 0; call != nil && n < maxChain; n++ {
		g.confirm(l, call, request)
		call = call.Turn().Previous[g.index]
	}
}

// confirm: the call is the request's, and so are those before it that the same read led to.
func (g *lag) confirm(l *Linker, call, request *window.Node) {
	for n := 0; call != nil && n < maxChain; n++ {
		if call.Turn().Labels[g.index] == request {
			l.toParent(call, request, TickOrder)
		}
		if g.queue == nil {
			return
		}
		call = call.Turn().Before
	}
}

// ledTo makes the claims that the models of its loop have for a call again, with what
// they have proved to be worth by now.
func ledTo(l *Linker, c *window.Node) {
	tid := c.Request.TID
	if c.Connect != nil {
		tid = c.Connect.TID
	}
	if lp := l.loops.of[tid]; lp != nil {
		for i := range lp.lags {
			lp.lags[i].suggest(l, c)
		}
	}
}

// suggest claims what the model says of a call, for what it has proved to be worth.
func (g *lag) suggest(l *Linker, c *window.Node) {
	turn := c.Turn()
	how := turn.Certainty[g.index]
	claim := window.Claim{Parent: turn.Labels[g.index], Kind: Tick, Score: g.score(how), Trust: tickKind.Trust}
	if from := turn.Previous[g.index]; from != nil {
		// On the same connection it may be somebody's who waited for that.
		if claim.Parent, claim.Sibling = nil, from; from.ConnID == c.ConnID {
			return
		}
	}
	if how != queued && claim.Score > 0 && (claim.Parent != nil || claim.Sibling != nil) {
		l.claim(c, claim)
	}
}
