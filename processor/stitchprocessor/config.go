package stitchprocessor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/join"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/link"
)

// LowConfidence says what becomes of a link below min_confidence.
type LowConfidence string

// Values of low_confidence.
const (
	LowConfidenceLink LowConfidence = "link" // a span link with method and confidence
	LowConfidenceDrop LowConfidence = "drop" // nothing
)

// Config is the configuration of the processor.
type Config struct {
	// MaxWait is how long a span is held at most, from its arrival.
	MaxWait time.Duration `mapstructure:"max_wait"`
	// SettleDelay is how long a trace that waits for nothing is still kept, in case
	// that spans of it are on their way.
	SettleDelay time.Duration `mapstructure:"settle_delay"`
	// PeerWait is how long one end of a connection waits for the span of the other, if
	// that is expected.
	PeerWait time.Duration `mapstructure:"peer_wait"`
	// ApplicationWait is how long a request without a trace context waits for the span
	// of an SDK in the process that served it, if that has one.
	ApplicationWait time.Duration `mapstructure:"application_wait"`
	// MaxSpans is how many spans are held at most.
	MaxSpans int `mapstructure:"max_spans"`
	// MaxSpansPerTrace and MaxTraceDepth bound one trace.
	MaxSpansPerTrace int `mapstructure:"max_spans_per_trace"`
	MaxTraceDepth    int `mapstructure:"max_trace_depth"`
	// MaxChildren is how many calls one request can have.
	MaxChildren int `mapstructure:"max_children"`
	// MaxAge is how long after the start of a request a call of it can begin.
	MaxAge time.Duration `mapstructure:"max_age"`
	// MaxProcesses is how many process instances are followed at a time.
	MaxProcesses int `mapstructure:"max_processes"`
	// MinConfidence is the least probability, 0 to 1, for which a parent is set.
	MinConfidence float64 `mapstructure:"min_confidence"`
	// LowConfidence says what becomes of a link below it.
	LowConfidence LowConfidence `mapstructure:"low_confidence"`
	// Disable are methods, as stitch.method names them, that decide nothing.
	Disable []string `mapstructure:"disable"`
	// KeepEvidence leaves the evidence on the spans.
	KeepEvidence bool `mapstructure:"keep_evidence"`
	// Fragments says that the stitch processor of a gateway goes on with what is
	// released: it leaves on the spans what that needs.
	Fragments bool `mapstructure:"fragments"`
	// SelfCheck is about links that are known for certain and decided blind as well.
	SelfCheck SelfCheckConfig `mapstructure:"self_check"`
	// Times is about calls that come without evidence and without a parent.
	Times TimesConfig `mapstructure:"times"`
	// Workers is how many goroutines decide; 0 is one for every two processors.
	Workers int `mapstructure:"workers"`
}

// SelfCheckConfig says whether calls whose request is known by a trace context or a
// request id are also decided without these, and the outcomes counted.
type SelfCheckConfig struct {
	Enabled bool `mapstructure:"enabled"`
	// MaxServices is how many services are counted under their own name.
	MaxServices int `mapstructure:"max_services"`
}

// TimesConfig says whether calls are linked by their times where nothing else is known.
type TimesConfig struct {
	// Enabled lets CLIENT spans without a parent, of services that have SERVER spans, wait
	// until it is clear which of these they belong to.
	Enabled bool `mapstructure:"enabled"`
	// MaxSpans is how many of them wait at most.
	MaxSpans int `mapstructure:"max_spans"`
	// Exclude are service names whose spans are left as they are: of services that call of
	// their own accord, as schedulers do, or that another processor links.
	Exclude []string `mapstructure:"exclude"`
	// Seed begins the random numbers: with the same, the same spans give the same links.
	Seed uint64 `mapstructure:"seed"`
}

