package tailhook

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/pipeline"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/policy"
)

// Config configures the hook. The keys it has in common with contrib's
// tail_sampling processor mean the same.
type Config struct {
	// DecisionWait is the longest time from a trace's first span to its decision.
	DecisionWait time.Duration `mapstructure:"decision_wait"`
	// DecisionWaitAfterRootReceived is the longest time from the root span to the
	// decision; 0 is no such limit.
	DecisionWaitAfterRootReceived time.Duration `mapstructure:"decision_wait_after_root_received"`
	// SettledWait is the time from a span that says that its trace is settled to the
	// decision. 0, at once, is right when the stitch processor runs in the same
	// Collector; after a network hop, spans may overtake each other.
	SettledWait time.Duration `mapstructure:"settled_wait"`
	// CompleteWait decides a trace whose root and the peer of every call have been
	// seen when no span of it came for so long; 0 turns this off.
	CompleteWait time.Duration `mapstructure:"complete_wait"`
	// QuietWait decides a trace, once its root has been seen, when no span of it
	// came for so long; 0 turns this off.
	QuietWait time.Duration `mapstructure:"quiet_wait"`

	// Policies say which traces are kept: those that at least one policy samples
	// and none drops.
	Policies []policy.Config `mapstructure:"policies"`
	// SampleOnFirstMatch ends a decision at the first policy that samples.
	SampleOnFirstMatch bool `mapstructure:"sample_on_first_match"`
	// UseTraceState makes probabilistic policies heed the randomness and threshold
	// that a trace carries in its tracestate, and writes the threshold it was kept
	// with there, from which others compute how many traces it stands for.
	UseTraceState bool `mapstructure:"use_tracestate"`

	// NumTraces bounds the number of undecided traces; beyond it the oldest are
	// decided early. 0 leaves that to max_bytes.
	NumTraces uint64 `mapstructure:"num_traces"`
	// MaxBytes bounds the memory of all spans held.
	MaxBytes uint64 `mapstructure:"max_bytes"`
	// MaxTraceBytes bounds the memory of one trace. Spans beyond it count in the
	// decision but only a summary of them is kept. 0 is no such limit.
	MaxTraceBytes uint64 `mapstructure:"max_trace_bytes"`
	// MaximumTraceSizeBytes drops traces that grow larger; 0 is no such limit.
	MaximumTraceSizeBytes uint64 `mapstructure:"maximum_trace_size_bytes"`
	// NumShards is the number of goroutines that hold traces; 0 is one for every
	// four processors.
	NumShards uint32 `mapstructure:"num_shards"`
	// DropPendingTracesOnShutdown drops what is undecided at shutdown instead of
	// deciding on what has come.
	DropPendingTracesOnShutdown bool `mapstructure:"drop_pending_traces_on_shutdown"`
	// ExpectedNewTracesPerSec and BlockOnOverflow are keys of tail_sampling that have
	// no effect here: tables grow with what they hold, and a trace beyond num_traces
	// makes the oldest one leave, decided.
	ExpectedNewTracesPerSec uint64 `mapstructure:"expected_new_traces_per_sec"`
	BlockOnOverflow         bool   `mapstructure:"block_on_overflow"`
	// SamplingStrategy is a key of tail_sampling. Only its default is possible here:
	// decisions are on whole traces.
	SamplingStrategy string `mapstructure:"sampling_strategy"`
	// DecisionCache bounds the memory of decisions, which late spans follow.
	DecisionCache DecisionCacheConfig `mapstructure:"decision_cache"`

	// Storage is the id of a storage extension. With it, what is accepted survives
	// a crash.
	Storage *component.ID `mapstructure:"storage"`

	// DroppedPipelines are the pipelines, of those that this connector feeds, which
	// get the traces that are not kept. The others get those that are.
	DroppedPipelines []pipeline.ID `mapstructure:"dropped_pipelines"`
	// Delivery configures the hand-over to the next component.
	Delivery DeliveryConfig `mapstructure:"delivery"`
}

