package policy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"go.opentelemetry.io/collector/component"
)

// Validate checks a list of policies. key is where the list stands in the
// configuration; errors cite the full key.
func Validate(key string, list []Config) error {
	return errors.Join(checkNames(key, list), validateList(key, list))
}

// checkNames demands names by which the policies can be told apart. Sub-policies
// need them only in a composite.
func checkNames(key string, list []Config) error {
	var errs []error
	seen := map[string]bool{}
	for i := range list {
		switch name := list[i].Name; {
		case name == "":
			errs = append(errs, fmt.Errorf("%s::%d::name: must not be empty", key, i))
		case seen[name]:
			errs = append(errs, fmt.Errorf("%s::%d::name: %q is used twice", key, i, name))
		}
		seen[list[i].Name] = true
	}
	return errors.Join(errs...)
}

func validateList(key string, list []Config) error {
	if len(list) == 0 {
		return fmt.Errorf("%s: must name at least one policy", key)
	}
	var errs []error
	for i := range list {
		errs = append(errs, list[i].validate(fmt.Sprintf("%s::%d", key, i)))
	}
	return errors.Join(errs...)
}

func (c *Config) validate(at string) error {
	for k := range c.Extension {
		if k != c.Type {
			return fmt.Errorf("%s: unknown key %q in a policy of type %q", at, k, c.Type)
		}
	}
	at = at + "::" + c.Type
	switch c.Type {
	case AlwaysSample, TraceFlags:
		return nil
	case Latency:
		return c.Latency.validate(at)
	case NumericAttribute:
		return c.NumericAttribute.validate(at)
	case Probabilistic:
		return within(at+"::sampling_percentage", c.Probabilistic.SamplingPercentage, 0, 100)
	case StatusCode:
		return c.StatusCode.validate(at)
	case StringAttribute:
		return c.StringAttribute.validate(at)
	case RateLimiting:
		return notNegative(at, "spans_per_second", c.RateLimiting.SpansPerSecond, "burst_capacity", c.RateLimiting.BurstCapacity)
	case BytesLimiting:
		return notNegative(at, "bytes_per_second", c.BytesLimiting.BytesPerSecond, "burst_capacity", c.BytesLimiting.BurstCapacity)
	case SpanCount:
		return c.SpanCount.validate(at)
	case TraceState:
		return keyAndValues(at, c.TraceState.Key, c.TraceState.Values)
	case BooleanAttribute:
		return needKey(at, c.BooleanAttribute.Key)
	case OTTLCondition:
		return c.OTTLCondition.validate(at)
	case KernelFact:
		return c.KernelFact.validate(at)
	case LatencyQuantile:
		return c.LatencyQuantile.validate(at)
	case Rarity:
		return notNegative(at, "spans_per_second", c.Rarity.SpansPerSecond, "max_kinds", int64(c.Rarity.MaxKinds))
	case Stitching:
		return c.Stitching.validate(at)
	default:
		return c.validateGroup(at)
	}
}

func (c *Config) validateGroup(at string) error {
	switch {
	case c.Type == And && c.And != nil:
		return validateList(at+"::and_sub_policy", c.And.SubPolicies)
	case c.Type == Drop && c.Drop != nil:
		return validateList(at+"::drop_sub_policy", c.Drop.SubPolicies)
	case c.Type == Not && c.Not != nil && c.Not.SubPolicy != nil:
		return c.Not.SubPolicy.validate(at + "::not_sub_policy")
	case c.Type == Composite && c.Composite != nil:
		return c.Composite.validate(at)
	case c.Type == And, c.Type == Drop, c.Type == Not, c.Type == Composite:
		return fmt.Errorf("%s: must name its sub-policies", at)
	}
	var id component.ID
	if err := id.UnmarshalText([]byte(c.Type)); err != nil {
		return fmt.Errorf("%s: type %q is neither a policy nor the id of an extension", at, c.Type)
	}
	return nil
}

func (c *LatencyConfig) validate(at string) error {
	if c.UpperThresholdMs != 0 && c.UpperThresholdMs <= c.ThresholdMs {
		return fmt.Errorf("%s::upper_threshold_ms: must be 0 (none) or more than threshold_ms", at)
	}
	return notNegative(at, "threshold_ms", c.ThresholdMs)
}

func (c *NumericAttributeConfig) validate(at string) error {
	if c.MinValue == 0 && c.MaxValue == 0 {
		return fmt.Errorf("%s: min_value or max_value must be set, to a number other than 0", at)
	}
	return needKey(at, c.Key)
}

