package badday_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
	"github.com/otelcol-custom/otelcol-custom/testbed/load"
)

// A process is flooded with connections, each of which says something and stays.
// Those beyond the limit are counted and not followed; those that were there
// before are traced as ever; and once the flood is over, new ones are, too.
func TestAProcessFloodsConnections(t *testing.T) {
	const limit, flood = 64, 500
	backend := rig.StartBackend(t)
	gateway := rig.StartPython(t, "gateway.py", "UPSTREAM="+backend.Address)
	flooded := rig.StartPython(t, "gateway.py", "UPSTREAM="+backend.Address)
	r := rig.Start(t, rig.Options{PIDs: []int{gateway.PID, flooded.PID}, Receiver: []string{"max_connections: 64"}})

	var connections []net.Conn
	drown := func() {
		for range flood {
			c, err := net.Dial("tcp", flooded.Address)
			require.NoError(t, err)
			t.Cleanup(func() { c.Close() })
			connections = append(connections, c)
			_, err = c.Write([]byte("GET /half"))
			require.NoError(t, err)
		}
		require.Eventually(t, func() bool { return r.Counters(t).KernelLosses()["cause=conn_table_full"] > 0 }, patience, tick)
	}
	result, err := load.Run(t.Context(), load.Plan{
		Address: gateway.Address, Targets: []load.Target{{Class: "work", Weight: 1, Path: "/work?id={id}"}},
		InFlight: 8, Warm: 50, Requests: 200, Seed: 1, Timeout: patience, BetweenPhases: drown,
	})
	require.NoError(t, err)
	require.Empty(t, result.Failures)
	c := r.Settle(t, flood)
	spans := r.Spans()
	spans.Sound(t)
	old := spans.Score(rig.Measured(result.Log))
	assert.Equal(t, 200, old.TracesRight, "on connections from before the flood: %+v", old)
	assert.LessOrEqual(t, c.Sum("receiver_ebpf_connections"), limit)
	t.Logf("counted: %v", c.Losses())

	for _, connection := range connections {
		require.NoError(t, connection.Close())
	}
	require.Eventually(t, func() bool { return r.Counters(t).Sum("receiver_ebpf_connections") < limit/2 }, patience, tick)
	log := rig.Ask(t, gateway.Address, 2, 8, 100)
	c = r.Settle(t, 0)
	spans = r.Spans()
	spans.Sound(t)
	c.Balanced(t, len(spans))
	fresh := spans.Score(rig.Measured(log))
	assert.Equal(t, 100, fresh.TracesRight, "on connections from after the flood: %+v", fresh)
}
