package wholetraces_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
)

// A connect that is refused moves no byte. It is a call of its request all the
// same, and the hook keeps the traces that have one.
func TestTracesWithAConnectThatFailedCanBeKept(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, gone.Close())
	backend := rig.StartBackend(t)
	p := rig.StartPython(t, "refused.py", "UPSTREAM="+backend.Address, "GONE="+gone.Addr().String())
	r := rig.Start(t, rig.Options{
		PIDs:     []int{p.PID},
		Policies: "{name: connections, type: kernel_fact, kernel_fact: {key: tcp.failed, at_least: 1, over: trace}}",
	})
	want := 0
	for _, request := range rig.Ask(t, p.Address, 1, 8, 200) {
		if request.Token%2 == 0 {
			want++
		}
	}
	require.Greater(t, want, 50)
	p.Kill()
	r.Settle(t, 0)
	traces := r.Spans().Traces()
	assert.Len(t, traces, want)
	for _, spans := range traces {
		require.Len(t, spans, 2, "%s", spans.List())
		request, call := spans.Servers(), spans.Clients()
		require.Len(t, request, 1)
		require.Len(t, call, 1)
		assert.Equal(t, "connect", call[0].Name)
		assert.Equal(t, "ECONNREFUSED", call[0].Text("error.type"))
		assert.Equal(t, ptrace.StatusCodeError, call[0].Status)
		assert.Equal(t, request[0].ID, call[0].Parent, "by %s", call[0].Method)
	}
}
