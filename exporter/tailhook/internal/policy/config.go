package policy

import "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"

// Types of policies. Any other type is the id of an extension that implements
// samplingpolicy.Extension.
const (
	AlwaysSample     = "always_sample"
	And              = "and"
	BooleanAttribute = "boolean_attribute"
	BytesLimiting    = "bytes_limiting"
	Composite        = "composite"
	Drop             = "drop"
	Latency          = "latency"
	Not              = "not"
	NumericAttribute = "numeric_attribute"
	OTTLCondition    = "ottl_condition"
	Probabilistic    = "probabilistic"
	RateLimiting     = "rate_limiting"
	SpanCount        = "span_count"
	StatusCode       = "status_code"
	StringAttribute  = "string_attribute"
	TraceFlags       = "trace_flags"
	TraceState       = "trace_state"

	KernelFact      = "kernel_fact"
	LatencyQuantile = "latency_quantile"
	Rarity          = "rarity"
	Stitching       = "stitching"
)

// Config is one policy: its name, its type, and the block named like the type.
// It is the block of contrib's tail_sampling processor, and the last four types
// are our own.
type Config struct {
	// Name identifies the policy in metrics and as a sub-policy. Names are unique.
	Name string `mapstructure:"name"`
	// Type is one of the types above or the id of an extension.
	Type string `mapstructure:"type"`

	// Latency configures latency.
	Latency LatencyConfig `mapstructure:"latency"`
	// NumericAttribute configures numeric_attribute.
	NumericAttribute NumericAttributeConfig `mapstructure:"numeric_attribute"`
	// Probabilistic configures probabilistic.
	Probabilistic ProbabilisticConfig `mapstructure:"probabilistic"`
	// StatusCode configures status_code.
	StatusCode StatusCodeConfig `mapstructure:"status_code"`
	// StringAttribute configures string_attribute.
	StringAttribute StringAttributeConfig `mapstructure:"string_attribute"`
	// RateLimiting configures rate_limiting.
	RateLimiting RateLimitingConfig `mapstructure:"rate_limiting"`
	// BytesLimiting configures bytes_limiting.
	BytesLimiting BytesLimitingConfig `mapstructure:"bytes_limiting"`
	// SpanCount configures span_count.
	SpanCount SpanCountConfig `mapstructure:"span_count"`
	// TraceState configures trace_state.
	TraceState TraceStateConfig `mapstructure:"trace_state"`
	// BooleanAttribute configures boolean_attribute.
	BooleanAttribute BooleanAttributeConfig `mapstructure:"boolean_attribute"`
	// OTTLCondition configures ottl_condition.
	OTTLCondition OTTLConditionConfig `mapstructure:"ottl_condition"`
	// And configures and. Blocks with sub-policies are nil if absent.
	And *AndConfig `mapstructure:"and"`
	// Not configures not.
	Not *NotConfig `mapstructure:"not"`
	// Drop configures drop.
	Drop *DropConfig `mapstructure:"drop"`
	// Composite configures composite.
	Composite *CompositeConfig `mapstructure:"composite"`

	// KernelFact configures kernel_fact.
	KernelFact KernelFactConfig `mapstructure:"kernel_fact"`
	// LatencyQuantile configures latency_quantile.
	LatencyQuantile LatencyQuantileConfig `mapstructure:"latency_quantile"`
	// Rarity configures rarity.
	Rarity RarityConfig `mapstructure:"rarity"`
	// Stitching configures stitching.
	Stitching StitchingConfig `mapstructure:"stitching"`

	// Extension holds the block of a policy whose type is the id of an extension.
	Extension map[string]any `mapstructure:",remain"`
}

// LatencyConfig is for traces that took long, from the start of the first span to
// the end of the last.
type LatencyConfig struct {
	// ThresholdMs is the lower bound in milliseconds, exclusive.
	ThresholdMs int64 `mapstructure:"threshold_ms"`
	// UpperThresholdMs is the upper bound in milliseconds, inclusive; 0 is none.
	UpperThresholdMs int64 `mapstructure:"upper_threshold_ms"`
}

