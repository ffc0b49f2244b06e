package link

import "github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"

// inTurnKind: a call of a kind that nobody waits for, whose turn it was by counting, as long
// as tasks take less than twice the usual time to come to their call (balance.go is content
// with the shortest), and which was written by a thread that the one whose turn it was had
// woken. Only where idle threads wait in line: then there is one queue that they wait for.
// Where each has its own, as in pools that steal work, requests do not come to their calls in
// the order in which they were read. It rests on the wake, which so does not confirm it.
// Measured: 1,358 right, 14 wrong.
var inTurnKind = Kind{Name: "in_turn", Class: Submission, Trust: window.Likely, Precision: measured(1358, 14), Detached: true}

// inTurn finds the source of a call by turn and wake.
func inTurn(l *Linker, c *window.Node) {
	led := l.ledger(c)
	if led == nil || !led.believed() || hasCandidate(c) || !led.idle.inLine() || !led.forgotten() {
		return
	}
	waker, s := l.waker(c), l.ledgers.supply(led)
	if s == nil || waker == nil || sourceOf(waker) != s.of || l.habits.lost.about(c) {
		return
	}
	t := turns{led: led, whole: 2 * led.whole.middle, woken: 2 * led.woken.middle}
	i, ok := t.around(&s.timeline, c)
	if ok && t.near[i] == waker && t.parted(i) && t.parted(i+1) {
		l.claimLed(c, waker, InTurn)
	}
}
