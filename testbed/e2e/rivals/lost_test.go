package rivals_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// swapped is how many spans may be below another request: times alone tell which of several
// requests an SDK's span is of that knows no caller, and two may have changed places.
const swapped = 4

// What SDKs cannot know: a pool that passes no context on makes a trace of its own of
// each request's work. The kernel saw which request the work was for.
func TestAContextThatAnSDKLostIsRestored(t *testing.T) {
	for _, c := range []struct {
		hop      string
		inFlight int
		least    float64 // share restored
	}{
		{"goroutine", 1, 0.97},
		{"pool", 8, 0.7},
		{"goroutine", 64, 0.15},
	} {
		t.Run(fmt.Sprintf("%s, %d in flight", c.hop, c.inFlight), func(t *testing.T) {
			const n = 400
			spans, asked := lose(t, c.hop, c.inFlight, n)
			jobs := spans.Where(func(s *rig.Span) bool { return s.Name == "job" && asked[s.Token] })
			require.Len(t, jobs, n)
			restored := countRestored(jobs, spans)
			t.Logf("%d of %d traces restored, %d spans below another request", restored, n, len(spans.Strangers()))
			assert.GreaterOrEqual(t, float64(restored), c.least*n)
			assert.LessOrEqual(t, len(spans.Strangers()), swapped, "below another request: %v", spans.Strangers())
		})
	}
}

// lose sends n requests to a program with an SDK, from another one, and returns what
// came of them. The first one passes them on by a hop that loses the context.
func lose(t *testing.T, hop string, inFlight, n int) (rig.Spans, map[truth.Token]bool) {
	middle := rig.StartActor(t, "instrumented", "UPSTREAM="+rig.StartDelay(t), "OTEL_SERVICE_NAME=kernel", "HOP="+hop)
	front := rig.StartActor(t, "instrumented", "UPSTREAM="+middle.Address, "OTEL_SERVICE_NAME=kernel")
	r := rig.Start(t, rig.Options{PIDs: []int{middle.PID, front.PID}})
	for _, p := range []*rig.Process{middle, front} {
		p.Say(t, "%s", r.OTLP)
		require.Equal(t, "ready", p.Line(t))
	}
	rig.Ask(t, front.Address, 1, 1, 1) // that there is an SDK is known by its first spans
	require.Eventually(t, func() bool { return len(ofSDK(r.Spans())) == 5 }, patience, tick)
	asked := rig.Measured(rig.Ask(t, front.Address, 2, inFlight, n))
	require.Eventually(t, func() bool { return len(ofSDK(r.Spans())) == 5*(n+1) }, patience, tick)
	r.Settle(t, 0)
	return r.Spans(), asked
}

// countRestored counts the jobs that are below the SDK's span of their own request,
// in its trace.
func countRestored(jobs, all rig.Spans) int {
	n, byID := 0, all.ByID()
	for _, job := range jobs {
		if p := byID[job.Parent]; p != nil && p.Token == job.Token && p.Trace == job.Trace && p.Instance.PID == job.Instance.PID {
			n++
		}
	}
	return n
}
