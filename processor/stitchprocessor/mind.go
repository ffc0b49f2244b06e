package stitchprocessor

import (
	"math"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/link"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/solve"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// mind decides on the calls of one process instance: its window, what has been learned
// of it, and the solver that takes the claims.
type mind struct {
	window *window.Process
	linker *link.Linker
	solver *solve.Solver
	again  []*window.Node // that waited for one of those that have come
}

// newMind returns a mind that decides on every call by itself if apart is true.
func newMind(solver *solve.Solver, apart bool) mind {
	w := window.New()
	m := mind{window: w, linker: link.New(w, solver.Claim), solver: solver}
	if apart {
		m.linker.Separate()
	}
	return m
}

// meet takes a node that is new into the window. The rules run when all are there that have
// come together.
func (m *mind) meet(n *window.Node) {
	m.again = append(m.again, m.window.Add(n)...)
	m.linker.Learn(n)
}

// consider runs the rules for the nodes that were met since it did so last.
func (m *mind) consider(fresh []*window.Node) {
	for _, n := range fresh {
		m.linker.Arrived(n)
	}
	for _, n := range m.again {
		m.linker.Again(n)
	}
	clear(m.again)
	m.again = m.again[:0]
}

// advance takes a new watermark: calls are ripe that every possible request is known of.
func (m *mind) advance(watermark int64) {
	m.window.Watermark = watermark
	m.linker.Advance(watermark)
	m.rest(watermark)
}

// rest makes the decisions that were only put off to a time that has come, at being about
// now. Calls for which requests may yet come wait on.
func (m *mind) rest(at int64) {
	for c := m.window.Ripe(at); c != nil && c.End < m.window.Watermark; c = m.window.Ripe(at) {
		if until := m.linker.Wait(c, at); until >= at {
			m.window.Postpone(c, until)
			continue
		}
		m.final(c, true, solve.NoCandidate)
		m.window.Resolve(c)
	}
}

// idle lets time pass in a process that rests, at being about now: what it did last was
// followed by nothing.
func (m *mind) idle(at int64) {
	m.linker.Rest(at)
	m.rest(at)
}

// conclude decides the calls whose decision was put off: nothing more will come.
func (m *mind) conclude() {
	m.linker.Advance(m.window.Watermark)
	m.linker.Rest(math.MaxInt64)
	for c := m.window.Ripe(math.MaxInt64); c != nil; c = m.window.Ripe(math.MaxInt64) {
		m.final(c, m.window.Watermark > c.End, solve.Shutdown)
		m.window.Resolve(c)
	}
}

// last makes a last attempt to decide on a node that is about to leave the window.
func (m *mind) last(n *window.Node, cause solve.Cause) {
	m.linker.Forget(n)
	if !n.Server && n.State == window.Undecided {
		m.final(n, m.window.Watermark > n.End, cause)
	}
}

// final decides on an undecided call. all says that every request which was open during
// the call is known, cause why it is decided now.
func (m *mind) final(c *window.Node, all bool, cause solve.Cause) {
	if !m.linker.Ripe(c, all) {
		cause = solve.Crowded
	}
	m.solver.Final(c, cause)
}
