package tracectx_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
)

func TestSeveralContextsAreOneTrace(t *testing.T) {
	const b3 = b3Trace + "-" + b3Span + "-1"
	alb := []string{"x-amzn-trace-id", "Root=1-67891233-abcdef012345678912345678"}
	with := func(more ...string) []string { return append(more, alb...) }
	const albText = "xray:67891233abcdef012345678912345678:0000000000000000:00::1-67891233-abcdef012345678912345678"
	check(t, map[string]vector{
		"W3C decides, whatever comes first":                 {headers: []string{"b3", b3, "traceparent", good}, want: "w3c:" + trace + ":" + span + ":01 b3:" + b3Trace + ":" + b3Span + ":01"},
		"what a load balancer adds comes last":              {headers: with("b3", b3), want: "b3:" + b3Trace + ":" + b3Span + ":01 " + albText},
		"one that names no span comes behind":               {headers: with("sofa-traceid", "x-trace"), want: "sofa:" + hash("x-trace", 16) + ":0000000000000000:01::x-trace " + albText},
		"and yields to one that does":                       {headers: []string{"sofa-traceid", "x-trace", "x-cloud-trace-context", trace + "/1"}, want: "google:" + trace + ":0000000000000001:00:::1 sofa:" + hash("x-trace", 16) + ":0000000000000000:01::x-trace"},
		"the same ids in two formats are one":               {headers: []string{"traceparent", good, "b3", trace + "-" + span + "-1"}, want: "w3c:" + trace + ":" + span + ":01"},
		"unless the second tells the parent":                {headers: []string{"traceparent", good, "b3", trace + "-" + span + "-1-" + b3Parent}, want: "w3c:" + trace + ":" + span + ":01 b3:" + trace + ":" + span + ":01:" + b3Parent},
		"a malformed one spoils no other":                   {headers: []string{"traceparent", "junk", "b3", b3}, want: "b3:" + b3Trace + ":" + b3Span + ":01"},
		"a malformed one alone is told":                     {headers: []string{"traceparent", "junk", "x-request-id", "a"}, malformed: true},
		"headers that nobody asked for are not looked at":   {headers: []string{"cookie", good}},
		"four are kept, the first ones":                     {headers: with("traceparent", good, "b3", b3, "uber-trace-id", "1:2:0:1", "x-datadog-trace-id", "3", "x-datadog-parent-id", "4"), want: "w3c:" + trace + ":" + span + ":01 b3:" + b3Trace + ":" + b3Span + ":01 jaeger:" + zeros(31) + "1:" + zeros(15) + "2:01::1:2 datadog:" + zeros(31) + "3:" + zeros(15) + "4:00::3:4"},
		"one that names a span displaces one that does not": {headers: []string{"sofa-traceid", "x-trace", "eagleeye-traceid", "y", "x-amzn-trace-id", alb[1], "x-datadog-trace-id", "5", "x-cloud-trace-context", trace + "/1"}, want: "google:" + trace + ":0000000000000001:00:::1 datadog:" + zeros(31) + "5:" + zeros(16) + ":00::5 sofa:" + hash("x-trace", 16) + ":" + zeros(16) + ":01::x-trace eagleeye:" + hash("y", 16) + ":" + zeros(16) + ":01::y"},
	})
}

func zeros(n int) string { return strings.Repeat("0", n) }

func TestOnlyWhatIsWantedIsRead(t *testing.T) {
	r := tracectx.NewReader(&tracectx.Options{Formats: []tracectx.Format{tracectx.B3, tracectx.W3C}, RequestIDs: []string{"x-id"}})
	var found tracectx.Found
	assert.Equal(t, []string{
		"b3", "traceparent", "tracestate", "x-b3-flags", "x-b3-parentspanid", "x-b3-sampled", "x-b3-spanid", "x-b3-traceid", "x-id",
	}, r.HeaderNames())
	r.Read(headers("b3", b3Trace+"-"+b3Span, "traceparent", good, "uber-trace-id", "1:2:0:1", "x-id", "7", "x-request-id", "8"), &found)
	assert.Equal(t, "b3:"+b3Trace+":"+b3Span+":00 w3c:"+trace+":"+span+":01", found.Contexts.String(), "in the order that was asked for")
	assert.Equal(t, "7", found.RequestID)
	r.Read(headers("x-id", "9"), &found)
	assert.Zero(t, found.Contexts.Len(), "nothing is left of the request before")
	assert.Equal(t, "9", found.RequestID)

	none := tracectx.NewReader(&tracectx.Options{Formats: []tracectx.Format{200}})
	assert.Empty(t, none.HeaderNames())
	none.Read(headers("traceparent", good), &found)
	assert.Equal(t, tracectx.Found{}, found)
}

