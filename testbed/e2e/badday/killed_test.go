package badday_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
)

// hang sends n requests to address, each on a connection of its own, that are not
// answered. The connections close with the test.
func hang(t *testing.T, address string, n int) {
	t.Helper()
	for range n {
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		_, err = c.Write([]byte("GET /hang HTTP/1.1\r\nHost: x\r\n\r\n"))
		require.NoError(t, err)
	}
}

// A target is killed while requests wait in it: these end, with an error, and so
// do the calls that they wait for; others do not notice; nothing of it stays.
func TestATargetIsKilledMidRequest(t *testing.T) {
	backend := rig.StartBackend(t)
	victim := rig.StartPython(t, "gateway.py", "UPSTREAM="+backend.Address)
	other := rig.StartPython(t, "gateway.py", "UPSTREAM="+backend.Address)
	r := rig.Start(t, rig.Options{PIDs: []int{victim.PID, other.PID}})
	rig.Ask(t, victim.Address, 1, 4, 20)
	rig.Ask(t, other.Address, 2, 4, 20)
	calm := r.Settle(t, 0)

	const n = 10
	hang(t, victim.Address, n)
	backend.AwaitHanging(t, n)
	victim.Kill()
	log := rig.Ask(t, other.Address, 3, 4, 100)
	c := r.Settle(t, 0)

	spans := r.Spans()
	spans.Sound(t)
	ended := spans.Of(victim.PID).Containing("/hang")
	assert.Len(t, ended.Servers(), n)
	assert.Len(t, ended.Clients(), n)
	for _, span := range ended {
		assert.Equal(t, ptrace.StatusCodeError, span.Status, "%v", span)
		assert.NotEmpty(t, span.Text("error.type"), "%v", span)
		assert.NotContains(t, span.Attributes, "http.response.status_code", "%v", span)
	}
	result := spans.Of(other.PID).Score(rig.Measured(log))
	assert.Zero(t, result.Unseen)
	assert.Zero(t, result.Calls.Wrong)
	assert.GreaterOrEqual(t, result.TracesRight, 98, "%+v", result)

	c.Balanced(t, len(spans))
	assert.Eventually(t, func() bool { return r.Counters(t).Sum("receiver_ebpf_processes") == 1 }, patience, tick)
	assert.LessOrEqual(t, c.Sum("receiver_ebpf_connections"), calm.Sum("receiver_ebpf_connections"))
	assert.Zero(t, c.Sum("receiver_ebpf_buffered_bytes"))
}
