package ebpfreceiver

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"

	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/registry"
)

// load reads testdata/config.yaml and returns the section of that name.
func load(t *testing.T, name string) *Config {
	t.Helper()
	conf, err := confmaptest.LoadConf("testdata/config.yaml")
	require.NoError(t, err)
	sub, err := conf.Sub(name)
	require.NoError(t, err)
	config := createDefaultConfig().(*Config)
	require.NoError(t, sub.Unmarshal(config))
	return config
}

func TestTheSmallestConfigIsValid(t *testing.T) {
	config := load(t, "ebpf")
	require.NoError(t, confmap.Validate(config))
	assert.True(t, config.Targets.Include[0].All)
	assert.Len(t, config.enabledProtocols(), len(registry.All()))
}

func TestEveryOptionIsRead(t *testing.T) {
	config := load(t, "ebpf/everything")
	require.NoError(t, confmap.Validate(config))
	want := createDefaultConfig().(*Config)
	want.Targets = config.Targets
	want.TraceOwnPeers = true
	want.CaptureSize, want.RingSize = 2048, 1<<20
	want.MaxConnections, want.MaxThreads, want.MaxPendingExchanges, want.MaxExchanges = 1, 2, 3, 4
	want.MaxStreamBytes, want.MaxBufferedBytes, want.MaxPendingSpans = 5000, 6000, 7
	want.ExchangeTimeout, want.IdleTimeout, want.FlushInterval = 2*time.Second, 2*time.Minute, 20*time.Millisecond
	want.Protocols = map[string]ProtocolConfig{"http": {Enabled: false}}
	want.Opaque, want.Evidence = OpaqueExport, false
	want.TraceContext = TraceContextConfig{
		Formats: []string{"b3", "custom"}, RequestIDHeaders: []string{"X-Trace-Ref"},
		Headers: ContextHeadersConfig{TraceID: "X-Acme-Trace", SpanID: "X-Acme-Span", ParentID: "X-Acme-Parent", Sampled: "X-Acme-Sampled"},
	}
	want.CaptureHeaders = []string{"X-Tenant"}
	want.Sanitize = SanitizeConfig{}
	want.MaxTextLength = 100
	assert.Equal(t, want, config)
	assert.Equal(t, "nginx", config.Targets.Include[0].Exe)
}

func TestAProtocolIsOnUnlessItSaysOtherwise(t *testing.T) {
	for text, enabled := range map[string]bool{"{}": true, "{enabled: true}": true, "{enabled: false}": false} {
		retrieved, err := confmap.NewRetrievedFromYAML([]byte("protocols: {http: " + text + "}"))
		require.NoError(t, err)
		conf, err := retrieved.AsConf()
		require.NoError(t, err)
		config := createDefaultConfig().(*Config)
		require.NoError(t, conf.Unmarshal(config))
		assert.Equal(t, enabled, config.Protocols["http"].Enabled, text)
		has := false
		for _, p := range config.enabledProtocols() {
			has = has || p.Name == "http"
		}
		assert.Equal(t, enabled, has, text)
	}
}