// NumericAttributeConfig is for traces with an integer attribute in a range.
type NumericAttributeConfig struct {
	// Key of the attribute, on a resource or a span.
	Key string `mapstructure:"key"`
	// MinValue is the lowest value that matches; 0 is no lower bound.
	MinValue int64 `mapstructure:"min_value"`
	// MaxValue is the highest value that matches; 0 is no upper bound.
	MaxValue int64 `mapstructure:"max_value"`
	// InvertMatch samples every trace but those with a match.
	InvertMatch bool `mapstructure:"invert_match"`
}

// ProbabilisticConfig is for a share of all traces, the same one in every
// Collector with the same salt.
type ProbabilisticConfig struct {
	// HashSalt makes layers of Collectors choose independently. A trace that says
	// itself how it was sampled (tracestate rv or th) ignores it.
	HashSalt string `mapstructure:"hash_salt"`
	// SamplingPercentage is the share in percent, 0 to 100.
	SamplingPercentage float64 `mapstructure:"sampling_percentage"`
}

// StatusCodeConfig is for traces with a span of some status.
type StatusCodeConfig struct {
	// StatusCodes lists OK, ERROR, UNSET.
	StatusCodes []string `mapstructure:"status_codes"`
}

// StringAttributeConfig is for traces with a string attribute of some value.
type StringAttributeConfig struct {
	// Key of the attribute, on a resource or a span.
	Key string `mapstructure:"key"`
	// Values lists the values, or regular expressions (RE2, not anchored).
	Values []string `mapstructure:"values"`
	// EnabledRegexMatching makes Values regular expressions.
	EnabledRegexMatching bool `mapstructure:"enabled_regex_matching"`
	// CacheMaxSize bounds how many answers of the expressions are remembered.
	CacheMaxSize int `mapstructure:"cache_max_size"`
	// InvertMatch samples every trace but those with a match.
	InvertMatch bool `mapstructure:"invert_match"`
}

// RateLimitingConfig is for as many spans a second as fit a token bucket.
type RateLimitingConfig struct {
	// SpansPerSecond is the rate.
	SpansPerSecond int64 `mapstructure:"spans_per_second"`
	// BurstCapacity is the size of the bucket in spans; 0 is twice the rate.
	BurstCapacity int64 `mapstructure:"burst_capacity"`
}

// BytesLimitingConfig is for as many bytes a second as fit a token bucket.
type BytesLimitingConfig struct {
	// BytesPerSecond is the rate, in bytes of OTLP.
	BytesPerSecond int64 `mapstructure:"bytes_per_second"`
	// BurstCapacity is the size of the bucket in bytes; 0 is twice the rate.
	BurstCapacity int64 `mapstructure:"burst_capacity"`
}

// SpanCountConfig is for traces with a number of spans in a range.
type SpanCountConfig struct {
	// MinSpans is the lowest number that matches.
	MinSpans int32 `mapstructure:"min_spans"`
	// MaxSpans is the highest number that matches; 0 is no upper bound.
	MaxSpans int32 `mapstructure:"max_spans"`
}

// TraceStateConfig is for traces with an entry in the tracestate of a span.
type TraceStateConfig struct {
	// Key of the entry.
	Key string `mapstructure:"key"`
	// Values lists what it may be.
	Values []string `mapstructure:"values"`
}

// BooleanAttributeConfig is for traces with a boolean attribute.
type BooleanAttributeConfig struct {
	// Key of the attribute, on a resource or a span.
	Key string `mapstructure:"key"`
	// Value it must have.
	Value bool `mapstructure:"value"`
	// InvertMatch samples every trace but those with a match.
	InvertMatch bool `mapstructure:"invert_match"`
}

