package rivals_test

import (
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/testbed/collector"
	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
)

// startAs starts reuse.py with a pid of choice, which must be free: the kernel takes
// the one after the last that it gave.
func startAs(t *testing.T, pid int, upstream string) *rig.Process {
	t.Helper()
	const last = "/proc/sys/kernel/ns_last_pid"
	for range 100 { // others fork, too
		require.NoError(t, os.WriteFile(last, []byte(strconv.Itoa(pid-1)), 0))
		p := rig.StartPython(t, "reuse.py", "UPSTREAM="+upstream)
		if p.PID == pid {
			return p
		}
		p.Kill()
	}
	require.Fail(t, "the pid is taken")
	return nil
}

// ask sends a request on a connection of its own, from the port if that is not
// empty, and returns when it has been read.
func ask(t *testing.T, p *rig.Process, target, port string) *net.TCPConn {
	t.Helper()
	to, err := net.ResolveTCPAddr("tcp", p.Address)
	require.NoError(t, err)
	var from *net.TCPAddr
	if port != "" {
		from, err = net.ResolveTCPAddr("tcp", "127.0.0.1:"+port)
		require.NoError(t, err)
	}
	c, err := net.DialTCP("tcp", from, to)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	_, err = io.WriteString(c, "GET "+target+" HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	p.Say(t, "accept")
	require.Equal(t, target, p.Line(t))
	return c
}

func tell(t *testing.T, p *rig.Process, what string) {
	t.Helper()
	p.Say(t, "%s", what)
	p.Line(t)
}

// A pid, and with it the id of its first thread, is given to another process: what
// was known of the dead one must not be taken for the new one's. The first life
// ends in the middle of a request, the second one makes a call before it gets any.
func TestAPidThatIsUsedAgainIsAnotherProcess(t *testing.T) {
	backend := rig.StartBackend(t)
	first := rig.StartPython(t, "reuse.py", "UPSTREAM="+backend.Address)
	r := rig.Start(t, rig.Options{PIDs: []int{first.PID}})
	ask(t, first, "/first", "")
	tell(t, first, "call /first-call")
	first.Kill()

	require.Eventually(t, func() bool { return r.Raw.Spans() == 2 }, patience, tick) // a flush_interval at most

	second := startAs(t, first.PID, backend.Address)
	require.Eventually(t, func() bool { // it is found by its exec, or at the next rescan
		tell(t, second, "call /second-call")
		return r.Sink.Spans() > 0 && len(r.Spans().Containing("/second-call")) > 0
	}, patience, tick)
	c := ask(t, second, "/second", "")
	tell(t, second, "call /of-second")
	tell(t, second, "reply")
	require.NoError(t, c.Close())
	r.Settle(t, 0)
	second.Kill()

	spans := r.Spans()
	spans.Sound(t)
	lives := map[string]string{}
	for _, s := range spans {
		require.EqualValues(t, first.PID, s.Instance.PID)
		life := "second"
		if strings.HasPrefix(s.Text("url.path"), "/first") {
			life = "first"
		}
		if known, ok := lives[s.Instance.Created]; ok {
			assert.Equal(t, known, life, "%v", s)
		}
		lives[s.Instance.Created] = life
	}
	assert.Len(t, lives, 2, "two lives: %v", lives)
	one := func(path string) *rig.Span {
		found := spans.Where(func(s *rig.Span) bool { return s.Text("url.path") == path })
		require.Len(t, found, 1, path)
		return found[0]
	}
	assert.Equal(t, ptrace.StatusCodeError, one("/first").Status)
	for _, s := range spans.Containing("/second-call") {
		assert.True(t, s.Parent.IsEmpty(), "%v", s)
	}
	assert.Equal(t, one("/second").ID, one("/of-second").Parent)
	assert.NotEqual(t, one("/first").Trace, one("/second").Trace)
}

// The end of a connection is lost, with much else, while the ring buffer overflows,
// and the next one between the same two ports begins: the request that was open
// on the first must not get the reply of the second, nor be in its trace.
func TestAConnectionThatIsUsedAgainAfterALostCloseIsAnotherOne(t *testing.T) {
	backend := rig.StartBackend(t)
	p := rig.StartPython(t, "reuse.py", "UPSTREAM="+backend.Address)
	r := rig.Start(t, rig.Options{PIDs: []int{p.PID}, Receiver: []string{"ring_size: 65536", "exchange_timeout: 1s"}})
	from, err := collector.FreePort()
	require.NoError(t, err)
	others := make([]*net.TCPConn, 32)
	for i := range others {
		others[i] = ask(t, p, "/other", "")
		tell(t, p, "reply")
	}
	first := ask(t, p, "/first", from)
	r.Settle(t, 1)

	r.Freeze(t)
	for range 64 { // four times what there is room for
		tell(t, p, "call /"+strings.Repeat("x", 4000))
	}
	for _, c := range append(others, first) { // the ends of the others fit into what is left
		require.NoError(t, c.SetLinger(0)) // so that the port is free at once
		require.NoError(t, c.Close())
	}
	r.Thaw(t)
	// Two requests wait for replies: the first one, and a call whose reply was lost.
	lost := r.Settle(t, 2).KernelLosses()
	require.Positive(t, lost["cause=ring_full_close"], "%v", lost)

	second := ask(t, p, "/second", from)
	tell(t, p, "call /of-second")
	tell(t, p, "reply")
	require.NoError(t, second.Close())
	r.Settle(t, 2)
	spans := r.Spans()
	spans.Sound(t)
	one := func(path string) *rig.Span {
		found := spans.Where(func(s *rig.Span) bool { return s.Text("url.path") == path })
		require.Len(t, found, 1, path)
		return found[0]
	}
	require.Eventually(t, func() bool { // when its time is over
		spans = r.Spans()
		return len(spans.Containing("/first")) == 1
	}, patience, tick)
	assert.Equal(t, ptrace.StatusCodeError, one("/first").Status)
	assert.Equal(t, "200", one("/second").Text("http.response.status_code"))
	assert.Equal(t, one("/first").Text("network.peer.port"), one("/second").Text("network.peer.port"), "the same two ports")
	assert.NotEqual(t, one("/first").Trace, one("/second").Trace)
	// What the thread did just before is not known: it may stay without a parent.
	assert.Contains(t, []pcommon.SpanID{{}, one("/second").ID}, one("/of-second").Parent)
}
