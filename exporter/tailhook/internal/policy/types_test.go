package policy

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// onResource makes a call of one plain span of a resource with an attribute.
func onResource(key string, v any) ptrace.Traces {
	td := spansOf(plain)
	_ = td.ResourceSpans().At(0).Resource().Attributes().PutEmpty(key).FromRaw(v)
	return td
}

func TestAttributesOfResourcesAndSpans(t *testing.T) {
	text := func(c StringAttributeConfig) Config {
		return Config{Name: "p", Type: StringAttribute, StringAttribute: c}
	}
	number := func(c NumericAttributeConfig) Config {
		return Config{Name: "p", Type: NumericAttribute, NumericAttribute: c}
	}
	boolean := func(c BooleanAttributeConfig) Config {
		return Config{Name: "p", Type: BooleanAttribute, BooleanAttribute: c}
	}
	gold := StringAttributeConfig{Key: "k", Values: []string{"gold", ""}}
	not := gold
	not.InvertMatch = true
	pattern := StringAttributeConfig{Key: "k", Values: []string{"^go"}, EnabledRegexMatching: true}
	anything := StringAttributeConfig{Key: "k", Values: []string{".*"}, EnabledRegexMatching: true}
	for name, c := range map[string]struct {
		cfg  Config
		td   ptrace.Traces
		keep bool
	}{
		"text on a span":                       {text(gold), spansOf(plain, put("k", "gold")), true},
		"text on a resource":                   {text(gold), onResource("k", "gold"), true},
		"other text":                           {text(gold), spansOf(put("k", "golden")), false},
		"text of another key":                  {text(gold), spansOf(put("j", "gold")), false},
		"empty text never matches":             {text(gold), spansOf(put("k", "")), false},
		"a number is no text":                  {text(gold), spansOf(put("k", 5)), false},
		"inverted, with the text":              {text(not), spansOf(plain, put("k", "gold")), false},
		"inverted, with the text on resource":  {text(not), onResource("k", "gold"), false},
		"inverted, with other text":            {text(not), spansOf(put("k", "tin")), true},
		"inverted, without the key":            {text(not), spansOf(plain), true},
		"a pattern need not match all":         {text(pattern), spansOf(put("k", "golden")), true},
		"a pattern is anchored where it says":  {text(pattern), spansOf(put("k", "a golden")), false},
		"a pattern on an empty span attribute": {text(anything), spansOf(put("k", "")), false},
		"a pattern on an empty resource":       {text(anything), onResource("k", ""), true},
		"a number in range":                    {number(NumericAttributeConfig{Key: "k", MinValue: 5, MaxValue: 7}), spansOf(put("k", 7)), true},
		"a number below":                       {number(NumericAttributeConfig{Key: "k", MinValue: 5, MaxValue: 7}), spansOf(put("k", 4)), false},
		"a number above":                       {number(NumericAttributeConfig{Key: "k", MinValue: 5, MaxValue: 7}), spansOf(put("k", 8)), false},
		"no lower bound":                       {number(NumericAttributeConfig{Key: "k", MaxValue: 7}), spansOf(put("k", -100)), true},
		"no upper bound":                       {number(NumericAttributeConfig{Key: "k", MinValue: 5}), onResource("k", 1<<40), true},
		"text is the number 0":                 {number(NumericAttributeConfig{Key: "k", MaxValue: 7}), spansOf(put("k", "9")), true},
		"a number, inverted":                   {number(NumericAttributeConfig{Key: "k", MinValue: 5, InvertMatch: true}), spansOf(put("k", 6)), false},
		"true":                                 {boolean(BooleanAttributeConfig{Key: "k", Value: true}), spansOf(put("k", true)), true},
		"not true":                             {boolean(BooleanAttributeConfig{Key: "k", Value: true}), spansOf(put("k", false)), false},
		"text is false":                        {boolean(BooleanAttributeConfig{Key: "k", Value: false}), spansOf(put("k", "true")), true},
		"absent is not false":                  {boolean(BooleanAttributeConfig{Key: "k", Value: false}), spansOf(plain), false},
		"false, inverted":                      {boolean(BooleanAttributeConfig{Key: "k", Value: false, InvertMatch: true}), spansOf(put("k", true)), true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSet(t, nil, c.cfg)
			tr := observe(s, c.td)
			assert.Equal(t, c.keep, s.Decide(tr).Keep)
			assert.Equal(t, c.keep, s.Leans(tr))
		})
	}
}

