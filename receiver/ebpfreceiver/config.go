package ebpfreceiver

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/probe"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/registry"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target"
)

// Values of Config.Opaque.
const (
	OpaqueDrop     = "drop"
	OpaqueEvidence = "evidence"
	OpaqueExport   = "export"
)

// Config is the configuration of the receiver.
type Config struct {
	// Targets say which processes are traced.
	Targets target.Config `mapstructure:"targets"`
	// TraceOwnPeers keeps connections with this Collector itself: of applications
	// that export to it, of servers that it exports to. Default false.
	TraceOwnPeers bool `mapstructure:"trace_own_peers"`

	// CaptureSize is how many bytes at the head of each message are captured.
	// Default 4096.
	CaptureSize int `mapstructure:"capture_size"`
	// RingSize is the size in bytes of the buffer between kernel and receiver, a
	// power of two. Default 8388608 (8 MiB).
	RingSize int `mapstructure:"ring_size"`

	// MaxConnections bounds the connections that are followed, in the kernel and
	// in the receiver. Default 65536.
	MaxConnections int `mapstructure:"max_connections"`
	// MaxThreads bounds the threads that are followed. Default 65536.
	MaxThreads int `mapstructure:"max_threads"`
	// MaxPendingExchanges bounds the requests of one connection that wait for their
	// response, MaxExchanges those of all connections. Defaults 512 and 65536.
	MaxPendingExchanges int `mapstructure:"max_pending_exchanges"`
	MaxExchanges        int `mapstructure:"max_exchanges"`
	// MaxStreamBytes bounds what one direction of a connection holds of a message
	// that is not complete, MaxBufferedBytes what all hold. Defaults 65536 and
	// 67108864 (64 MiB).
	MaxStreamBytes   int `mapstructure:"max_stream_bytes"`
	MaxBufferedBytes int `mapstructure:"max_buffered_bytes"`
	// MaxPendingSpans bounds the spans that wait while the next component is slow.
	// Default 32768.
	MaxPendingSpans int `mapstructure:"max_pending_spans"`

	// ExchangeTimeout ends a request that nobody answers. Default 1m.
	ExchangeTimeout time.Duration `mapstructure:"exchange_timeout"`
	// IdleTimeout forgets a connection without I/O, whose close must have been
	// lost. Default 6h.
	IdleTimeout time.Duration `mapstructure:"idle_timeout"`
	// FlushInterval is the time between two batches of spans. Default 50ms.
	FlushInterval time.Duration `mapstructure:"flush_interval"`

	// Protocols switches protocols off and on, by name. Default: all are on.
	Protocols map[string]ProtocolConfig `mapstructure:"protocols"`
	// Opaque says what becomes of exchanges whose protocol cannot be read: "drop";
	// "evidence" (hidden spans through which the stitch processor links, and which
	// it removes); "export" (ordinary spans). Default "evidence".
	Opaque string `mapstructure:"opaque"`
	// TraceContext says which headers tell of the trace that a request belongs to.
	TraceContext TraceContextConfig `mapstructure:"trace_context"`
	// CaptureHeaders names the request headers to export, as
	// http.request.header.<name>. Default none.
	CaptureHeaders []string `mapstructure:"capture_headers"`
	// Sanitize says what to take out of attributes.
	Sanitize SanitizeConfig `mapstructure:"sanitize"`
	// MaxTextLength bounds the bytes of a statement, URL or key in an attribute.
	// Default 1024.
	MaxTextLength int `mapstructure:"max_text_length"`
	// Evidence adds to each span how it came about (docs/evidence.md), which the
	// stitch processor needs. Default true.
	Evidence bool `mapstructure:"evidence"`
}

// ProtocolConfig is what can be said of one protocol.
type ProtocolConfig struct {
	// Enabled lets connections be read as this protocol. Default true.
	Enabled bool `mapstructure:"enabled"`
}

// SanitizeConfig says which values are replaced before they leave the parsers.
type SanitizeConfig struct {
	// Queries replaces the values in the query strings of URLs. Default true.
	Queries bool `mapstructure:"queries"`
	// Statements replaces the literals in database statements. Default true.
	Statements bool `mapstructure:"statements"`
}

var (
	_ component.Config    = (*Config)(nil)
	_ confmap.Unmarshaler = (*ProtocolConfig)(nil)
)

// Unmarshal reads c, which is enabled unless it says otherwise.
func (c *ProtocolConfig) Unmarshal(conf *confmap.Conf) error {
	c.Enabled = true
	return conf.Unmarshal(c)
}