// OTTLConditionConfig is for traces with a span or span event for which one of
// the OTTL conditions holds.
type OTTLConditionConfig struct {
	// ErrorMode is ignore, silent or propagate.
	ErrorMode ottl.ErrorMode `mapstructure:"error_mode"`
	// Span lists conditions on spans.
	Span []string `mapstructure:"span"`
	// SpanEvent lists conditions on span events.
	SpanEvent []string `mapstructure:"spanevent"`
}

// AndConfig is for traces that all its policies want.
type AndConfig struct {
	// SubPolicies are the policies.
	SubPolicies []Config `mapstructure:"and_sub_policy"`
}

// NotConfig is for traces that its policy does not want.
type NotConfig struct {
	// SubPolicy is the policy.
	SubPolicy *Config `mapstructure:"not_sub_policy"`
}

// DropConfig drops the traces that all its policies want, whatever others say.
type DropConfig struct {
	// SubPolicies are the policies.
	SubPolicies []Config `mapstructure:"drop_sub_policy"`
}

// CompositeConfig is for traces that its first matching policy wants, within a
// budget of spans each second for each policy.
type CompositeConfig struct {
	// MaxTotalSpansPerSecond is the whole budget.
	MaxTotalSpansPerSecond int64 `mapstructure:"max_total_spans_per_second"`
	// PolicyOrder is read and checked but, as in tail_sampling, the order of
	// SubPolicies is what counts.
	PolicyOrder []string `mapstructure:"policy_order"`
	// SubPolicies are the policies, in order.
	SubPolicies []Config `mapstructure:"composite_sub_policy"`
	// RateAllocation gives policies a share of the budget; the others get an equal
	// share each.
	RateAllocation []RateAllocationConfig `mapstructure:"rate_allocation"`
}

// RateAllocationConfig is one policy's share of a composite's budget.
type RateAllocationConfig struct {
	// Policy is the name of the sub-policy.
	Policy string `mapstructure:"policy"`
	// Percent of max_total_spans_per_second.
	Percent int64 `mapstructure:"percent"`
}

// KernelFactConfig is for traces in which a number that spans carry, such as TCP
// retransmits or the time waited for a lock, is large.
type KernelFactConfig struct {
	// Key of the span attribute, an integer or a double; a boolean counts as 0 or 1.
	Key string `mapstructure:"key"`
	// AtLeast is the number from which on the trace is wanted.
	AtLeast float64 `mapstructure:"at_least"`
	// Over is span, for the largest number of a span, or trace, for the sum.
	Over string `mapstructure:"over"`
}

// LatencyQuantileConfig is for traces with an entry (a server or consumer span, or
// one without a parent) that took longer than entries of its operation usually do.
type LatencyQuantileConfig struct {
	// Quantile of the operation's durations, above 0 and below 1.
	Quantile float64 `mapstructure:"quantile"`
	// MinSamples is how many entries of an operation must have been seen; 0 is 200.
	MinSamples int `mapstructure:"min_samples"`
	// MaxOperations bounds how many are learned, 1 KiB each; 0 is 4096.
	MaxOperations int `mapstructure:"max_operations"`
}

// RarityConfig is for about so many spans a second, the rare kinds of traces
// first. A kind is service and operation of the root, and whether a span failed.
type RarityConfig struct {
	// SpansPerSecond is the rate to keep.
	SpansPerSecond int64 `mapstructure:"spans_per_second"`
	// MaxKinds bounds how many kinds are told apart; 0 is 10000.
	MaxKinds int `mapstructure:"max_kinds"`
}

// StitchingConfig is for traces whose links, as the stitch processor made them, are
// in doubt: one of the conditions that are set must hold.
type StitchingConfig struct {
	// ConfidenceBelow wants a link with less confidence; 0 is off.
	ConfidenceBelow float64 `mapstructure:"confidence_below"`
	// OrphanShare wants at least this share of spans that lack a parent: client and
	// producer spans without one, and roots beyond the first; 0 is off.
	OrphanShare float64 `mapstructure:"orphan_share"`
	// Methods wants a link found by one of these methods.
	Methods []string `mapstructure:"methods"`
}
