package wholetraces_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/baseline"
	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
	"github.com/otelcol-custom/otelcol-custom/testbed/load"
	"github.com/otelcol-custom/otelcol-custom/testbed/score"
)

// A Java program whose handler submits to a pool of 8 and waits, 64 in flight: the
// thread that makes the call never sees the request. On the same recording the
// rules of DeepFlow and OBI link almost nothing right.
func TestCallsOfAThreadPoolAreLinkedToTheirRequests(t *testing.T) {
	live := rig.StartScenario(t, rig.LoadSpec(t, "java-submit-get"))
	r := rig.Start(t, rig.Options{PIDs: rig.PIDsOf(live)})
	log := rig.Load(t, live, load.Plan{InFlight: 64, Warm: 128, Requests: 2000, Seed: 1})
	report, err := live.Verify(t.Context(), log)
	require.NoError(t, err)
	require.True(t, report.OK(), "%+v", report)

	counters := r.Settle(t, 0)
	spans := r.Spans()
	spans.Sound(t)
	only := rig.Measured(log)
	ours := spans.Score(only)
	ours.Linker = "stitch"
	assert.Zero(t, ours.Unseen)
	assert.Equal(t, 2000, ours.Calls.Total())
	assert.GreaterOrEqual(t, ours.Calls.Right, 1980, "99 % linked right")
	assert.LessOrEqual(t, ours.Calls.Wrong, 2, "0.1 % wrong")
	counters.Lossless(t)
	counters.Balanced(t, len(spans))

	results := append(rivals(r, score.Options{Only: only}), ours)
	require.NoError(t, score.Table(t.Output(), results))
	for _, rival := range results[:len(results)-1] {
		assert.Greater(t, ours.Calls.Right, rival.Calls.Right, "%s links more of the calls", rival.Linker)
		assert.False(t, rival.Calls.Wrong == 0 && rival.Calls.Right > 0 && ours.Calls.Wrong > 0, "%s errs less", rival.Linker)
	}
}

// rivals scores the rivals' rules on what the receiver made.
func rivals(r *rig.Rig, o score.Options) []*score.Result {
	var recorded []baseline.Span
	for _, td := range r.Raw.Batches() {
		recorded = baseline.Append(recorded, td)
	}
	spans := make([]score.Span, len(recorded))
	for i := range recorded {
		spans[i] = recorded[i].Span
	}
	var out []*score.Result
	for _, rule := range baseline.Rules() {
		o.Linker = rule.Name
		out = append(out, score.Score(score.Relink(spans, rule.Link(recorded)), o))
	}
	return out
}