func createDefaultConfig() component.Config {
	return &Config{
		MaxWait:          10 * time.Second,
		SettleDelay:      100 * time.Millisecond,
		PeerWait:         time.Second,
		ApplicationWait:  6 * time.Second,
		MaxSpans:         100_000,
		MaxSpansPerTrace: 5000,
		MaxTraceDepth:    64,
		MaxChildren:      1000,
		MaxAge:           5 * time.Minute,
		MaxProcesses:     1000,
		MinConfidence:    0.9,
		LowConfidence:    LowConfidenceLink,
		SelfCheck:        SelfCheckConfig{Enabled: true, MaxServices: 100},
		Times:            TimesConfig{Enabled: true, MaxSpans: 20_000},
	}
}

// Validate reports every key whose value is not allowed.
func (c *Config) Validate() error {
	var errs []error
	bad := func(wrong bool, key, allowed string, value any) {
		if wrong {
			errs = append(errs, fmt.Errorf("%s: must be %s, is %v", key, allowed, value))
		}
	}
	bad(c.MaxWait < 100*time.Millisecond || c.MaxWait > time.Hour, "max_wait", "from 100ms to 1h", c.MaxWait)
	bad(c.SettleDelay < 0 || c.SettleDelay > c.MaxWait, "settle_delay", "from 0 to max_wait", c.SettleDelay)
	bad(c.PeerWait < 0 || c.PeerWait > c.MaxWait, "peer_wait", "from 0 to max_wait", c.PeerWait)
	bad(c.ApplicationWait < 0, "application_wait", "at least 0", c.ApplicationWait)
	bad(c.MaxSpans < 1, "max_spans", "at least 1", c.MaxSpans)
	bad(c.MaxSpansPerTrace < 1, "max_spans_per_trace", "at least 1", c.MaxSpansPerTrace)
	bad(c.MaxTraceDepth < 1, "max_trace_depth", "at least 1", c.MaxTraceDepth)
	bad(c.MaxChildren < 1, "max_children", "at least 1", c.MaxChildren)
	bad(c.MaxAge <= 0, "max_age", "more than 0", c.MaxAge)
	bad(c.MaxProcesses < 1, "max_processes", "at least 1", c.MaxProcesses)
	bad(!(c.MinConfidence >= 0.5 && c.MinConfidence <= 1), "min_confidence", "from 0.5 to 1", c.MinConfidence)
	bad(c.LowConfidence != LowConfidenceLink && c.LowConfidence != LowConfidenceDrop,
		"low_confidence", "link or drop", fmt.Sprintf("%q", string(c.LowConfidence)))
	for _, name := range c.Disable {
		bad(name != Joint && !slices.Contains(Methods(), name), "disable", "names of methods ("+strings.Join(Methods(), ", ")+")", fmt.Sprintf("%q", name))
	}
	bad(c.SelfCheck.MaxServices < 1, "self_check::max_services", "at least 1", c.SelfCheck.MaxServices)
	bad(c.Times.MaxSpans < 1, "times::max_spans", "at least 1", c.Times.MaxSpans)
	bad(slices.Contains(c.Times.Exclude, ""), "times::exclude", "names of services", fmt.Sprintf("%q", c.Times.Exclude))
	bad(c.Workers < 0 || c.Workers > 256, "workers", "from 0 to 256", c.Workers)
	return errors.Join(errs...)
}

// Joint is no method but may be disabled like one: then calls that compete for requests
// are not assigned together, but each is decided on by itself.
const Joint = "joint"

// Methods returns every value that stitch.method can have, the strongest first.
func Methods() []string {
	out := []string{join.MethodTCP, join.MethodNAT, join.MethodApplication}
	for k := range link.Kinds {
		out = append(out, link.Describe(k).Name)
	}
	return append(out, methodTimes)
}

// timed reports whether calls are linked by times.
func (c *Config) timed() bool { return c.Times.Enabled && !c.disables(methodTimes) }

func (c *Config) disables(method string) bool { return slices.Contains(c.Disable, method) }

func (c *Config) disabledKinds() (out [link.Kinds]bool) {
	for k := range link.Kinds {
		out[k] = c.disables(link.Describe(k).Name)
	}
	return out
}
