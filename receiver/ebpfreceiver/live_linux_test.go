package ebpfreceiver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/metadata"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target"
)

// actor tells the test binary to be a gateway, which asks the server at this
// address for everything that it is asked.
const actor = "EBPFRECEIVER_TEST_GATEWAY"

// TestGatewayProcess is the gateway when startGateway runs this binary again, and
// otherwise nothing.
func TestGatewayProcess(t *testing.T) {
	if upstream := os.Getenv(actor); upstream != "" {
		require.NoError(t, runGateway(upstream))
	}
}

// runGateway is what a traced process does.
func runGateway(upstream string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		response, err := ask(http.DefaultClient, "http://"+upstream+r.URL.Path, r.Header.Get(idHeader), r.Header.Get(callHeader)+".1")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer response.Body.Close()
		w.WriteHeader(response.StatusCode)
		_, _ = io.Copy(w, response.Body)
	}))
}

// Headers with which a program under EagleEye tells the trace and its calls.
const idHeader, callHeader = "EagleEye-TraceId", "EagleEye-RpcId"

// ask makes a call of this number for a trace, which is a request id, too.
func ask(client *http.Client, url, trace, call string) (*http.Response, error) {
	request, err := http.NewRequest(http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set(idHeader, trace)
	request.Header.Set(callHeader, call)
	request.Header.Set("X-Request-ID", trace)
	return client.Do(request)
}

// startGateway starts a gateway process and returns its pid and address.
func startGateway(t *testing.T, upstream string) (pid int, address string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestGatewayProcess$")
	cmd.Env = append(os.Environ(), actor+"="+upstream)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	address, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return cmd.Process.Pid, strings.TrimSpace(address)
}

// TestLive traces a real process on this kernel: each request to a gateway gives
// a server span and the client span of the call that it makes.
func TestLive(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("loading BPF programs needs root")
	}
	upstream, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/missing" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write([]byte(strings.Repeat("x", 10000)))
	})}
	go func() { _ = server.Serve(upstream) }()
	defer server.Close()
	pid, address := startGateway(t, upstream.Addr().String())

	sink := new(consumertest.TracesSink)
	config := createDefaultConfig().(*Config)
	config.TraceOwnPeers = true // this process is at the other ends
	config.Targets.Include = []target.Rule{{PIDs: []int{pid}}}
	r, err := newReceiver(receivertest.NewNopSettings(metadata.Type), config, sink)
	require.NoError(t, err)
	require.NoError(t, r.Start(context.Background(), componenttest.NewNopHost()))
	running := true
	defer func() {
		if running {
			assert.NoError(t, r.Shutdown(context.Background()))
		}
	}()
	require.Eventually(t, func() bool { return r.tracker.Stats().Processes == 1 }, 10*time.Second, 10*time.Millisecond)

	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	const n = 50
	for i := range n {
		path := "/found"
		if i%5 == 0 {
			path = "/missing"
		}
		response, err := ask(client, "http://"+address+path, fmt.Sprintf("live-%d", i), "0")
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
	spans := func() (list []ptrace.Span) {
		for _, traces := range sink.AllTraces() {
			for _, rs := range traces.ResourceSpans().All() {
				pidOf, _ := rs.Resource().Attributes().Get("process.pid")
				require.EqualValues(t, pid, pidOf.Int())
				for _, s := range rs.ScopeSpans().At(0).Spans().All() {
					list = append(list, s)
				}
			}
		}
		return list
	}
	assert.Eventually(t, func() bool { return len(spans()) == 2*n }, 5*time.Second, 20*time.Millisecond)
	running = false
	require.NoError(t, r.Shutdown(context.Background()))
	checkLive(t, spans(), n)
}

func checkLive(t *testing.T, spans []ptrace.Span, n int) {
	t.Helper()
	kinds := map[ptrace.SpanKind]int{}
	requests, calls := map[string]tracectx.Context{}, map[string]tracectx.Context{}
	for _, s := range spans {
		kinds[s.Kind()]++
		a := s.Attributes().AsRaw()
		assert.Equal(t, "GET", s.Name())
		missing := a["url.path"] == "/missing" || strings.HasSuffix(fmt.Sprint(a["url.full"]), "/missing")
		want := int64(http.StatusOK)
		if missing {
			want = http.StatusNotFound
		}
		assert.Equal(t, want, a["http.response.status_code"])
		assert.Equal(t, missing && s.Kind() == ptrace.SpanKindClient, s.Status().Code() == ptrace.StatusCodeError)
		assert.Greater(t, s.EndTimestamp(), s.StartTimestamp())
		assert.WithinDuration(t, time.Now(), s.StartTimestamp().AsTime(), time.Minute)
		var x evidence.Exchange
		require.True(t, x.Read(s))
		assert.NotZero(t, x.Request.Goid, "goroutine ids of this version are known")
		assert.False(t, x.Opaque)
		var contexts tracectx.Contexts
		require.NoError(t, contexts.Parse(x.Context))
		if s.Kind() == ptrace.SpanKindServer {
			requests[x.RequestID] = contexts.All()[0]
		} else {
			calls[x.RequestID] = contexts.All()[0]
		}
	}
	require.Len(t, requests, n)
	for id, r := range requests {
		c := calls[id]
		assert.Equal(t, id, r.WrittenTrace())
		assert.Equal(t, r.TraceID, c.TraceID)
		assert.Equal(t, r.SpanID, c.ParentID, "0.1 is a call made for 0")
	}
	assert.Equal(t, map[ptrace.SpanKind]int{ptrace.SpanKindServer: n, ptrace.SpanKindClient: n}, kinds)
}
