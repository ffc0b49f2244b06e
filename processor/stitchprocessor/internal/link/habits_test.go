package link

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

func TestALateWakeSpeaksAgainstTheOnlyCallOfARequest(t *testing.T) {
	const late = int64(100e6)
	r := &window.Node{Server: true, Operation: 9}
	c := &window.Node{Operation: 1, End: 5e6}
	r.Note.WokenAt, r.Note.WokenBy = c.End+late, 7
	l := &Linker{}
	h := &l.habits
	h.requests.meet(9)
	first := h.calls.meet(1)
	*first = habit{links: 100, parents: shares{{9, 100}}}
	for range 2 * gapRefresh {
		first.before.meet(landmark{what: markRead}).gaps.add(0)
		first.wake.add(100e3)
		first.starts.add(0, 0)
	}
	alone := l.cost(first, r, c)
	*h.calls.meet(2) = habit{links: 100, parents: shares{{8, 100}}}
	assert.InDelta(t, alone, l.cost(first, r, c), 1e-9, "others make those")
	h.calls.get(2).parents = shares{{8, 100}, {9, 50}}
	assert.Greater(t, alone, l.cost(first, r, c)+lateWake, "the wake may have been for the other call")

	r.Note.WokenAt = c.End - 1
	assert.Less(t, l.cost(first, r, c), float64(never), "woken by the other one, it ran when this one was done, too")
	h.calls.forget(2)
	assert.EqualValues(t, never, l.cost(first, r, c), "it was woken by what it waited for")
}

func TestCountsAreHalvedWhenTheyCompare(t *testing.T) {
	var h habits
	node := func(server bool) *window.Node {
		return &window.Node{Server: server, Operation: 7}
	}
	for range habitMemory + 300 { // as one batch, the calls first
		h.observe(nil, node(false), 0)
	}
	for range habitMemory + 300 {
		h.observe(nil, node(true), 0)
	}
	h.settle()
	assert.Equal(t, (habitMemory+300)/2, h.calls.get(7).calls)
	assert.Equal(t, h.calls.get(7).calls, h.requests.get(7).n)
	h.settle()
	assert.Equal(t, (habitMemory+300)/2, h.calls.get(7).calls, "once")
}

func TestCallsOfOpenRequestsAreNotForgottenByHalf(t *testing.T) {
	const inFlight = 250
	var h habits
	hb := h.calls.meet(1)
	*hb = habit{links: 100, during: inFlight, parents: shares{{9, 100}}}
	count := func(calls, requests int) {
		hb.calls += calls
		for range requests {
			hb.links++
			hb.parents.add(9, maxParents)
			h.request(&window.Node{Server: true, Operation: 9})
			h.settle()
		}
	}
	c := &window.Node{Operation: 1}
	count(inFlight, 0)
	for range 10 * habitMemory {
		count(1, 1)
	}
	assert.NotNil(t, h.each(c))
	count(0, inFlight)
	assert.NotNil(t, h.each(c), "each of the requests that were open had made its call")

	for range habitMemory {
		count(1, 2)
	}
	assert.Nil(t, h.each(c), "every second one makes none")
	for range 10 * habitMemory {
		count(1, 1)
	}
	assert.NotNil(t, h.each(c), "what was before is forgotten")
}

func TestWhatIsLeftOverIsTriedAgainWhenTimeHasPassed(t *testing.T) {
	l := New(window.New(), nil)
	*l.habits.requests.meet(9) = asked{n: 100}
	*l.habits.calls.meet(1) = habit{calls: 100, links: 100, parents: shares{{9, 100}}}
	c := &window.Node{Operation: 1, End: 1e9}
	require.NotNil(t, l.habits.each(c))

	now, tries := c.End+1, 0
	for until := l.Wait(c, now); until >= now; until = l.Wait(c, now) {
		assert.GreaterOrEqual(t, until-c.End, restGrace, "others of its time are decided first")
		if tries++; tries > 100 {
			break
		}
		now = until + 1
	}
	assert.EqualValues(t, 1+maxTries, tries)
	assert.EqualValues(t, maxTries, c.Note.Tries)

	c.Note.Tries = 0
	now = c.End + 100*restGrace
	assert.EqualValues(t, now, l.Wait(c, now), "not at once, when much arrives together")
}