func (c *StatusCodeConfig) validate(at string) error {
	if len(c.StatusCodes) == 0 {
		return fmt.Errorf("%s::status_codes: must list OK, ERROR or UNSET", at)
	}
	for _, s := range c.StatusCodes {
		if _, ok := statusCodes(s); !ok {
			return fmt.Errorf("%s::status_codes: %q is none of OK, ERROR, UNSET", at, s)
		}
	}
	return nil
}

func (c *StringAttributeConfig) validate(at string) error {
	if c.EnabledRegexMatching {
		for i, v := range c.Values {
			if _, err := regexp.Compile(v); err != nil {
				return fmt.Errorf("%s::values::%d: %w", at, i, err)
			}
		}
	}
	return keyAndValues(at, c.Key, c.Values)
}

func (c *SpanCountConfig) validate(at string) error {
	if c.MaxSpans != 0 && c.MaxSpans < c.MinSpans {
		return fmt.Errorf("%s::max_spans: must be 0 (no limit) or at least min_spans", at)
	}
	return notNegative(at, "min_spans", int64(c.MinSpans), "max_spans", int64(c.MaxSpans))
}

func (c *OTTLConditionConfig) validate(at string) error {
	if len(c.Span) == 0 && len(c.SpanEvent) == 0 {
		return fmt.Errorf("%s: span or spanevent must list a condition", at)
	}
	return nil
}

func (c *CompositeConfig) validate(at string) error {
	if err := Validate(at+"::composite_sub_policy", c.SubPolicies); err != nil {
		return err
	}
	known := func(name string) bool {
		return slices.ContainsFunc(c.SubPolicies, func(p Config) bool { return p.Name == name })
	}
	for i, name := range c.PolicyOrder {
		if !known(name) {
			return fmt.Errorf("%s::policy_order::%d: %q is no composite_sub_policy", at, i, name)
		}
	}
	for i, a := range c.RateAllocation {
		if !known(a.Policy) {
			return fmt.Errorf("%s::rate_allocation::%d::policy: %q is no composite_sub_policy", at, i, a.Policy)
		}
		if err := within(fmt.Sprintf("%s::rate_allocation::%d::percent", at, i), float64(a.Percent), 0, 100); err != nil {
			return err
		}
	}
	return notNegative(at, "max_total_spans_per_second", c.MaxTotalSpansPerSecond)
}

func (c *KernelFactConfig) validate(at string) error {
	if c.Over != "span" && c.Over != "trace" {
		return fmt.Errorf("%s::over: must be span or trace, is %q", at, c.Over)
	}
	if !(c.AtLeast > 0) {
		return fmt.Errorf("%s::at_least: must be more than 0, is %v", at, c.AtLeast)
	}
	return needKey(at, c.Key)
}

func (c *LatencyQuantileConfig) validate(at string) error {
	if !(c.Quantile > 0 && c.Quantile < 1) {
		return fmt.Errorf("%s::quantile: must be above 0 and below 1, is %v", at, c.Quantile)
	}
	return notNegative(at, "min_samples", int64(c.MinSamples), "max_operations", int64(c.MaxOperations))
}

func (c *StitchingConfig) validate(at string) error {
	if c.ConfidenceBelow == 0 && c.OrphanShare == 0 && len(c.Methods) == 0 {
		return fmt.Errorf("%s: confidence_below, orphan_share or methods must be set", at)
	}
	return errors.Join(
		within(at+"::confidence_below", c.ConfidenceBelow, 0, 1),
		within(at+"::orphan_share", c.OrphanShare, 0, 1))
}

func needKey(at, key string) error {
	if key == "" {
		return fmt.Errorf("%s::key: must not be empty", at)
	}
	return nil
}

func keyAndValues(at, key string, values []string) error {
	if len(values) == 0 {
		return fmt.Errorf("%s::values: must list at least one value", at)
	}
	return needKey(at, key)
}

func within(key string, v, lo, hi float64) error {
	if v < lo || v > hi || v != v {
		return fmt.Errorf("%s: must be from %v to %v, is %v", key, lo, hi, v)
	}
	return nil
}

// notNegative takes pairs of a key and its value.
func notNegative(at string, pairs ...any) error {
	for i := 0; i < len(pairs); i += 2 {
		if v := pairs[i+1].(int64); v < 0 {
			return fmt.Errorf("%s::%s: must not be negative, is %d", at, pairs[i], v)
		}
	}
	return nil
}
