package badday_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
	"github.com/otelcol-custom/otelcol-custom/testbed/load"
)

// deaf is more requests than can be waiting for a reply, or for the end of their
// connection, that was lost.
const deaf = 1000

// The Collector gets no time to read while a pool of threads goes on working, so
// that the smallest ring buffer overflows again and again. Targets do not notice;
// what is lost is counted; of what is seen nothing is linked wrong, although
// replies, handoffs and whole turns are missing; and once there is time again every
// request is a whole trace.
func TestTheRingBufferOverflows(t *testing.T) {
	live := rig.StartScenario(t, rig.LoadSpec(t, "c-pool"))
	r := rig.Start(t, rig.Options{PIDs: rig.PIDsOf(live), Receiver: []string{"ring_size: 65536", "exchange_timeout: 1s"}})

	before := rig.Measured(rig.Load(t, live, load.Plan{InFlight: 16, Requests: 200, Seed: 1}))
	r.Settle(t, 0).Lossless(t)

	during := rig.Measured(nil)
	for burst := range uint64(2) {
		r.Freeze(t)
		maps.Copy(during, rig.Measured(rig.Load(t, live, load.Plan{InFlight: 16, Requests: 300, Seed: 2 + burst})))
		r.Thaw(t)
		maps.Copy(during, rig.Measured(rig.Load(t, live, load.Plan{InFlight: 64, Requests: 100, Seed: 12 + burst})))
		r.Settle(t, deaf)
	}
	losses := r.Counters(t).KernelLosses()
	assert.Positive(t, losses["cause=ring_full_io"], "%v", losses)

	after := rig.Measured(rig.Load(t, live, load.Plan{InFlight: 16, Warm: 50, Requests: 300, Seed: 100}))
	c := r.Settle(t, deaf)
	assert.Equal(t, losses, c.KernelLosses(), "none after")
	spans := r.Spans()
	spans.Sound(t)
	c.Balanced(t, len(spans))
	t.Logf("lost %v", c.Losses())

	result := spans.Score(during)
	t.Logf("meanwhile: %d of %d requests unseen, calls %+v", result.Unseen, result.Requests, result.Calls)
	assert.Positive(t, result.Unseen, "it did overflow")
	assert.Equal(t, len(before), spans.Score(before).TracesRight, "whole traces before")
	assert.Equal(t, len(after), spans.Score(after).TracesRight, "whole traces after")
	all := spans.Score(nil)
	assert.Empty(t, spans.Strangers(), "wrong links")
	assert.Zero(t, all.Calls.Wrong)
	assert.Zero(t, all.Misplaced, "spans in a wrong trace")
	assert.Zero(t, all.Ambiguous)
}
