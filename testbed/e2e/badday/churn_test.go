package badday_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
)

// Bounds of what a hundred thousand connections may leave behind.
const (
	rssGrowth    = 48 << 20 // bytes, beyond what the first tenth took: heap that is not given back yet
	kernelMemory = 32 << 20 // bytes, of all maps
)

// A process accepts and makes 100,000 connections, most of them idle, some with a
// request, ended in good order by either side or by a reset. Each
// request is a span; nothing else is left of them: no entry in the kernel side's
// tables, none in the receiver's, no memory beyond what a tenth of them needed.
func TestAHundredThousandConnectionsLeaveNothing(t *testing.T) {
	churner := rig.StartActor(t, "churn")
	r := rig.Start(t, rig.Options{PIDs: []int{churner.PID}, Stitch: "max_wait: 2s"})
	run := func(n int) (requests int) {
		churner.Say(t, "%d", n)
		_, err := fmt.Sscan(churner.Line(t), &requests)
		assert.NoError(t, err)
		return requests
	}
	requests := run(10_000)
	first := r.Settle(t, 0)
	rss, maps := r.RSS(t), r.KernelMemory(t)
	requests += run(90_000)
	last := r.Settle(t, 0)

	assert.Equal(t, 2*requests, last.Sum("receiver_ebpf_exchanges"), "each request at both ends")
	// Maps that allocate as they need free an entry some time later: a few come and go. A byte a
	// connection that stayed would be 90,000.
	assert.InDelta(t, maps, r.KernelMemory(t), 4096, "kernel memory in use")
	assert.LessOrEqual(t, maps, kernelMemory)
	for _, gauge := range []string{"receiver_ebpf_connections", "receiver_ebpf_exchanges_pending", "receiver_ebpf_buffered_bytes"} {
		assert.Zero(t, last.Sum(gauge), gauge)
	}
	assert.LessOrEqual(t, last.Sum("receiver_ebpf_threads"), first.Sum("receiver_ebpf_threads")+64)
	assert.Less(t, r.RSS(t)-rss, rssGrowth, "resident memory")
	last.Lossless(t)
	spans := r.Spans()
	last.Balanced(t, len(spans))
	spans.Sound(t)
	t.Logf("%d requests; RSS %d → %d MiB, kernel memory %d KiB", requests, rss>>20, r.RSS(t)>>20, maps>>10)
}
