package ebpfreceiver

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/probe"
)

// points returns the values of a metric by the one attribute they have.
func points(t *testing.T, tel *componenttest.Telemetry, name, key string) map[string]int64 {
	t.Helper()
	m, err := tel.GetMetric(name)
	if err != nil {
		return nil
	}
	values := map[string]int64{}
	add := func(list []metricdata.DataPoint[int64]) {
		for _, p := range list {
			v, _ := p.Attributes.Value(attribute.Key(key))
			values[v.AsString()] += p.Value
		}
	}
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		add(data.DataPoints)
	case metricdata.Gauge[int64]:
		add(data.DataPoints)
	}
	return values
}

func sum(t *testing.T, tel *componenttest.Telemetry, name string) (total int64) {
	t.Helper()
	for _, v := range points(t, tel, name, "") {
		total += v
	}
	return total
}

func TestMetrics(t *testing.T) {
	telemetry := componenttest.NewTelemetry()
	defer func() { require.NoError(t, telemetry.Shutdown(context.Background())) }()
	set := settings()
	set.TelemetrySettings = telemetry.NewTelemetrySettings()
	sink := new(consumertest.TracesSink)
	g := newRig(t, set, sink, func(c *Config) { c.MaxPendingExchanges = 1 })
	g.start(t)
	thread := g.sim.Process(100, "shop").Thread()
	s := g.sim.Accept(thread, "10.0.0.1:80", "10.0.0.2:1234")
	g.exchange(s, thread)
	s.Read(thread, request+request) // the second is one too many
	g.sim.Dial(thread, "10.0.0.1:999", "10.0.0.9:4317").Write(thread, request)
	half := g.sim.Accept(thread, "10.0.0.1:80", "10.0.0.2:1235")
	half.Read(thread, request[:20])
	require.Eventually(t, func() bool { return g.core.Stats().Conn.Connections == 3 }, 5*time.Second, time.Millisecond)

	get := func(name, key string) map[string]int64 {
		return points(t, telemetry, "otelcol_receiver_ebpf_"+name, key)
	}
	assert.Equal(t, map[string]int64{"": 8}, get("events", ""))
	assert.Equal(t, map[string]int64{"": 3}, get("connections", ""))
	assert.Equal(t, map[string]int64{"": 1}, get("connections_ignored", ""))
	assert.Equal(t, map[string]int64{"": 0}, get("connections_unannounced", ""))
	assert.Equal(t, map[string]int64{"limit": 0, "idle": 0}, get("connections_dropped", "cause"))
	assert.Equal(t, map[string]int64{"": 1}, get("exchanges", ""))
	assert.Equal(t, map[string]int64{"": 1}, get("exchanges_pending", ""))
	assert.EqualValues(t, 1, get("exchanges_dropped", "cause")["pending_limit"])
	assert.Equal(t, map[string]int64{"queue_full_io": 0, "queue_full_control": 0}, get("events_dropped", "cause"))
	assert.Equal(t, map[string]int64{"": 1}, get("threads", ""))
	assert.Equal(t, map[string]int64{"": 0}, get("threads_evicted", ""))
	assert.Equal(t, map[string]int64{"": 0}, get("thread_holes", ""))
	assert.Equal(t, map[string]int64{"": 0}, get("late_spans", ""))
	assert.Equal(t, map[string]int64{"": 0}, get("late_retransmits", ""))
	assert.Equal(t, map[string]int64{"": 0}, get("undescribed_batches", ""))
	assert.Equal(t, map[string]int64{"consumer_slow": 0, "process_limit": 0}, get("spans_dropped", "cause"))
	assert.Len(t, get("stream_losses", "cause"), 7)
	assert.Contains(t, get("buffered_bytes", ""), "")
	assert.Equal(t, map[string]int64{"": 1}, get("processes", ""))
	assert.Equal(t, map[string]int64{"limit": 2, "failed": 3, "denied": 4, "queue_full": 5}, get("processes_dropped", "cause"))
	assert.Equal(t, map[string]int64{"conn": 1000, "io": 1001, "close": 1002, "process": 1003, "retransmit": 1004}, get("kernel_records", "kind"))
	assert.Equal(t, map[string]int64{"": 1000 + int64(probe.RecordBytes)}, get("kernel_bytes", ""))
	losses := get("kernel_losses", "cause")
	assert.Len(t, losses, probe.NumCounters-int(probe.LostRingConn))
	assert.EqualValues(t, 1000+int64(probe.LostRingIO), losses["ring_full_io"])
	require.NoError(t, g.Shutdown(t.Context()))
	assert.EqualValues(t, 1, sum(t, telemetry, "otelcol_receiver_accepted_spans"))
}