func TestCustomHeaders(t *testing.T) {
	r := tracectx.NewReader(&tracectx.Options{
		Formats: tracectx.Formats(),
		Custom:  tracectx.CustomHeaders{TraceID: "x-acme-trace", SpanID: "x-acme-span", ParentID: "x-acme-parent", Sampled: "x-acme-sampled"},
	})
	for name, tc := range map[string]struct {
		headers []string
		want    string
		foreign bool
	}{
		"hexadecimal ids are numbers": {
			[]string{"x-acme-trace", trace, "x-acme-span", span, "x-acme-sampled", "true"}, "custom:" + trace + ":" + span + ":01", false,
		},
		"a UUID is a number": {
			[]string{"x-acme-trace", "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"},
			"custom:" + trace + ":" + zeros(16) + ":00::4bf92f35-77b3-4da6-a3ce-929d0e0e4736", false,
		},
		"any other text is hashed": {
			[]string{"x-acme-trace", "order/17", "x-acme-span", "cart:%1", "x-acme-parent", "shop"},
			"custom:" + hash("order/17", 16) + ":" + hash("order/17/cart:%1", 8) + ":00:" + hash("order/17/shop", 8) + ":order/17:cart%3a%251", true,
		},
		"a trace of zero is none":    {[]string{"x-acme-trace", "0"}, "", false},
		"a span of zero is none":     {[]string{"x-acme-trace", trace, "x-acme-span", "0"}, "", false},
		"two spans are":              {[]string{"x-acme-trace", trace, "x-acme-span", "1", "x-acme-span", "2"}, "", false},
		"a trace of two words is":    {[]string{"x-acme-trace", "a b"}, "", false},
		"bytes that are no ASCII":    {[]string{"x-acme-trace", "spür"}, "", false},
		"a trace longer than 128 is": {[]string{"x-acme-trace", strings.Repeat("x", 129)}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			var found tracectx.Found
			r.Read(headers(tc.headers...), &found)
			assert.Equal(t, tc.want, found.Contexts.String())
			assert.Equal(t, tc.want == "", found.Malformed)
			if c, ok := found.Contexts.First(); ok {
				assert.Equal(t, tc.foreign, c.Foreign())
			}
		})
	}
}

func TestRequestIDs(t *testing.T) {
	for name, tc := range map[string]struct {
		headers []string
		want    string
	}{
		"the usual header is read":             {[]string{"x-request-id", " 9f1c-77 "}, "9f1c-77"},
		"the first name goes before the other": {[]string{"x-correlation-id", "b", "x-request-id", "a"}, "a"},
		"the other name does, too":             {[]string{"x-correlation-id", "b"}, "b"},
		"two values contradict each other":     {[]string{"x-request-id", "a", "x-request-id", "b"}, ""},
		"then the other name counts":           {[]string{"x-request-id", "a", "x-request-id", "b", "x-correlation-id", "c"}, "c"},
		"an empty one is none":                 {[]string{"x-request-id", ""}, ""},
		"spaces inside are not allowed":        {[]string{"x-request-id", "a b"}, ""},
		"control characters are not":           {[]string{"x-request-id", "a\x00b"}, ""},
		"128 bytes are allowed":                {[]string{"x-request-id", strings.Repeat("a", 128)}, strings.Repeat("a", 128)},
		"129 bytes are not":                    {[]string{"x-request-id", strings.Repeat("a", 129)}, ""},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tc.want, read(tc.headers...).RequestID) })
	}
	t.Run("eight names are looked at", func(t *testing.T) {
		var names []string
		for i := range 9 {
			names = append(names, fmt.Sprintf("x-id-%d", i))
		}
		r := tracectx.NewReader(&tracectx.Options{RequestIDs: names})
		assert.Equal(t, names[:8], r.HeaderNames())
	})
}

func TestManyHeadersAreTakenInOnePass(t *testing.T) {
	var kv []string
	for range 10_000 {
		kv = append(kv, "traceparent", good, "tracestate", strings.Repeat("a", 100), "x-request-id", "a", "b3", "-")
	}
	found := read(kv...)
	assert.Zero(t, found.Contexts.Len())
	assert.True(t, found.Malformed)
	assert.Empty(t, found.RequestID)
}

func TestFormatsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range tracectx.Formats() {
		assert.Equal(t, f, tracectx.FormatOf(f.String()))
		assert.False(t, seen[f.String()])
		seen[f.String()] = true
	}
	assert.Len(t, seen, 13)
	assert.Equal(t, "unknown", tracectx.Format(200).String())
	assert.Equal(t, tracectx.Unknown, tracectx.FormatOf("unknown"))
	assert.False(t, (&tracectx.Context{Format: 200}).Foreign())
	require.Len(t, tracectx.Formats(), len(seen))
}
