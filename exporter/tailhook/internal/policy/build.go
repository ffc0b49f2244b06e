package policy

import (
	"fmt"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor/pkg/samplingpolicy"
	"go.opentelemetry.io/collector/component"
)

// Options change how a [Set] decides.
type Options struct {
	// FirstMatch ends a decision at the first policy that samples.
	FirstMatch bool
	// TraceState makes probabilistic policies heed the randomness and threshold
	// that a trace carries in its tracestate.
	TraceState bool
	// Extensions are the policies of extensions, by component id.
	Extensions map[string]samplingpolicy.Extension
}

// NewSet builds the policies of list, which must have passed [Validate].
func NewSet(list []Config, set component.TelemetrySettings, opts *Options) (*Set, error) {
	if opts == nil {
		opts = &Options{}
	}
	b := &builder{set: &Set{firstMatch: opts.FirstMatch, traceState: opts.TraceState}, telemetry: set, opts: opts}
	for _, drops := range []bool{true, false} {
		for i := range list {
			if (list[i].Type == Drop) != drops {
				continue
			}
			n, err := b.build(&list[i])
			if err != nil {
				return nil, err
			}
			b.set.policies = append(b.set.policies, named{node: n, name: list[i].Name, drops: drops})
		}
	}
	return b.finish(), nil
}

// builder collects what the nodes need to see. Conditions have the first bits,
// latencies, which nobody but Time sets, the ones after them.
type builder struct {
	set       *Set
	telemetry component.TelemetrySettings
	opts      *Options
	late      []*fact // nodes of latencies, numbered at the end
}

func (b *builder) finish() *Set {
	s := b.set
	for i, f := range b.late {
		f.index = len(s.conditions) + i
		s.latencies[i].index = f.index
	}
	s.bitWords = (len(s.conditions) + len(s.latencies) + 63) / 64
	s.words = 2 * s.bitWords
	for i := range s.measures {
		s.measures[i].at = s.words
		s.words += s.measures[i].words()
	}
	return s
}

// seen makes a policy of a condition.
func (b *builder) seen(c condition, invert bool) node {
	b.set.conditions = append(b.set.conditions, c)
	return &fact{set: b.set, index: len(b.set.conditions) - 1, invert: invert}
}

func (b *builder) build(c *Config) (node, error) {
	switch c.Type {
	case AlwaysSample:
		return always{}, nil
	case Latency:
		return b.latency(&c.Latency), nil
	case Probabilistic:
		return newProbabilistic(&c.Probabilistic, b.opts.TraceState), nil
	case RateLimiting:
		return newLimit(c.RateLimiting.SpansPerSecond, c.RateLimiting.BurstCapacity, costSpans), nil
	case BytesLimiting:
		return newLimit(c.BytesLimiting.BytesPerSecond, c.BytesLimiting.BurstCapacity, costBytes), nil
	case SpanCount:
		return &spanCount{least: int64(c.SpanCount.MinSpans), most: int64(c.SpanCount.MaxSpans)}, nil
	case And, Not, Drop, Composite:
		return b.group(c)
	default:
		return b.buildCondition(c)
	}
}

func (b *builder) buildCondition(c *Config) (node, error) {
	switch c.Type {
	case StatusCode:
		codes, _ := statusCodes(c.StatusCode.StatusCodes...)
		return b.seen(&status{codes: codes}, false), nil
	case TraceFlags:
		return b.seen(sampledFlag{}, false), nil
	case TraceState:
		return b.seen(newTraceState(c.TraceState.Key, c.TraceState.Values), false), nil
	case BooleanAttribute:
		a := &c.BooleanAttribute
		return b.seen(&attribute{a.Key, isBool(a.Value)}, a.InvertMatch), nil
	case NumericAttribute:
		a := &c.NumericAttribute
		return b.seen(&attribute{a.Key, newInRange(a.MinValue, a.MaxValue)}, a.InvertMatch), nil
	case StringAttribute:
		return b.text(&c.StringAttribute)
	case OTTLCondition:
		cond, err := newOTTLCondition(&c.OTTLCondition, b.telemetry)
		if err != nil {
			return nil, fmt.Errorf("policy %q: %w", c.Name, err)
		}
		return b.seen(cond, false), nil
	default:
		return b.buildMeasure(c)
	}
}

