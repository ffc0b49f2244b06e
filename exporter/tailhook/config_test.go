package tailhook

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/pipeline"
	"go.yaml.in/yaml/v3"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/policy"
)

func load(t *testing.T, file string) *Config {
	conf, err := confmaptest.LoadConf("testdata/" + file)
	require.NoError(t, err)
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, conf.Unmarshal(cfg))
	return cfg
}

func TestEveryKeyIsRead(t *testing.T) {
	cfg := load(t, "all.yaml")
	require.NoError(t, confmap.Validate(cfg))
	want := createDefaultConfig().(*Config)
	want.DecisionWait = time.Minute
	want.DecisionWaitAfterRootReceived = 5 * time.Second
	want.SettledWait = 200 * time.Millisecond
	want.QuietWait = 3 * time.Second
	want.CompleteWait = time.Second
	want.Policies = []policy.Config{{Name: "all", Type: policy.AlwaysSample}}
	want.SampleOnFirstMatch = true
	want.UseTraceState = false
	want.DropPendingTracesOnShutdown = true
	want.ExpectedNewTracesPerSec = 500
	want.BlockOnOverflow = true
	want.NumTraces = 1000
	want.MaxBytes = 64 << 20
	want.MaxTraceBytes = 1 << 20
	want.MaximumTraceSizeBytes = 2 << 20
	want.NumShards = 2
	want.DecisionCache = DecisionCacheConfig{SampledCacheSize: 10, NonSampledCacheSize: 20}
	want.DroppedPipelines = []pipeline.ID{archiveID}
	want.Delivery.Senders = 2
	want.Delivery.ShutdownTimeout = time.Second
	want.Delivery.RetryOnFailure.MaxElapsedTime = time.Minute
	assert.Equal(t, want, cfg)
}

func TestThePoliciesOfTailSamplingAreRead(t *testing.T) {
	cfg := load(t, "tail_sampling.yaml")
	require.NoError(t, confmap.Validate(cfg))
	types := map[string]bool{}
	var walk func([]policy.Config)
	walk = func(list []policy.Config) {
		for _, c := range list {
			types[c.Type] = true
			assert.Empty(t, c.Extension)
			switch c.Type {
			case policy.And:
				walk(c.And.SubPolicies)
			case policy.Drop:
				walk(c.Drop.SubPolicies)
			case policy.Not:
				walk([]policy.Config{*c.Not.SubPolicy})
			case policy.Composite:
				walk(c.Composite.SubPolicies)
			}
		}
	}
	walk(cfg.Policies)
	assert.Len(t, types, 17)
}

func TestMovingFromTailSamplingIsRenamingTheBlock(t *testing.T) {
	var before, after map[string]any
	readYAML(t, "moving/tail_sampling.yaml", &before)
	readYAML(t, "moving/tailhook.yaml", &after)
	theirs := before["processors"].(map[string]any)["tail_sampling"].(map[string]any)
	ours := after["connectors"].(map[string]any)["tailhook"]
	require.Equal(t, theirs, ours)
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, confmap.NewFromStringMap(theirs).Unmarshal(cfg))
	require.NoError(t, confmap.Validate(cfg))
	policies, err := yaml.Marshal(theirs["policies"])
	require.NoError(t, err)
	assert.NotZero(t, rival(t, string(policies), 100, 3), "and the decisions are the same")
}

func TestValidateCitesTheKey(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"policies: must name at least one policy":                          func(c *Config) { c.Policies = nil },
		"decision_wait: must be more than 0, is 0s":                        func(c *Config) { c.DecisionWait = 0 },
		"quiet_wait: must be from 0 to decision_wait, is 1h":               func(c *Config) { c.QuietWait = time.Hour },
		"settled_wait: must be from 0 to decision_wait, is -1s":            func(c *Config) { c.SettledWait = -time.Second },
		"decision_wait_after_root_received: must be":                       func(c *Config) { c.DecisionWaitAfterRootReceived = time.Hour },
		"complete_wait: must be 0 or more, is -1s":                         func(c *Config) { c.CompleteWait = -time.Second },
		"max_bytes: must be at least 1048576, is 5":                        func(c *Config) { c.MaxBytes = 5 },
		"max_trace_bytes: must be at most a quarter of max_bytes":          func(c *Config) { c.MaxTraceBytes = c.MaxBytes },
		"sampling_strategy: must be trace-complete, is span-ingest":        func(c *Config) { c.SamplingStrategy = "span-ingest" },
		"num_shards: must be at most 256, is 1000":                         func(c *Config) { c.NumShards = 1000 },
		"decision_cache::sampled_cache_size: must be 0 or more, is -1":     func(c *Config) { c.DecisionCache.SampledCacheSize = -1 },
		"decision_cache::non_sampled_cache_size: must be 0 or more, is -1": func(c *Config) { c.DecisionCache.NonSampledCacheSize = -1 },
		"delivery::senders: must be from 1 to 256, is 0":                   func(c *Config) { c.Delivery.Senders = 0 },
		"delivery::shutdown_timeout: must be more than 0":                  func(c *Config) { c.Delivery.ShutdownTimeout = 0 },
	} {
		t.Run(want, func(t *testing.T) {
			cfg := createDefaultConfig().(*Config)
			cfg.Policies = []policy.Config{everything}
			require.NoError(t, cfg.Validate())
			change(cfg)
			assert.ErrorContains(t, cfg.Validate(), want)
		})
	}
}

func readYAML(t *testing.T, file string, into any) {
	text, err := os.ReadFile("testdata/" + file)
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, into))
}
