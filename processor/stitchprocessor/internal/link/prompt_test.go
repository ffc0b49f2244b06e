package link

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// loopCase is an event loop, thread 1, and what is claimed for its prompt calls.
type loopCase struct {
	l        *Linker
	io, tick uint32
	claims   map[*window.Node]window.Claim
}

func newLoopCase() *loopCase {
	lc := &loopCase{claims: map[*window.Node]window.Claim{}}
	lc.l = New(window.New(), func(c *window.Node, claim window.Claim) {
		if claim.Kind == Prompt && claim.Score >= 0.9 {
			lc.claims[c] = claim
		}
	})
	return lc
}

// turn begins the next turn of the loop.
func (lc *loopCase) turn() { lc.tick++ }

// request reads a request, call writes a call.
func (lc *loopCase) request() *window.Node { return lc.add(true) }
func (lc *loopCase) call() *window.Node    { return lc.add(false) }

func (lc *loopCase) add(server bool) *window.Node {
	lc.io++
	at := int64(lc.io) * 1e5
	m := evidence.Message{Start: at, End: at, Point: evidence.Point{TID: 1, IO: lc.io, Tick: lc.tick}}
	n := window.NewNode(&evidence.Exchange{Request: m, Ordinal: uint32(lc.io)}, server, at)
	lc.l.p.Add(n)
	lc.l.Learn(n)
	return n
}

// replay goes through all that happened so far.
func (lc *loopCase) replay() { lc.turn(); lc.request(); lc.l.Advance(int64(lc.io)*1e5 + 1) }

// decide links a call by better evidence, or finds that there is none if r is nil.
func (lc *loopCase) decide(c, r *window.Node) {
	if r == nil {
		lc.l.Ripe(c, true)
		return
	}
	c.State, c.Parent, c.Kind = window.Linked, r, Reply
	lc.l.Decided(c)
}

// timers makes n calls of timers, of which better evidence tells.
func (lc *loopCase) timers(n int) {
	for range n {
		lc.turn()
		r := lc.request()
		lc.turn()
		c := lc.call()
		lc.replay()
		lc.decide(c, r)
	}
}

// prompt makes a request and n calls in its turn.
func (lc *loopCase) prompt(n int) (*window.Node, []*window.Node) {
	lc.turn()
	r := lc.request()
	var calls []*window.Node
	for range n {
		calls = append(calls, lc.call())
	}
	lc.replay()
	return r, calls
}

func TestWhatTimersDoNotAccountForIsOfTheRequestBefore(t *testing.T) {
	lc := newLoopCase()
	lc.timers(enough)
	assert.Equal(t, prompts{told: enough}, lc.l.prompts)
	for i := range enough {
		r, calls := lc.prompt(2)
		lc.decide(calls[0], nil)
		lc.decide(calls[1], nil)
		if i < 2 {
			assert.Empty(t, lc.claims, "too few to tell")
			continue
		}
		if claim, ok := lc.claims[calls[0]]; ok {
			assert.Same(t, r, claim.Parent)
			assert.Same(t, r, lc.claims[calls[1]].Parent)
		}
	}
	assert.Len(t, lc.claims, 2*(enough-7), "from when on nine in ten are certain")
}

func TestWithoutTimersNothingIsPrompt(t *testing.T) {
	lc := newLoopCase()
	for range 3 * enough {
		_, calls := lc.prompt(1)
		lc.decide(calls[0], nil)
	}
	assert.Empty(t, lc.claims, "it is not known how often better evidence tells of calls that are not the request's")
}

func TestWhereTimersCallAmongPromptCallsThoseAreDoubted(t *testing.T) {
	lc := newLoopCase()
	lc.timers(enough)
	for range 2 * enough {
		other, _ := lc.prompt(0)
		_, calls := lc.prompt(2)
		lc.decide(calls[0], nil)
		lc.decide(calls[1], other)
	}
	lc.claims = map[*window.Node]window.Claim{}
	_, calls := lc.prompt(2)
	lc.decide(calls[0], nil)
	lc.decide(calls[1], nil)
	assert.Contains(t, lc.claims, calls[0], "the first ones never were timers'")
	assert.NotContains(t, lc.claims, calls[1], "the others all were")
}

func TestTimersOfWhichNothingTellsMakePromptCallsDoubtful(t *testing.T) {
	p := prompts{of: [2]promptCalls{{open: 100, refuted: 50}}, told: 100}
	assert.Greater(t, p.score(&p.of[0]), 0.95)
	p.untold = 30
	assert.Less(t, p.score(&p.of[0]), 0.9)
	p.told = enough - 1
	assert.Zero(t, p.score(&p.of[0]))
}

func TestPromptCallsAreForgottenByAndBy(t *testing.T) {
	p := prompts{of: [2]promptCalls{{confirmed: memory, refuted: memory, open: memory}}, told: memory, untold: 2}
	p.decay()
	assert.Equal(t, prompts{of: [2]promptCalls{{confirmed: memory / 2, refuted: memory / 2, open: memory / 2}}, told: memory / 2, untold: 1}, p)
}
