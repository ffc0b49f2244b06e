package badday_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/collector"
	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
)

// Nothing listens where the exporter sends, for longer and with more spans than the
// queues have room for. Requests are answered as ever and the kernel side loses
// nothing; memory is bounded; every span is sent or counted as lost; and when
// the peer comes back, so do whole traces.
func TestTheExportersPeerIsDown(t *testing.T) {
	down, err := collector.NewSink()
	require.NoError(t, err)
	down.Close()
	backend := rig.StartBackend(t)
	gateway := rig.StartPython(t, "gateway.py", "UPSTREAM="+backend.Address)
	r := rig.Start(t, rig.Options{
		PIDs: []int{gateway.PID}, Sink: down,
		Hook:     "max_bytes: 1048576, max_trace_bytes: 65536, delivery: {retry_on_failure: {initial_interval: 50ms, max_interval: 100ms}}",
		Exporter: "sending_queue: {queue_size: 1500, sizer: items, num_consumers: 2}, retry_on_failure: {initial_interval: 50ms, max_interval: 100ms, max_elapsed_time: 500ms}",
	})
	rss := r.RSS(t)
	rig.Ask(t, gateway.Address, 1, 16, 3000)
	full := r.Counters(t)
	assert.LessOrEqual(t, full.Sum("tailhook_held_bytes"), 1<<20)
	assert.Less(t, r.RSS(t)-rss, 64<<20, "memory while the peer is down")

	up, err := collector.NewSinkAt(down.Endpoint())
	require.NoError(t, err)
	defer up.Close()
	untilDelivered(t, r)
	before := rig.Read(up.Take())
	before.Sound(t) // what was late is whole
	log := rig.Ask(t, gateway.Address, 2, 16, 200)
	c := untilDelivered(t, r)
	spans := rig.Read(up.Take())
	spans.Sound(t)
	result := spans.Score(rig.Measured(log))
	assert.Equal(t, 200, result.TracesRight, "%+v", result)
	assert.Zero(t, result.Unseen)

	assert.Empty(t, c.KernelLosses(), "what is slow behind it does not reach the kernel side")
	assert.Zero(t, c.Sum("receiver_ebpf_events_dropped"))
	lost := c.Sum("exporter_send_failed_spans") + c.Sum("tailhook_lost_spans") + c.Sum("processor_stitch_failed_spans") + c.Sum("receiver_ebpf_spans_dropped")
	t.Logf("held %d bytes, kept %d spans of %d; lost: %v", full.Sum("tailhook_held_bytes"), len(before), 6000, c.Losses())
	assert.Positive(t, lost, "there was no room for all of it")
	assert.Equal(t, 2*(3000+200), c.Sum("receiver_ebpf_exchanges"), "a request and its call each")
	assert.Equal(t, c.Sum("receiver_ebpf_exchanges"), len(before)+len(spans)+lost, "%v", c.Losses())
}

// untilDelivered waits until every span is delivered or counted as lost.
func untilDelivered(t *testing.T, r *rig.Rig) rig.Counters {
	t.Helper()
	r.Settle(t, 0)
	require.Eventually(t, func() bool {
		c := r.Counters(t)
		return c.Sum("exporter_queue_size") == 0 && c.Sum("tailhook_delivered_spans") == c.With("exporter_sent_spans", "exporter=otlp_grpc")+c.Sum("exporter_send_failed_spans")
	}, time.Minute, 50*time.Millisecond)
	return r.Counters(t)
}
