package ebpfreceiver

import (
	"context"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"golang.org/x/sys/unix"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/metadata"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/probe"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target"
)

// tracing traces one process.
type tracing struct {
	t    *testing.T
	r    *ebpfReceiver
	sink *consumertest.TracesSink
}

func trace(t *testing.T, pid int) *tracing {
	sink := new(consumertest.TracesSink)
	config := createDefaultConfig().(*Config)
	config.TraceOwnPeers = true // this process is at the other ends
	config.Targets.Include = []target.Rule{{PIDs: []int{pid}}}
	r, err := newReceiver(receivertest.NewNopSettings(metadata.Type), config, sink)
	require.NoError(t, err)
	require.NoError(t, r.Start(context.Background(), componenttest.NewNopHost()))
	t.Cleanup(func() { assert.NoError(t, r.Shutdown(context.Background())) })
	require.Eventually(t, func() bool { return r.tracker.Stats().Processes == 1 }, 10*time.Second, 10*time.Millisecond)
	return &tracing{t: t, r: r, sink: sink}
}

// get asks a URL and returns what came back.
func (*tracing) get(url string) (status int, err error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// spans waits for n spans.
func (tr *tracing) spans(n int) (list []ptrace.Span) {
	tr.t.Helper()
	require.Eventually(tr.t, func() bool { return tr.sink.SpanCount() >= n }, 10*time.Second, 10*time.Millisecond)
	for _, traces := range tr.sink.AllTraces() {
		for _, rs := range traces.ResourceSpans().All() {
			for _, s := range rs.ScopeSpans().At(0).Spans().All() {
				list = append(list, s)
			}
		}
	}
	require.Len(tr.t, list, n)
	return list
}

// records is how many records of a kind the kernel side has sent.
func (tr *tracing) records(c probe.Counter) int64 {
	values, err := tr.r.kernel.Counters()
	require.NoError(tr.t, err)
	return int64(values[c])
}

// lossy is a listener whose connections lose what comes in, until found.
type lossy struct {
	net.Listener
	accepted chan syscall.RawConn
}

func (l *lossy) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return nil, err
	}
	l.accepted <- raw
	return c, nil
}

func control(t *testing.T, raw syscall.RawConn, do func(fd int) error) {
	var failed error
	require.NoError(t, raw.Control(func(fd uintptr) { failed = do(int(fd)) }))
	require.NoError(t, failed)
}

// lose drops every packet for a socket. What is accepted from a listener inherits
// that.
func lose(fd int) error {
	drop := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &drop})
}

func find(fd int) error {
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
}

func TestRetransmitsAreOnTheSpanOfTheCallTheyDelayed(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	upstream := &lossy{Listener: listener, accepted: make(chan syscall.RawConn, 1)}
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go func() { _ = server.Serve(upstream) }()
	defer server.Close()
	pid, address := startGateway(t, listener.Addr().String())
	tr := trace(t, pid)

	status, err := tr.get("http://" + address + "/first")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	raw := <-upstream.accepted // the gateway keeps this connection
	control(t, raw, lose)
	done := make(chan error, 1)
	go func() {
		_, err := tr.get("http://" + address + "/second")
		done <- err
	}()
	require.Eventually(t, func() bool { return tr.records(probe.RecordsRetransmit) >= 2 }, 10*time.Second, 10*time.Millisecond)
	control(t, raw, find)
	require.NoError(t, <-done)

	again := map[string]int64{}
	for _, s := range tr.spans(4) {
		n, _ := s.Attributes().Get(evidence.KeyRetransmits)
		path, _ := s.Attributes().Get("url.path")
		again[s.Kind().String()+" "+path.Str()] += n.Int()
	}
	sent := tr.records(probe.RecordsRetransmit)
	assert.Equal(t, map[string]int64{"Server /first": 0, "Server /second": 0, "Client /first": 0, "Client /second": sent}, again)
}

func TestAConnectThatIsRefusedIsACallThatFailed(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	upstream := listener.Addr().(*net.TCPAddr)
	require.NoError(t, listener.Close())
	pid, address := startGateway(t, upstream.String())
	tr := trace(t, pid)
	status, err := tr.get("http://" + address + "/")
	require.NoError(t, err)
	require.Equal(t, http.StatusBadGateway, status)
	calls := 0
	for _, s := range tr.spans(2) {
		if s.Kind() != ptrace.SpanKindClient {
			continue
		}
		calls++
		a := s.Attributes().AsRaw()
		assert.Equal(t, "connect", s.Name())
		assert.Equal(t, "ECONNREFUSED", a["error.type"])
		assert.Equal(t, true, a[evidence.KeyFailed])
		assert.Equal(t, ptrace.StatusCodeError, s.Status().Code())
		assert.EqualValues(t, upstream.Port, a["server.port"])
		assert.NotZero(t, a[evidence.KeyConnectTID])
	}
	assert.Equal(t, 1, calls)
}

func TestACallWhoseConnectionIsResetFailed(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	go func() { // ends with the listener
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096)) // the request
			_ = c.(*net.TCPConn).SetLinger(0) // Close breaks it off
			_ = c.Close()
		}
	}()
	pid, address := startGateway(t, listener.Addr().String())
	tr := trace(t, pid)
	status, err := tr.get("http://" + address + "/")
	require.NoError(t, err)
	require.Equal(t, http.StatusBadGateway, status)
	calls := 0
	for _, s := range tr.spans(2) {
		if s.Kind() != ptrace.SpanKindClient {
			continue
		}
		calls++
		a := s.Attributes().AsRaw()
		assert.Equal(t, "GET", s.Name())
		assert.Equal(t, "ECONNRESET", a["error.type"])
		assert.Equal(t, true, a[evidence.KeyFailed])
	}
	assert.Equal(t, 1, calls)
}