func createDefaultConfig() component.Config {
	return &Config{
		Targets:             target.NewConfig(),
		CaptureSize:         4096,
		RingSize:            8 << 20,
		MaxConnections:      65536,
		MaxThreads:          65536,
		MaxPendingExchanges: 512,
		MaxExchanges:        65536,
		MaxStreamBytes:      64 << 10,
		MaxBufferedBytes:    64 << 20,
		MaxPendingSpans:     32768,
		ExchangeTimeout:     time.Minute,
		IdleTimeout:         6 * time.Hour,
		FlushInterval:       50 * time.Millisecond,
		Opaque:              OpaqueEvidence,
		TraceContext:        defaultTraceContext(),
		Sanitize:            SanitizeConfig{Queries: true, Statements: true},
		MaxTextLength:       protocol.DefaultMaxStatement,
		Evidence:            true,
	}
}

// Validate reports every value that cannot be used, by its key. The Collector
// validates targets and trace_context by itself.
func (c *Config) Validate() error {
	return errors.Join(c.validateKernel(), c.validateLimits(), c.validateTimes(), c.validateProtocols(), c.validateContent())
}

func (c *Config) validateKernel() error {
	err := within("capture_size", c.CaptureSize, 64, probe.CaptureMax)
	if c.RingSize < 64<<10 || c.RingSize > 1<<30 || c.RingSize&(c.RingSize-1) != 0 {
		err = errors.Join(err, fmt.Errorf("ring_size: must be a power of two from 65536 to 1073741824, not %d", c.RingSize))
	}
	return err
}

func (c *Config) validateLimits() error {
	err := errors.Join(
		within("max_connections", c.MaxConnections, 1, 1<<22),
		within("max_threads", c.MaxThreads, 1, 1<<22),
		within("max_pending_exchanges", c.MaxPendingExchanges, 1, 1<<20),
		within("max_exchanges", c.MaxExchanges, 1, 1<<24),
		within("max_stream_bytes", c.MaxStreamBytes, 1024, 1<<30),
		within("max_buffered_bytes", c.MaxBufferedBytes, 1024, 1<<40),
		within("max_pending_spans", c.MaxPendingSpans, 1, 1<<24),
		within("max_text_length", c.MaxTextLength, 16, 1<<16),
	)
	if c.MaxStreamBytes < c.CaptureSize {
		err = errors.Join(err, fmt.Errorf("max_stream_bytes: must be at least capture_size (%d), not %d", c.CaptureSize, c.MaxStreamBytes))
	}
	return err
}

func (c *Config) validateTimes() error {
	return errors.Join(
		between("exchange_timeout", c.ExchangeTimeout, time.Second, 24*time.Hour),
		between("idle_timeout", c.IdleTimeout, time.Minute, 30*24*time.Hour),
		between("flush_interval", c.FlushInterval, 5*time.Millisecond, 10*time.Second),
	)
}

func (c *Config) validateProtocols() (err error) {
	names := protocolNames()
	for _, name := range slices.Sorted(maps.Keys(c.Protocols)) {
		if !slices.Contains(names, name) {
			err = errors.Join(err, fmt.Errorf("protocols::%s: must be one of %s", name, strings.Join(names, ", ")))
		}
	}
	return err
}

func (c *Config) validateContent() (err error) {
	switch c.Opaque {
	case OpaqueDrop, OpaqueExport:
	case OpaqueEvidence:
		if !c.Evidence {
			err = errors.New("opaque: \"evidence\" needs evidence: true; without it use \"drop\" or \"export\"")
		}
	default:
		err = fmt.Errorf("opaque: must be \"drop\", \"evidence\" or \"export\", not %q", c.Opaque)
	}
	for i, name := range c.CaptureHeaders {
		if !isHeaderName(name) {
			err = errors.Join(err, fmt.Errorf("capture_headers[%d]: must be the name of one header, not %q", i, name))
		}
	}
	return err
}

// within says that the value of key must be low to high.
func within(key string, value, low, high int) error {
	if value < low || value > high {
		return fmt.Errorf("%s: must be %d to %d, not %d", key, low, high, value)
	}
	return nil
}

// between is within for durations.
func between(key string, value, low, high time.Duration) error {
	if value < low || value > high {
		return fmt.Errorf("%s: must be %v to %v, not %v", key, low, high, value)
	}
	return nil
}

func protocolNames() (names []string) {
	for _, p := range registry.All() {
		names = append(names, p.Name)
	}
	return names
}

// enabledProtocols returns the protocols that c leaves on, in the order of the
// registry.
func (c *Config) enabledProtocols() (list []protocol.Protocol) {
	for _, p := range registry.All() {
		if pc, ok := c.Protocols[p.Name]; !ok || pc.Enabled {
			list = append(list, p)
		}
	}
	return list
}
