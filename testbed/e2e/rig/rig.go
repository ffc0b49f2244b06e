package rig

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/testbed/collector"
)

// pipeline is that of production, but that queries and statements are not
// sanitised: they carry the tokens by which tests know what belongs together,
// and which no component reads.
const pipeline = `
receivers:
  ebpf:
    targets: {include: [{pids: [%s]}]}
    sanitize: {queries: false, statements: false}
    %s
  otlp: {protocols: {grpc: {endpoint: "127.0.0.1:%s"}}}
%sprocessors:
  memory_limiter: {check_interval: 1s, limit_mib: 1024}
  stitch: {%s}
connectors:
  tailhook: {policies: [%s], decision_wait: 5s%s}
exporters:
  otlp_grpc: {endpoint: "${SINK}", tls: {insecure: true}, %s}
  otlp_grpc/raw: {endpoint: %q, tls: {insecure: true}, ` + direct + `}
service:` + collector.Telemetry + `
  pipelines:
    traces/raw: {receivers: [ebpf, otlp], exporters: [otlp_grpc/raw]}
    traces/in: {receivers: [ebpf, otlp%s], processors: [memory_limiter, stitch], exporters: [tailhook]}
    traces/out: {receivers: [tailhook], exporters: [otlp_grpc]}
`

// foreign are the receivers of other systems' spans.
const foreign = `  zipkin: {endpoint: %q}
  jaeger: {protocols: {grpc: {endpoint: %q}}}
`

// direct lets an exporter say at once what became of a batch.
const direct = `sending_queue: {enabled: false}, retry_on_failure: {enabled: false}`

// Options say what to trace and how. All but PIDs may be empty.
type Options struct {
	// PIDs are the processes to trace; their forks are traced with them.
	PIDs []int
	// Receiver holds further lines of the receiver's configuration, Stitch and Hook
	// are fields of those of the stitch processor and the tail hook.
	Receiver     []string
	Stitch, Hook string
	// Policies are those of the tail hook. Default: every trace is kept.
	Policies string
	// Exporter are the fields of the exporter's queue and repetition. Default: it
	// has neither, so that what the hook delivered is in the sink.
	Exporter string
	// Sink receives the released spans. Default: a new one.
	Sink *collector.Sink
	// Foreign says to receive what Zipkin's and Jaeger's libraries send, too, for which
	// the full Collector runs.
	Foreign bool
	// Binary is what to run instead of the Collector itself, which it then does.
	Binary string
}

// Rig is a running Collector and what came out of it.
type Rig struct {
	*collector.Collector
	// OTLP is where the Collector takes spans of SDKs, host:port.
	OTLP string
	// Zipkin and Jaeger are where it takes those of their libraries, likewise.
	Zipkin, Jaeger string
	// Raw receives what the ebpf receiver and SDKs made, before stitching.
	Raw *collector.Sink

	released ptrace.Traces
}

// Start runs a Collector until the test ends and returns when it traces.
func Start(t testing.TB, o Options) *Rig {
	t.Helper()
	raw, err := collector.NewSink()
	require.NoError(t, err)
	t.Cleanup(raw.Close)
	port, err := collector.FreePort()
	require.NoError(t, err)
	r := &Rig{OTLP: "127.0.0.1:" + port, Raw: raw, released: ptrace.NewTraces()}
	if o.Foreign {
		r.Zipkin, r.Jaeger = freeEndpoint(t), freeEndpoint(t)
		o.Binary = filepath.Join(Root(t), "bin", "otelcol-custom")
	}
	r.Collector, err = collector.Start(t.Context(), collector.Options{Config: o.yaml(r, port), Sink: o.Sink, Binary: o.Binary})
	require.NoError(t, err)
	t.Cleanup(func() { r.end(t) })
	return r
}

func freeEndpoint(t testing.TB) string {
	t.Helper()
	port, err := collector.FreePort()
	require.NoError(t, err)
	return "127.0.0.1:" + port
}

func (o *Options) yaml(r *Rig, port string) string {
	pids := strings.Trim(fmt.Sprint(o.PIDs), "[]")
	exporter := o.Exporter
	if exporter == "" {
		exporter = direct
	}
	policies := o.Policies
	if policies == "" {
		policies = "{name: all, type: always_sample}"
	}
	hook := ""
	if o.Hook != "" {
		hook = ", " + o.Hook
	}
	receivers, names := "", ""
	if o.Foreign {
		receivers, names = fmt.Sprintf(foreign, r.Zipkin, r.Jaeger), ", zipkin, jaeger"
	}
	return fmt.Sprintf(pipeline, strings.ReplaceAll(pids, " ", ", "), strings.Join(o.Receiver, "\n    "),
		port, receivers, o.Stitch, policies, hook, exporter, r.Raw.Endpoint(), names)
}

// end stops the Collector, unless the test has, and shows its log when the test
// has failed.
func (r *Rig) end(t testing.TB) {
	if t.Failed() {
		t.Logf("the Collector's log:\n%s", r.Log())
	}
	select {
	case <-r.Done():
		return
	default:
	}
	_ = syscall.Kill(r.PID(), syscall.SIGCONT)
	assert.NoError(t, r.Stop())
}

// Freeze stops the Collector's process without its knowledge, as a machine does
// that has no time for it: nobody reads the ring buffer. Thaw lets it go on.
func (r *Rig) Freeze(t testing.TB) {
	t.Helper()
	require.NoError(t, syscall.Kill(r.PID(), syscall.SIGSTOP))
	require.Eventually(t, func() bool { return r.state() == 'T' }, patience, time.Millisecond)
}

// Thaw ends Freeze.
func (r *Rig) Thaw(t testing.TB) {
	t.Helper()
	require.NoError(t, syscall.Kill(r.PID(), syscall.SIGCONT))
}

// state is that of the Collector's process, as in /proc/PID/stat.
func (r *Rig) state() byte {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.PID()))
	if _, rest, found := strings.Cut(string(text), ") "); found {
		return rest[0]
	}
	return 0
}

// Released returns everything that has come out of the pipeline so far.
func (r *Rig) Released() ptrace.Traces {
	r.Sink.Take().ResourceSpans().MoveAndAppendTo(r.released.ResourceSpans())
	return r.released
}

// RSS is the resident memory of the Collector's process, in bytes.
func (r *Rig) RSS(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", r.PID()))
	require.NoError(t, err)
	var size, resident int
	_, err = fmt.Sscan(string(text), &size, &resident)
	require.NoError(t, err)
	return resident * os.Getpagesize()
}

// KernelMemory is what the maps of the Collector's BPF programs take, in bytes. From
// Linux 6.4 on it grows and shrinks with the entries of those that are not
// allocated in advance.
func (r *Rig) KernelMemory(t testing.TB) int {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", r.PID()))
	require.NoError(t, err)
	sum, seen := 0, map[string]bool{}
	for _, file := range files {
		text, _ := os.ReadFile(file) // it may be closed by now
		fields := map[string]string{}
		for line := range strings.Lines(string(text)) {
			key, value, _ := strings.Cut(line, ":")
			fields[key] = strings.TrimSpace(value)
		}
		if id := fields["map_id"]; id != "" && !seen[id] {
			seen[id] = true
			n, err := strconv.Atoi(fields["memlock"])
			require.NoError(t, err)
			sum += n
		}
	}
	require.Positive(t, sum)
	return sum
}