func (b *builder) buildMeasure(c *Config) (node, error) {
	switch c.Type {
	case KernelFact:
		words := b.measured(&kernelFact{key: c.KernelFact.Key, total: c.KernelFact.Over == "trace"})
		return &atLeast{words: words, bound: c.KernelFact.AtLeast}, nil
	case LatencyQuantile:
		q := c.LatencyQuantile
		q.MinSamples, q.MaxOperations = orElse(q.MinSamples, 200), orElse(q.MaxOperations, 4096)
		return &isSet{words: b.measured(newSlowness(&q))}, nil
	case Rarity:
		r := c.Rarity
		r.MaxKinds = orElse(r.MaxKinds, 10_000)
		n := newRarity(&r)
		n.words = b.measured(kind{})
		return n, nil
	case Stitching:
		return &stitching{words: b.measured(&stitches{methods: c.Stitching.Methods}), cfg: &c.Stitching}, nil
	default:
		return b.extension(c)
	}
}

func orElse(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// measured adds a measure and returns the way to its words.
func (b *builder) measured(m measure) func(State) []uint64 {
	s, i := b.set, len(b.set.measures)
	s.measures = append(s.measures, placed{measure: m})
	return func(st State) []uint64 {
		at := s.measures[i].at
		return st[at : at+s.measures[i].words()]
	}
}

func (b *builder) text(c *StringAttributeConfig) (node, error) {
	if !c.EnabledRegexMatching {
		return b.seen(&attribute{c.Key, newOneOf(c.Values)}, c.InvertMatch), nil
	}
	p, err := newPatterns(c.Values, c.CacheMaxSize)
	if err != nil {
		return nil, fmt.Errorf("string_attribute %q: %w", c.Key, err)
	}
	return b.seen(&attribute{c.Key, p}, c.InvertMatch), nil
}

func (b *builder) latency(c *LatencyConfig) node {
	b.set.latencies = append(b.set.latencies, latency{above: c.ThresholdMs, upTo: c.UpperThresholdMs})
	f := &fact{set: b.set}
	b.late = append(b.late, f)
	return f
}

func (b *builder) group(c *Config) (node, error) {
	switch c.Type {
	case And:
		list, err := b.list(c.And.SubPolicies)
		return and(list), err
	case Drop:
		list, err := b.list(c.Drop.SubPolicies)
		return drop(list), err
	case Not:
		n, err := b.build(c.Not.SubPolicy)
		return not{of: n}, err
	default:
		return b.composite(c.Composite)
	}
}

func (b *builder) list(subs []Config) ([]node, error) {
	out := make([]node, len(subs))
	for i := range subs {
		n, err := b.build(&subs[i])
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

// composite gives each policy its share; one that rate_allocation leaves out,
// or gives nothing, gets the share of an equal division.
func (b *builder) composite(c *CompositeConfig) (node, error) {
	list, err := b.list(c.SubPolicies)
	if err != nil {
		return nil, err
	}
	total := float64(c.MaxTotalSpansPerSecond)
	subs := make([]composed, len(list))
	for i, n := range list {
		budget := total / float64(len(list))
		for _, a := range c.RateAllocation {
			if a.Policy == c.SubPolicies[i].Name && a.Percent > 0 {
				budget = float64(a.Percent) / 100 * total
			}
		}
		subs[i] = composed{node: n, budget: int64(budget)}
	}
	return newComposite(c.MaxTotalSpansPerSecond, subs), nil
}

func (b *builder) extension(c *Config) (node, error) {
	ext, ok := b.opts.Extensions[c.Type]
	if !ok {
		return nil, fmt.Errorf("policy %q: no policy type and no extension with the id %q", c.Name, c.Type)
	}
	cfg, _ := c.Extension[c.Type].(map[string]any)
	e, err := ext.NewEvaluator(c.Name, cfg)
	if err != nil {
		return nil, fmt.Errorf("policy %q: extension %s: %w", c.Name, c.Type, err)
	}
	return &external{of: samplingpolicy.AsThresholdEvaluator(e)}, nil
}
