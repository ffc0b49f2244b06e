package rivals_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
)

// trace does as traceAll does, and no call may be linked to another request's.
func trace(t *testing.T, program, upstream string, inFlight, n int, wait func()) (rig.Spans, *rig.Rig) {
	t.Helper()
	spans, r := traceAll(t, program, upstream, inFlight, n, wait)
	assert.Empty(t, spans.Strangers(), "calls of another request")
	return spans, r
}

// traceAll runs a program, sends it requests on several connections, waits for what
// else it should do, and returns what came out. Each request must have been seen.
func traceAll(t *testing.T, program, upstream string, inFlight, n int, wait func()) (rig.Spans, *rig.Rig) {
	t.Helper()
	p := rig.StartPython(t, program, "UPSTREAM="+upstream)
	r := rig.Start(t, rig.Options{PIDs: []int{p.PID}})
	log := rig.Ask(t, p.Address, 1, inFlight, n)
	if wait != nil {
		wait()
	}
	p.Kill()
	c := r.Settle(t, 0)
	spans := r.Spans()
	spans.Sound(t)
	c.Balanced(t, len(spans))
	assert.Zero(t, spans.Score(rig.Measured(log)).Unseen, "requests without a span")
	return spans, r
}

// OBI #2551: a context that a thread once got was adopted for all that it did later:
// traces of 45,000 spans. Here a request starts a thread that goes on calling for
// ever.
func TestAThreadThatOutlivesItsRequestMakesNoGiantTrace(t *testing.T) {
	backend := rig.StartBackend(t)
	spans, _ := trace(t, "poller.py", backend.Address, 4, 300, func() { backend.Await(t, "/poll", 1000) })
	polls := spans.Containing("/poll")
	require.GreaterOrEqual(t, len(polls), 1000)
	linked := polls.Where(func(s *rig.Span) bool { return !s.Parent.IsEmpty() })
	assert.LessOrEqual(t, len(linked), 1, "the first one, which the request did start:\n%s", linked.List())
	assert.LessOrEqual(t, spans.LargestTrace(), 3)
	assert.Equal(t, 300, spans.Score(nil).Calls.Right)
}

// OBI #3001: a request that had been answered went on being the parent of what its
// thread did afterwards.
func TestAnAnsweredRequestParentsNothing(t *testing.T) {
	backend := rig.StartBackend(t)
	spans, _ := trace(t, "afterwards.py", backend.Address, 4, 200, func() { backend.Await(t, "/afterwards", 200) })
	later := spans.Containing("/afterwards")
	require.Len(t, later, 200)
	for _, s := range later {
		assert.True(t, s.Parent.IsEmpty(), "%v", s)
	}
	assert.Equal(t, 200, spans.Score(nil).Calls.Right)
	assert.Equal(t, 2, spans.LargestTrace())
}

// OBI #3040: children that began before their parents. The thread reads the reply of
// an earlier call right before it answers a request, which is what a thread does
// that made the call for the request.
func TestACallThatBeganBeforeTheRequestIsNotItsChild(t *testing.T) {
	backend := rig.StartBackend(t)
	spans, r := trace(t, "early.py", backend.Address, 4, 200, nil)
	early := spans.Containing("/early")
	require.GreaterOrEqual(t, len(early), 200)
	for _, s := range early {
		assert.True(t, s.Parent.IsEmpty(), "%v", s)
	}
	// Not of all: a thread that had to wait for a processor between makes none.
	assert.Greater(t, r.Counters(t).With("processor_stitch_guard_rejections", "guard=before"), 100, "claims that were made and refused")
}
