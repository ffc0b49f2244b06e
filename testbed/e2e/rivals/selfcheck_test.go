package rivals_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
)

// Nobody says how often a zero-code tracer is wrong about the user's own programs. Here a program
// with an SDK passes contexts on, and what the kernel alone would have made of its calls is counted.
func TestCallsWithAContextMeasureTheLinksWithout(t *testing.T) {
	const requests = 200
	backend := rig.StartBackend(t)
	middle := rig.StartActor(t, "instrumented", "UPSTREAM="+backend.Address, "OTEL_SERVICE_NAME=kernel")
	r := rig.Start(t, rig.Options{PIDs: []int{middle.PID}, Stitch: "max_wait: 2s"})
	middle.Say(t, "%s", r.OTLP)
	require.Equal(t, "ready", middle.Line(t))
	for i := range requests {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+middle.Address+"/work", nil)
		require.NoError(t, err)
		request.Header.Set("traceparent", fmt.Sprintf("00-4bf92f3577b34da6a3ce%012x-00f067aa0ba902b7-01", i+1))
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode)
	}
	var all, right, wrong int
	require.Eventually(t, func() bool { // when the calls leave the window
		c := r.Counters(t)
		all = c.Sum("processor_stitch_selfcheck_calls")
		right = c.With("processor_stitch_selfcheck_calls", "outcome=right")
		wrong = c.With("processor_stitch_selfcheck_calls", "outcome=wrong")
		return all >= requests
	}, patience, tick)
	t.Logf("of %d calls blind %d right, %d wrong", all, right, wrong)
	assert.Equal(t, requests, all)
	assert.Zero(t, wrong, "one request at a time")
	assert.GreaterOrEqual(t, right, requests*9/10)
}