func TestFactsOfSpans(t *testing.T) {
	status := func(code ptrace.StatusCode) func(ptrace.Span) {
		return func(s ptrace.Span) { s.Status().SetCode(code) }
	}
	flags := func(f uint32) func(ptrace.Span) { return func(s ptrace.Span) { s.SetFlags(f) } }
	state := func(raw string) func(ptrace.Span) { return func(s ptrace.Span) { s.TraceState().FromRaw(raw) } }
	codes := func(names ...string) Config {
		return Config{Name: "p", Type: StatusCode, StatusCode: StatusCodeConfig{StatusCodes: names}}
	}
	sampledFlags := Config{Name: "p", Type: TraceFlags}
	vendor := Config{Name: "p", Type: TraceState, TraceState: TraceStateConfig{Key: "vendor", Values: []string{"a", "", "b"}}}
	count := func(least, most int32) Config {
		return Config{Name: "p", Type: SpanCount, SpanCount: SpanCountConfig{MinSpans: least, MaxSpans: most}}
	}
	for name, c := range map[string]struct {
		cfg  Config
		td   ptrace.Traces
		keep bool
	}{
		"an error among others":         {codes("ERROR"), spansOf(plain, status(ptrace.StatusCodeError)), true},
		"no error":                      {codes("ERROR"), spansOf(plain, status(ptrace.StatusCodeOk)), false},
		"one of two":                    {codes("OK", "ERROR"), spansOf(status(ptrace.StatusCodeOk)), true},
		"unset":                         {codes("UNSET"), spansOf(plain), true},
		"the sampled flag":              {sampledFlags, spansOf(plain, flags(0x101)), true},
		"other flags":                   {sampledFlags, spansOf(flags(0x302)), false},
		"an entry of the tracestate":    {vendor, spansOf(plain, state("x=y,vendor=b")), true},
		"another value":                 {vendor, spansOf(state("vendor=c")), false},
		"another key":                   {vendor, spansOf(state("vendors=a")), false},
		"a broken tracestate":           {vendor, spansOf(state("vendor=a,,=")), false},
		"enough spans":                  {count(2, 0), spansOf(plain, plain), true},
		"too few":                       {count(2, 0), spansOf(plain), false},
		"too many":                      {count(1, 2), spansOf(plain, plain, plain), false},
		"as many as may be":             {count(1, 2), spansOf(plain, plain), true},
		"an OTTL condition on an event": {Config{Name: "p", Type: OTTLCondition, OTTLCondition: OTTLConditionConfig{SpanEvent: []string{`name == "x"`}}}, spansOf(func(s ptrace.Span) { s.Events().AppendEmpty().SetName("x") }), true},
		"no event":                      {Config{Name: "p", Type: OTTLCondition, OTTLCondition: OTTLConditionConfig{SpanEvent: []string{`name == "x"`}}}, spansOf(plain), false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSet(t, nil, c.cfg)
			tr := observe(s, c.td)
			assert.Equal(t, c.keep, s.Decide(tr).Keep)
			assert.Equal(t, c.keep, s.Leans(tr))
		})
	}
}

func TestAnEntryThatCannotExistIsNotLookedFor(t *testing.T) {
	long := make([]byte, maxEntry)
	assert.Empty(t, newTraceState("k", []string{string(long)}).values)
	assert.Len(t, newTraceState("k", []string{string(long[:maxEntry-2])}).values, 1)
}

func TestABrokenConditionIsAnErrorAtTheStart(t *testing.T) {
	for _, c := range []OTTLConditionConfig{{Span: []string{"((("}}, {SpanEvent: []string{"nonsense()"}}} {
		_, err := NewSet([]Config{{Name: "bad", Type: OTTLCondition, OTTLCondition: c}}, nopTelemetry(), nil)
		assert.ErrorContains(t, err, `policy "bad"`)
	}
}

func TestErrorsOfSubPoliciesEndTheStart(t *testing.T) {
	bad := Config{Name: "bad", Type: "missing"}
	for name, c := range map[string]Config{
		"and":       {Type: And, And: &AndConfig{SubPolicies: []Config{bad}}},
		"drop":      {Type: Drop, Drop: &DropConfig{SubPolicies: []Config{bad}}},
		"not":       {Type: Not, Not: &NotConfig{SubPolicy: &bad}},
		"composite": {Type: Composite, Composite: &CompositeConfig{SubPolicies: []Config{bad}}},
	} {
		t.Run(name, func(t *testing.T) {
			c.Name = name
			_, err := NewSet([]Config{c}, nopTelemetry(), nil)
			assert.ErrorContains(t, err, `no extension with the id "missing"`)
		})
	}
}
