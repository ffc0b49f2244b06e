package policy

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestValidateCitesTheKeyAndSaysWhatIsAllowed(t *testing.T) {
	ok := Config{Name: "ok", Type: AlwaysSample}
	one := func(c Config) []Config { c.Name = "x"; return []Config{c} }
	for name, c := range map[string]struct {
		list []Config
		want string
	}{
		"no policies":          {nil, "policies: must name at least one policy"},
		"no name":              {[]Config{{Type: AlwaysSample}}, "policies::0::name: must not be empty"},
		"a name twice":         {[]Config{ok, ok}, `policies::1::name: "ok" is used twice`},
		"an impossible type":   {one(Config{Type: "a b"}), `policies::0::a b: type "a b" is neither a policy nor the id of an extension`},
		"a misspelt block":     {one(Config{Type: Latency, Extension: map[string]any{"latncy": nil}}), `policies::0: unknown key "latncy" in a policy of type "latency"`},
		"latency below zero":   {one(Config{Type: Latency, Latency: LatencyConfig{ThresholdMs: -1}}), "policies::0::latency::threshold_ms: must not be negative, is -1"},
		"latency upside down":  {one(Config{Type: Latency, Latency: LatencyConfig{ThresholdMs: 5, UpperThresholdMs: 5}}), "policies::0::latency::upper_threshold_ms: must be 0 (none) or more than threshold_ms"},
		"a range of nothing":   {one(Config{Type: NumericAttribute, NumericAttribute: NumericAttributeConfig{Key: "k"}}), "policies::0::numeric_attribute: min_value or max_value must be set, to a number other than 0"},
		"a number of no key":   {one(Config{Type: NumericAttribute, NumericAttribute: NumericAttributeConfig{MaxValue: 1}}), "policies::0::numeric_attribute::key: must not be empty"},
		"more than all":        {one(share(101, "")), "policies::0::probabilistic::sampling_percentage: must be from 0 to 100, is 101"},
		"not a number":         {one(share(math.NaN(), "")), "policies::0::probabilistic::sampling_percentage: must be from 0 to 100, is NaN"},
		"no status":            {one(Config{Type: StatusCode}), "policies::0::status_code::status_codes: must list OK, ERROR or UNSET"},
		"an unknown status":    {one(Config{Type: StatusCode, StatusCode: StatusCodeConfig{StatusCodes: []string{"error"}}}), `policies::0::status_code::status_codes: "error" is none of OK, ERROR, UNSET`},
		"no values":            {one(Config{Type: StringAttribute, StringAttribute: StringAttributeConfig{Key: "k"}}), "policies::0::string_attribute::values: must list at least one value"},
		"a broken pattern":     {one(Config{Type: StringAttribute, StringAttribute: StringAttributeConfig{Key: "k", Values: []string{"("}, EnabledRegexMatching: true}}), "policies::0::string_attribute::values::0: error parsing regexp"},
		"a negative rate":      {one(Config{Type: RateLimiting, RateLimiting: RateLimitingConfig{SpansPerSecond: -1}}), "policies::0::rate_limiting::spans_per_second: must not be negative"},
		"a negative burst":     {one(Config{Type: BytesLimiting, BytesLimiting: BytesLimitingConfig{BurstCapacity: -1}}), "policies::0::bytes_limiting::burst_capacity: must not be negative"},
		"fewer than few":       {one(Config{Type: SpanCount, SpanCount: SpanCountConfig{MinSpans: 3, MaxSpans: 2}}), "policies::0::span_count::max_spans: must be 0 (no limit) or at least min_spans"},
		"tracestate of none":   {one(Config{Type: TraceState, TraceState: TraceStateConfig{Values: []string{"v"}}}), "policies::0::trace_state::key: must not be empty"},
		"a flag of no key":     {one(Config{Type: BooleanAttribute}), "policies::0::boolean_attribute::key: must not be empty"},
		"no condition":         {one(Config{Type: OTTLCondition}), "policies::0::ottl_condition: span or spanevent must list a condition"},
		"and of nothing":       {one(Config{Type: And}), "policies::0::and: must name its sub-policies"},
		"and of an empty one":  {one(Config{Type: And, And: &AndConfig{}}), "policies::0::and::and_sub_policy: must name at least one policy"},
		"drop of a bad one":    {one(Config{Type: Drop, Drop: &DropConfig{SubPolicies: one(Config{Type: StatusCode})}}), "policies::0::drop::drop_sub_policy::0::status_code::status_codes"},
		"not of nothing":       {one(Config{Type: Not, Not: &NotConfig{}}), "policies::0::not: must name its sub-policies"},
		"not of a bad one":     {one(Config{Type: Not, Not: &NotConfig{SubPolicy: &Config{Type: StatusCode}}}), "policies::0::not::not_sub_policy::status_code::status_codes"},
		"an unknown order":     {one(Config{Type: Composite, Composite: &CompositeConfig{SubPolicies: []Config{ok}, PolicyOrder: []string{"no"}}}), `policies::0::composite::policy_order::0: "no" is no composite_sub_policy`},
		"a share of no one":    {one(Config{Type: Composite, Composite: &CompositeConfig{SubPolicies: []Config{ok}, RateAllocation: []RateAllocationConfig{{Policy: "no"}}}}), `policies::0::composite::rate_allocation::0::policy: "no" is no composite_sub_policy`},
		"a share beyond all":   {one(Config{Type: Composite, Composite: &CompositeConfig{SubPolicies: []Config{ok}, RateAllocation: []RateAllocationConfig{{Policy: "ok", Percent: 101}}}}), "policies::0::composite::rate_allocation::0::percent: must be from 0 to 100"},
		"a fact over nothing":  {one(Config{Type: KernelFact, KernelFact: KernelFactConfig{Key: "k", AtLeast: 1}}), `policies::0::kernel_fact::over: must be span or trace, is ""`},
		"a fact from zero on":  {one(Config{Type: KernelFact, KernelFact: KernelFactConfig{Key: "k", Over: "span"}}), "policies::0::kernel_fact::at_least: must be more than 0, is 0"},
		"a fact of no key":     {one(Config{Type: KernelFact, KernelFact: KernelFactConfig{AtLeast: 1, Over: "span"}}), "policies::0::kernel_fact::key: must not be empty"},
		"a whole quantile":     {one(Config{Type: LatencyQuantile, LatencyQuantile: LatencyQuantileConfig{Quantile: 1}}), "policies::0::latency_quantile::quantile: must be above 0 and below 1, is 1"},
		"samples below zero":   {one(quantilePolicy(0.5, -1, 0)), "policies::0::latency_quantile::min_samples: must not be negative, is -1"},
		"kinds below zero":     {one(Config{Type: Rarity, Rarity: RarityConfig{MaxKinds: -1}}), "policies::0::rarity::max_kinds: must not be negative, is -1"},
		"stitching of nothing": {one(Config{Type: Stitching}), "policies::0::stitching: confidence_below, orphan_share or methods must be set"},
		"too sure":             {one(Config{Type: Stitching, Stitching: StitchingConfig{ConfidenceBelow: 2}}), "policies::0::stitching::confidence_below: must be from 0 to 1, is 2"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.ErrorContains(t, Validate("policies", c.list), c.want)
		})
	}
}

func TestSubPoliciesNeedNoNames(t *testing.T) {
	assert.NoError(t, Validate("policies", []Config{{Name: "a", Type: And, And: &AndConfig{SubPolicies: []Config{{Type: AlwaysSample}, {Type: TraceFlags}}}}}))
}
