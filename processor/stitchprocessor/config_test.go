package stitchprocessor

import (
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/link"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

func TestTheDefaultConfigurationIsValid(t *testing.T) {
	require.NoError(t, defaults().Validate())
}

func TestConfigurationIsRead(t *testing.T) {
	c := defaults()
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"max_wait": "5s", "settle_delay": "50ms", "peer_wait": "200ms", "application_wait": "2s", "fragments": true, "max_spans": 10, "max_spans_per_trace": 9,
		"max_trace_depth": 8, "max_children": 7, "max_age": "1m", "max_processes": 6, "min_confidence": 0.95,
		"low_confidence": "drop", "keep_evidence": true, "disable": []any{"tick", "tcp"}, "workers": 3,
		"self_check": map[string]any{"enabled": false, "max_services": 4},
		"times":      map[string]any{"enabled": false, "max_spans": 5, "exclude": []any{"cron"}, "seed": 7},
	}).Unmarshal(c))
	assert.Equal(t, &Config{
		MaxWait: 5 * time.Second, SettleDelay: 50 * time.Millisecond, PeerWait: 200 * time.Millisecond, ApplicationWait: 2 * time.Second,
		MaxSpans: 10, MaxSpansPerTrace: 9, MaxTraceDepth: 8, MaxChildren: 7, MaxAge: time.Minute, MaxProcesses: 6,
		MinConfidence: 0.95, LowConfidence: LowConfidenceDrop, KeepEvidence: true, Fragments: true, Disable: []string{"tick", "tcp"}, Workers: 3,
		SelfCheck: SelfCheckConfig{MaxServices: 4},
		Times:     TimesConfig{MaxSpans: 5, Exclude: []string{"cron"}, Seed: 7},
	}, c)
	require.NoError(t, c.Validate())
}

func TestWhatIsNotAllowedIsNamed(t *testing.T) {
	for message, change := range map[string]func(*Config){
		"max_wait: must be from 100ms to 1h, is 99ms":                                 func(c *Config) { c.MaxWait, c.SettleDelay, c.PeerWait = 99*time.Millisecond, 0, 0 },
		"max_wait: must be from 100ms to 1h, is 1h0m1s":                               func(c *Config) { c.MaxWait = time.Hour + time.Second },
		"settle_delay: must be from 0 to max_wait, is 11s":                            func(c *Config) { c.SettleDelay = 11 * time.Second },
		"settle_delay: must be from 0 to max_wait, is -1s":                            func(c *Config) { c.SettleDelay = -time.Second },
		"peer_wait: must be from 0 to max_wait, is 11s":                               func(c *Config) { c.PeerWait = 11 * time.Second },
		"application_wait: must be at least 0, is -1s":                                func(c *Config) { c.ApplicationWait = -time.Second },
		"times::max_spans: must be at least 1, is 0":                                  func(c *Config) { c.Times.MaxSpans = 0 },
		"self_check::max_services: must be at least 1, is 0":                          func(c *Config) { c.SelfCheck.MaxServices = 0 },
		`times::exclude: must be names of services, is ["a" ""]`:                      func(c *Config) { c.Times.Exclude = []string{"a", ""} },
		"max_spans: must be at least 1, is 0":                                         func(c *Config) { c.MaxSpans = 0 },
		"max_spans_per_trace: must be at least 1, is -1":                              func(c *Config) { c.MaxSpansPerTrace = -1 },
		"max_trace_depth: must be at least 1, is 0":                                   func(c *Config) { c.MaxTraceDepth = 0 },
		"max_children: must be at least 1, is 0":                                      func(c *Config) { c.MaxChildren = 0 },
		"max_age: must be more than 0, is 0s":                                         func(c *Config) { c.MaxAge = 0 },
		"max_processes: must be at least 1, is 0":                                     func(c *Config) { c.MaxProcesses = 0 },
		"min_confidence: must be from 0.5 to 1, is 0.4":                               func(c *Config) { c.MinConfidence = 0.4 },
		"min_confidence: must be from 0.5 to 1, is 1.1":                               func(c *Config) { c.MinConfidence = 1.1 },
		`low_confidence: must be link or drop, is "parent"`:                           func(c *Config) { c.LowConfidence = "parent" },
		"workers: must be from 0 to 256, is 257":                                      func(c *Config) { c.Workers = 257 },
		"max_spans: must be at least 1, is 0\nmax_children: must be at least 1, is 0": func(c *Config) { c.MaxSpans, c.MaxChildren = 0, 0 },
	} {
		c := defaults()
		change(c)
		assert.EqualError(t, c.Validate(), message)
	}
	c := defaults()
	c.Disable = []string{"tcp", "telepathy"}
	assert.ErrorContains(t, c.Validate(), "disable: must be names of methods (tcp, tcp_position, application, context, goroutine, ")
	assert.ErrorContains(t, c.Validate(), `, is "telepathy"`)
}

func TestTheReadmeNamesEveryKeyAndMethod(t *testing.T) {
	b, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for f := range reflect.TypeFor[Config]().Fields() {
		assert.Contains(t, string(b), "| `"+f.Tag.Get("mapstructure")+"` |")
	}
	for k := window.Kind(0); k < link.Kinds; k++ {
		assert.Contains(t, string(b), "`"+link.Describe(k).Name+"`")
	}
}
