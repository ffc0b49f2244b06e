package link

import (
	"slices"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// loopWakeKind (E4s): the thread that read the reply of a call wrote to the wake fd
// of an event loop, and the loop's next reply which nothing else explains is
// that of the request. Several calls may finish before the loop looks: then the
// order decides. Measured with order: 11,538 right, 85 wrong, where a thread was
// suspended between leaving its result and writing to the fd.
var loopWakeKind = Kind{Name: "loop_wake", Class: Completion, Trust: window.Likely, Precision: measured(11538, 85)}

const (
	maxDone = 64 // finished calls that a loop has heard of
	// doneTurns is for how many turns of the loop a finished call is expected to lead
	// to a reply.
	doneTurns = 4
)

// hear takes note of the calls that other threads have finished, by what they wrote
// to the loop's wake fd.
func (lp *loop) hear(l *Linker, m *window.Message) {
	for i := range m.Handoffs {
		h := &m.Handoffs[i]
		if !intoLoop(m, h) || h.SourceTID == m.TID {
			continue
		}
		lp.posted, l.loops.told = true, true
		lp.lags[1].broken1()
		if h.Source != evidence.ClientRead {
			continue
		}
		var call *window.Node
		if source := l.p.Message(h.SourceTID, h.SourceIO); source != nil && source.Kind == evidence.ClientRead {
			call = source.Node
		}
		if len(lp.done) == maxDone {
			lp.done = lp.done[1:]
		}
		lp.done = append(lp.done, completed{call: call, tick: m.Tick})
	}
}

// deliver gives the reply that the loop writes the finished call it may be due to:
// the first one that fits.
func (lp *loop) deliver(l *Linker, e *event) {
	for len(lp.done) > 0 && lp.done[0].tick+doneTurns < e.tick {
		lp.done = lp.done[1:]
	}
	found, fitting := -1, 0
	for i, d := range lp.done {
		if d.call == nil || d.call.Start() >= e.node.Start() && d.call.End <= e.at {
			if fitting++; found < 0 {
				found = i
			}
		}
	}
	if found < 0 {
		return
	}
	defer func() { lp.done = slices.Delete(lp.done, found, found+1) }()
	if lp.done[found].call == nil {
		return
	}
	claim := window.Claim{Parent: e.node, Kind: LoopWake, Score: loopWakeKind.Precision, Trust: loopWakeKind.Trust}
	if fitting > 1 {
		claim.Score = 0.98
	}
	if lp.called != 0 && e.at-lp.called < loopIdle {
		claim.Trust = window.Support // the loop makes calls, too: the reply may be due to one
	}
	l.claim(lp.done[found].call, claim)
}
