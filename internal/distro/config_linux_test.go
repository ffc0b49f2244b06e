package distro

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // what exporters compress with

	"github.com/otelcol-custom/otelcol-custom/internal/netns"
)

func config(name string) string { return filepath.Join(root, "config", name) }

func TestReadyPipelinesAreValidInBothCollectors(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join(root, "config"))
	require.NoError(t, err)
	require.Len(t, entries, 3)
	for _, name := range []string{fullMain, slimMain} {
		path := binary(t, name)
		for _, e := range entries {
			t.Run(name+" "+e.Name(), func(t *testing.T) { validate(t, path, config(e.Name())) })
		}
	}
}

func TestAConfigurationOfTailSamplingMovesOver(t *testing.T) {
	moving := filepath.Join(root, "exporter", "tailhook", "testdata", "moving")
	validate(t, binary(t, fullMain), filepath.Join(moving, "tail_sampling.yaml"))
	for _, name := range []string{fullMain, slimMain} {
		validate(t, binary(t, name), filepath.Join(moving, "tailhook.yaml"))
	}
}

// Those that are whole: receivers, exporters and all.
func TestTheExamplesOfTheTailHookAreValid(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "exporter", "tailhook", "README.md"))
	require.NoError(t, err)
	whole := 0
	for _, part := range strings.Split(string(text), "```yaml\n")[1:] {
		example, _, _ := strings.Cut(part, "```")
		if !strings.Contains(example, "receivers:") {
			continue
		}
		whole++
		path := filepath.Join(t.TempDir(), "example.yaml")
		require.NoError(t, os.WriteFile(path, []byte(example), 0o600))
		validate(t, binary(t, fullMain), path)
	}
	assert.Equal(t, 2, whole)
}

// failing is a server whose every answer is an error, which every policy keeps.
func failing(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
	}))
	t.Cleanup(server.Close)
	return server
}

// ownPID narrows a ready pipeline to this process, in which servers and clients are.
func ownPID() string {
	return fmt.Sprintf("--config=yaml:receivers::ebpf::targets::include: [{pids: [%d]}]", os.Getpid())
}

func ask(t *testing.T, url string) {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
}

func TestTheQuickstartPrintsTraces(t *testing.T) {
	path := binary(t, slimMain)
	netns.Run(t, func(t *testing.T) {
		server := failing(t)
		r := launch(t, path, "--config", config("quickstart.yaml"), ownPID())
		r.says(t, "Everything is ready")
		// The first exchange that is seen tells that this process is traced by now.
		require.Eventually(t, func() bool {
			ask(t, server.URL+"/quickstart")
			return strings.Contains(r.log.String(), "/quickstart")
		}, time.Minute, 100*time.Millisecond)
		r.stop(t)
		for _, line := range []string{"http.request.method: Str(GET)", "url.path: Str(/quickstart)", "http.response.status_code: Int(500)"} {
			assert.Contains(t, r.log.String(), line)
		}
	})
}

// backend is what a gateway exports to.
type backend struct {
	ptraceotlp.UnimplementedGRPCServer
	mu    sync.Mutex
	kinds map[string]map[ptrace.SpanKind]bool // of the spans of a path, by trace
}

func (b *backend) Export(_ context.Context, request ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, resource := range request.Traces().ResourceSpans().All() {
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				b.add(span)
			}
		}
	}
	return ptraceotlp.NewExportResponse(), nil
}

func (b *backend) add(span ptrace.Span) {
	isOurs := false
	for _, v := range span.Attributes().All() {
		isOurs = isOurs || strings.Contains(v.AsString(), "/through-agent-and-gateway")
	}
	if !isOurs {
		return
	}
	id := span.TraceID().String()
	if b.kinds[id] == nil {
		b.kinds[id] = map[ptrace.SpanKind]bool{}
	}
	b.kinds[id][span.Kind()] = true
}

// whole reports whether some trace has both ends of a request.
func (b *backend) whole() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, kinds := range b.kinds {
		if kinds[ptrace.SpanKindClient] && kinds[ptrace.SpanKindServer] {
			return true
		}
	}
	return false
}

func listen(t *testing.T, b ptraceotlp.GRPCServer) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	ptraceotlp.RegisterGRPCServer(server, b)
	go func() { _ = server.Serve(listener) }() // ends with Stop
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

func TestAnAgentAndAGatewayDeliverWholeTraces(t *testing.T) {
	path := binary(t, slimMain)
	netns.Run(t, func(t *testing.T) {
		b := &backend{kinds: map[string]map[ptrace.SpanKind]bool{}}
		t.Setenv("BACKEND", listen(t, b))
		gateway := launch(t, path, "--config", config("gateway.yaml"))
		gateway.healthy(t, 13134)
		t.Setenv("GATEWAY", "127.0.0.1:14317")
		agent := launch(t, path, "--config", config("agent.yaml"), ownPID())
		agent.healthy(t, 13133)
		server := failing(t)
		for n := 0; !b.whole(); n++ {
			require.Less(t, n, 600, "no whole trace reached the backend")
			ask(t, fmt.Sprintf("%s/through-agent-and-gateway?n=%d", server.URL, n))
			time.Sleep(100 * time.Millisecond)
		}
		agent.stop(t)
		gateway.stop(t)
	})
}