// DecisionCacheConfig bounds the memory of decisions.
type DecisionCacheConfig struct {
	// SampledCacheSize is the number of kept traces that are remembered.
	SampledCacheSize int `mapstructure:"sampled_cache_size"`
	// NonSampledCacheSize is the number of other traces that are remembered.
	NonSampledCacheSize int `mapstructure:"non_sampled_cache_size"`
}

// DeliveryConfig configures the hand-over to the next component.
type DeliveryConfig struct {
	// Senders is the number of concurrent calls of the next component.
	Senders int `mapstructure:"senders"`
	// RetryOnFailure configures how a call that failed is repeated.
	RetryOnFailure configretry.BackOffConfig `mapstructure:"retry_on_failure"`
	// ShutdownTimeout bounds the time that decided traces have to leave at shutdown.
	ShutdownTimeout time.Duration `mapstructure:"shutdown_timeout"`
}

func createDefaultConfig() component.Config {
	retry := configretry.NewDefaultBackOffConfig()
	retry.MaxElapsedTime = 0 // max_bytes bounds what waits; giving up would lose what was accepted
	return &Config{
		DecisionWait:     30 * time.Second,
		CompleteWait:     2 * time.Second,
		UseTraceState:    true,
		MaxBytes:         512 << 20,
		MaxTraceBytes:    8 << 20,
		SamplingStrategy: wholeTraces,
		DecisionCache:    DecisionCacheConfig{SampledCacheSize: 100_000, NonSampledCacheSize: 400_000},
		Delivery: DeliveryConfig{
			Senders:         4,
			RetryOnFailure:  retry,
			ShutdownTimeout: 10 * time.Second,
		},
	}
}

// wholeTraces is the value of sampling_strategy.
const wholeTraces = "trace-complete"

// minBytes is what a hook needs to do anything useful.
const minBytes = 1 << 20

// Validate checks the configuration.
func (c *Config) Validate() error {
	errs := []error{policy.Validate("policies", c.Policies)}
	check := func(ok bool, key, allowed string, is any) {
		if !ok {
			errs = append(errs, fmt.Errorf("%s: must be %s, is %v", key, allowed, is))
		}
	}
	check(c.DecisionWait > 0, "decision_wait", "more than 0", c.DecisionWait)
	for key, d := range map[string]time.Duration{
		"decision_wait_after_root_received": c.DecisionWaitAfterRootReceived,
		"settled_wait":                      c.SettledWait,
		"quiet_wait":                        c.QuietWait,
	} {
		check(d >= 0 && d <= c.DecisionWait, key, "from 0 to decision_wait", d)
	}
	check(c.CompleteWait >= 0, "complete_wait", "0 or more", c.CompleteWait)
	check(c.MaxBytes >= minBytes, "max_bytes", fmt.Sprintf("at least %d", minBytes), c.MaxBytes)
	check(c.MaxTraceBytes <= c.MaxBytes/4, "max_trace_bytes", "at most a quarter of max_bytes", c.MaxTraceBytes)
	check(c.SamplingStrategy == wholeTraces, "sampling_strategy", wholeTraces, c.SamplingStrategy)
	check(c.NumShards <= maxShards, "num_shards", fmt.Sprintf("at most %d", maxShards), c.NumShards)
	check(c.DecisionCache.SampledCacheSize >= 0, "decision_cache::sampled_cache_size", "0 or more", c.DecisionCache.SampledCacheSize)
	check(c.DecisionCache.NonSampledCacheSize >= 0, "decision_cache::non_sampled_cache_size", "0 or more", c.DecisionCache.NonSampledCacheSize)
	check(c.Delivery.Senders >= 1 && c.Delivery.Senders <= maxSenders, "delivery::senders", fmt.Sprintf("from 1 to %d", maxSenders), c.Delivery.Senders)
	check(c.Delivery.ShutdownTimeout > 0, "delivery::shutdown_timeout", "more than 0", c.Delivery.ShutdownTimeout)
	return errors.Join(errs...)
}

const (
	maxShards  = 256
	maxSenders = 256
)
