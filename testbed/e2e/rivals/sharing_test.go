package rivals_test

import (
	"bufio"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
	"github.com/otelcol-custom/otelcol-custom/testbed/score"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// A tracer that keeps the identity of whoever opened a connection gives it to all
// who use the connection later. Here one connection, opened for the first request,
// serves all of them, of threads and of an event loop. In the loop requests wait for
// the connection, and only the runtime knows whose turn it is: what is linked there
// may be little.
func TestAPooledConnectionHasNoIdentityOfItsOwn(t *testing.T) {
	for program, want := range map[string]score.Count{"pooled.py": {Right: 200}, "aiopooled.py": {Right: 1, Wrong: 2}} {
		t.Run(program, func(t *testing.T) {
			backend := rig.StartBackend(t)
			spans, _ := traceAll(t, program, backend.Address, 8, 200, nil)
			calls := spans.Containing("/call")
			require.Len(t, calls, 200)
			ports := map[any]bool{}
			for _, s := range calls {
				ports[s.Attributes["network.local.port"]] = true
			}
			require.Len(t, ports, 1, "one connection")
			result := spans.Score(nil)
			t.Logf("%+v", result.Calls)
			assert.GreaterOrEqual(t, result.Calls.Right, want.Right)
			assert.LessOrEqual(t, result.Calls.Wrong, want.Wrong)
			assert.LessOrEqual(t, spans.LargestTrace(), 2)
		})
	}
}

// A tracer that looks for processes now and then, or waits until it has inspected
// one, misses what a forked worker does first. Here each worker lives for one
// request only.
func TestAForkedWorkerIsSeenFromItsFirstByte(t *testing.T) {
	backend := rig.StartBackend(t)
	spans, r := trace(t, "forking.py", backend.Address, 4, 100, nil)
	result := spans.Score(nil)
	assert.Equal(t, 100, result.TracesRight, "%+v", result)
	processes := map[int64]bool{}
	for _, s := range spans {
		processes[s.Instance.PID] = true
		assert.Equal(t, "forking", s.Service)
		assert.NotEmpty(t, s.Instance.Created)
	}
	assert.Len(t, processes, 100, "each in a process of its own")
	assert.Eventually(t, func() bool { return r.Counters(t).Sum("receiver_ebpf_processes") == 0 }, patience, tick)
}

// Requests that follow each other on one connection without waiting were taken for
// one. Here all come in one packet, and the server reads them with one call.
func TestPipelinedRequestsDoNotCollapse(t *testing.T) {
	const n = 16
	backend := rig.StartBackend(t)
	p := rig.StartPython(t, "serial.py", "UPSTREAM="+backend.Address)
	r := rig.Start(t, rig.Options{PIDs: []int{p.PID}})
	only := map[truth.Token]bool{}
	for round := range uint64(4) {
		c, err := net.Dial("tcp", p.Address)
		require.NoError(t, err)
		var text strings.Builder
		for i := range uint64(n) {
			token := truth.NewToken(7, round*n+i)
			only[token] = true
			text.WriteString("GET /work?id=" + token.String() + " HTTP/1.1\r\nHost: x\r\n\r\n")
		}
		_, err = io.WriteString(c, text.String())
		require.NoError(t, err)
		const reply = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
		_, err = io.ReadFull(c, make([]byte, n*len(reply)))
		require.NoError(t, err)
		require.NoError(t, c.Close())
	}
	c := r.Settle(t, 0)
	spans := r.Spans()
	spans.Sound(t)
	c.Balanced(t, len(spans))
	c.Lossless(t)
	assert.Len(t, spans.Servers(), 4*n)
	assert.Len(t, spans.Clients(), 4*n)
	result := spans.Score(only)
	t.Logf("%+v", result.Calls)
	assert.Zero(t, result.Unseen)
	assert.Zero(t, result.Calls.Wrong)
	assert.Zero(t, result.Misplaced)
	assert.LessOrEqual(t, spans.LargestTrace(), 2)
}

// The same for calls: threads that share one connection, each with a command of its
// own under way, the replies read by one more thread.
func TestCallsOnAMultiplexedConnectionDoNotCollapse(t *testing.T) {
	spans, _ := trace(t, "multiplexed.py", startCounter(t), 8, 300, nil)
	commands := spans.Clients()
	assert.Len(t, commands, 300)
	ids := map[pcommon.SpanID]bool{}
	for _, s := range commands {
		ids[s.Parent] = true
		assert.True(t, strings.HasPrefix(s.Name, "INCR"), "%v", s)
	}
	result := spans.Score(nil)
	t.Logf("%+v", result.Calls)
	assert.Zero(t, result.Calls.Wrong)
	assert.GreaterOrEqual(t, result.Calls.Right, 297)
	assert.GreaterOrEqual(t, len(ids), 297, "each below a request of its own")
}

// startCounter serves as much of Redis as multiplexed.py needs: each command is one
// array of strings and is answered with a number.
func startCounter(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := listener.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		for in, n := bufio.NewReader(c), 1; ; n++ {
			for range 5 { // *2, $4, INCR, $n, key
				if _, err := in.ReadString('\n'); err != nil {
					return
				}
			}
			if _, err := io.WriteString(c, ":"+strconv.Itoa(n)+"\r\n"); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	return listener.Addr().String()
}
