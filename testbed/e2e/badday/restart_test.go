package badday_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/collector"
	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
	"github.com/otelcol-custom/otelcol-custom/testbed/load"
)

// The Collector is stopped in good order, and once more killed, under a load that
// does not stop. Requests before and after are whole traces; those that it did not
// see all of have at worst no parent, and never the parent of another.
func TestTheCollectorRestartsUnderLoad(t *testing.T) {
	live := rig.StartScenario(t, rig.LoadSpec(t, "c-pool"))
	sink, err := collector.NewSink()
	require.NoError(t, err)
	defer sink.Close()
	start := func() *rig.Rig { return rig.Start(t, rig.Options{PIDs: rig.PIDsOf(live), Sink: sink}) }

	first := start()
	loaded := make(chan *load.Result, 1)
	go func() {
		result, err := live.Load(t.Context(), load.Plan{InFlight: 16, Requests: 3500, Seed: 1})
		assert.NoError(t, err)
		loaded <- result
	}()
	var calm []window
	see := func(r *rig.Rig) { // a while of tracing, from what has been seen to what has been seen
		begin := exchanges(t, r, 1)
		calm = append(calm, window{from: begin, to: exchanges(t, r, 600)})
	}
	see(first)
	require.NoError(t, first.Stop())
	second := start()
	see(second)
	require.NoError(t, second.Kill())
	third := start()
	see(third)
	result := <-loaded
	require.NotNil(t, result)
	require.Empty(t, result.Failures, "targets do not notice")
	third.Settle(t, 0)

	spans := rig.Read(sink.Take())
	spans.Sound(t)
	assert.Empty(t, spans.Strangers())
	all := spans.Score(nil)
	assert.Zero(t, all.Calls.Wrong)
	assert.Zero(t, all.Misplaced)
	for i, w := range calm {
		only := rig.Only(result.Log, w.from, w.to)
		got := spans.Score(only)
		t.Logf("Collector %d: %d of %d requests whole", i+1, got.TracesRight, len(only))
		if i == 1 {
			continue // it was killed with all that it held
		}
		assert.GreaterOrEqual(t, len(only), 100)
		assert.GreaterOrEqual(t, got.TracesRight*100, len(only)*99, "%+v", got)
	}
	t.Logf("in all: %d of %d requests whole, %d unseen", all.TracesRight, len(result.Log), len(result.Log)-all.Traces)
}

// window is a time in which a Collector saw everything (Unix ns).
type window struct{ from, to int64 }

// exchanges waits until r has seen n more exchanges and returns the time.
func exchanges(t *testing.T, r *rig.Rig, n int) int64 {
	t.Helper()
	before := r.Counters(t).Sum("receiver_ebpf_exchanges")
	require.Eventually(t, func() bool { return r.Counters(t).Sum("receiver_ebpf_exchanges") >= before+n }, patience, tick)
	return time.Now().UnixNano()
}
