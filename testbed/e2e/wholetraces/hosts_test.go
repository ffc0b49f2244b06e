package wholetraces_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
	"github.com/otelcol-custom/otelcol-custom/testbed/load"
	"github.com/otelcol-custom/otelcol-custom/testbed/recorder"
	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
)

// Go, Node and Go on three hosts, each with an agent of its own that sends what it
// has linked to a gateway: there every request becomes one trace across them.
func TestARequestAcrossThreeHostsIsOneTrace(t *testing.T) {
	r, err := recorder.Record(t.Context(), rig.LoadSpec(t, "three-hosts"), recorder.Options{
		Scenario: scenario.Options{Root: rig.Root(t), Seed: 1, Install: true, Out: t.Output()},
		Quiet:    15 * time.Second,
		Plan:     load.Plan{InFlight: 8, Warm: 32, Requests: 1000, Seed: 1},
	})
	require.NoError(t, err)
	require.True(t, r.Report.OK(), "%+v", r.Report)
	require.Empty(t, r.Load.Failures)

	spans := rig.Read(r.Stitched)
	spans.Sound(t)
	hosts := map[string]bool{}
	for _, s := range spans {
		hosts[s.Instance.Host] = true
	}
	assert.Equal(t, map[string]bool{"a": true, "b": true, "c": true}, hosts)
	result := spans.Score(rig.Measured(r.Requests))
	t.Logf("%d of %d requests exact; calls %+v, joins %+v, misplaced %d", result.TracesRight, result.Requests, result.Calls, result.Joins, result.Misplaced)
	assert.Zero(t, result.Unseen)
	assert.Equal(t, 5000, result.Calls.Total())
	assert.Equal(t, 2000, result.Joins.Total())
	assert.Equal(t, 2000, result.Joins.Right, "nothing is cut between hosts")
	assert.LessOrEqual(t, result.Calls.Wrong, 5, "0.1 % wrong")
	assert.LessOrEqual(t, result.Misplaced, 5)
	// What the agents could not link on their host the gateway cannot, either.
	unlinked := result.Calls.Orphan + result.Calls.Wrong
	assert.LessOrEqual(t, unlinked, 125, "2.5 % of the calls of Go and Node")
	assert.GreaterOrEqual(t, result.TracesRight, 990-unlinked, "99 % of the others are one exact trace")
}
