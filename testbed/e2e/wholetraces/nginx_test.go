package wholetraces_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
	"github.com/otelcol-custom/otelcol-custom/testbed/load"
)

// hops are the spans that a request of nginx-gunicorn-databases must have, each
// once, with the index of its parent.
var hops = []struct {
	service, kind, name string
	parent              int
}{
	{"nginx", "Server", "GET", -1},
	{"nginx", "Client", "GET", 0},
	{"app", "Server", "GET", 1},
	{"app", "Client", "SELECT item", 2},
	{"app", "Client", "INCRBY", 2},
}

// nginx (2 workers) → gunicorn (4 sync workers) → PostgreSQL and Redis: every
// request comes out as one trace with all its hops, and every counter from the
// kernel side to the exporter's peer says that nothing was lost on the way.
func TestEveryRequestIsOneTraceWithAllHops(t *testing.T) {
	live := rig.StartScenario(t, rig.LoadSpec(t, "nginx-gunicorn-databases"))
	r := rig.Start(t, rig.Options{PIDs: rig.PIDsOf(live)})
	log := rig.Load(t, live, load.Plan{InFlight: 16, Warm: 32, Requests: 1000, Seed: 1})
	report, err := live.Verify(t.Context(), log) // stops the services, too
	require.NoError(t, err)
	require.True(t, report.OK(), "%+v", report)

	counters := r.Settle(t, 0)
	spans := r.Spans()
	spans.Sound(t)
	result := spans.Score(rig.Measured(log))
	t.Logf("%d of %d requests whole; calls %+v, joins %+v, misplaced %d", result.TracesRight, result.Requests, result.Calls, result.Joins, result.Misplaced)
	assert.Zero(t, result.Unseen, "every request was seen")
	assert.Equal(t, 3000, result.Calls.Total())
	assert.GreaterOrEqual(t, whole(spans), 990, "requests with every hop in its place; one trace:\n%s", spans.Traces()[spans[0].Trace].List())
	assert.GreaterOrEqual(t, result.TracesRight, 990)
	assert.Zero(t, result.Calls.Wrong+result.Joins.Wrong)
	assert.Zero(t, result.Misplaced, "spans in a wrong trace")

	counters.Lossless(t)
	counters.Balanced(t, len(spans))
	assert.Equal(t, len(log), counters.Sum("processor_stitch_joins"), "nginx's calls and gunicorn's requests")
	assert.Zero(t, counters.Sum("receiver_ebpf_connections"), "closed connections are forgotten")
}

// whole counts the traces that are exactly hops.
func whole(spans rig.Spans) int {
	n := 0
	for _, trace := range spans.Traces() {
		if isWhole(trace) {
			n++
		}
	}
	return n
}

func isWhole(trace rig.Spans) bool {
	if len(trace) != len(hops) {
		return false
	}
	found := make(rig.Spans, len(hops))
	for i, hop := range hops {
		for _, span := range trace {
			if span.Service == hop.service && span.Kind.String() == hop.kind && span.Name == hop.name {
				found[i] = span
			}
		}
		if found[i] == nil || hop.parent >= 0 && found[i].Parent != found[hop.parent].ID {
			return false
		}
	}
	return found[0].Parent.IsEmpty()
}