func TestValidateCitesTheKey(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"nothing is traced by default", func(c *Config) { c.Targets.Include = nil }, "targets: include"},
		{"no bytes", func(c *Config) { c.CaptureSize = 0 }, "capture_size: must be 64 to"},
		{"too many bytes", func(c *Config) { c.CaptureSize = 1 << 20 }, "capture_size: must be 64 to"},
		{"an odd ring", func(c *Config) { c.RingSize = 100_000 }, "ring_size: must be a power of two"},
		{"a small ring", func(c *Config) { c.RingSize = 4096 }, "ring_size: must be a power of two"},
		{"no connections", func(c *Config) { c.MaxConnections = 0 }, "max_connections: must be 1 to"},
		{"no threads", func(c *Config) { c.MaxThreads = -1 }, "max_threads: must be 1 to"},
		{"no pending exchanges", func(c *Config) { c.MaxPendingExchanges = 0 }, "max_pending_exchanges: must be"},
		{"no exchanges", func(c *Config) { c.MaxExchanges = 0 }, "max_exchanges: must be"},
		{"no bytes per stream", func(c *Config) { c.MaxStreamBytes = 0 }, "max_stream_bytes: must be 1024 to"},
		{"less than is captured", func(c *Config) { c.MaxStreamBytes = 2048 }, "max_stream_bytes: must be at least capture_size (4096)"},
		{"no bytes in all", func(c *Config) { c.MaxBufferedBytes = 0 }, "max_buffered_bytes: must be"},
		{"no spans", func(c *Config) { c.MaxPendingSpans = 0 }, "max_pending_spans: must be"},
		{"no text", func(c *Config) { c.MaxTextLength = 0 }, "max_text_length: must be"},
		{"no time for exchanges", func(c *Config) { c.ExchangeTimeout = 0 }, "exchange_timeout: must be 1s to"},
		{"no time to be idle", func(c *Config) { c.IdleTimeout = 0 }, "idle_timeout: must be 1m0s to"},
		{"no interval", func(c *Config) { c.FlushInterval = 0 }, "flush_interval: must be 5ms to"},
		{"an unknown protocol", func(c *Config) { c.Protocols = map[string]ProtocolConfig{"smtp": {}} }, "protocols::smtp: must be one of http"},
		{"an unknown word", func(c *Config) { c.Opaque = "keep" }, `opaque: must be "drop", "evidence" or "export", not "keep"`},
		{"evidence without evidence", func(c *Config) { c.Evidence = false }, `opaque: "evidence" needs evidence: true`},
		{"an unknown format", func(c *Config) { c.TraceContext.Formats = []string{"w3c", "dapper"} }, `trace_context: formats[1]: must be one of w3c, b3, jaeger`},
		{"a format twice", func(c *Config) { c.TraceContext.Formats = []string{"w3c", "b3", "w3c"} }, "trace_context: formats[2]: w3c is there before"},
		{"nine headers of request ids", func(c *Config) { c.TraceContext.RequestIDHeaders = make([]string, 9) }, "trace_context: request_id_headers: must be at most 8 names, not 9"},
		{"a nameless header of request ids", func(c *Config) { c.TraceContext.RequestIDHeaders = []string{"x-id", ""} }, "trace_context: request_id_headers[1]: must be the name of one header"},
		{"a span without a trace", func(c *Config) { c.TraceContext.Headers.SpanID = "x-span" }, "trace_context::headers: span_id: needs trace_id, too"},
		{"a list of headers", func(c *Config) { c.TraceContext.Headers.TraceID = "a: b" }, "trace_context::headers: trace_id: must be the name of one header"},
		{"a header with a space", func(c *Config) { c.CaptureHeaders = []string{"ok", "x y"} }, "capture_headers[1]: must be the name of one header"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			config := load(t, "ebpf")
			tt.change(config)
			err := confmap.Validate(config)
			require.Error(t, err)
			assert.Contains(t, err.Error(), tt.want)
		})
	}
}

func TestEveryMistakeIsReported(t *testing.T) {
	config := load(t, "ebpf")
	config.CaptureSize, config.MaxThreads, config.Opaque = 0, 0, ""
	err := config.Validate()
	require.Error(t, err)
	assert.Len(t, strings.Split(err.Error(), "\n"), 3)
}

func TestAllContextsAreReadByDefault(t *testing.T) {
	o := createDefaultConfig().(*Config).TraceContext.options()
	assert.Equal(t, tracectx.DefaultOptions(), o)
	config := load(t, "ebpf/everything")
	assert.Equal(t, &tracectx.Options{
		Formats: []tracectx.Format{tracectx.B3, tracectx.Custom}, RequestIDs: []string{"x-trace-ref"},
		Custom: tracectx.CustomHeaders{TraceID: "x-acme-trace", SpanID: "x-acme-span", ParentID: "x-acme-parent", Sampled: "x-acme-sampled"},
	}, config.TraceContext.options())
}
