package tracectx_test

import (
	"iter"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The example of the specification.
const (
	trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	span  = "00f067aa0ba902b7"
	good  = "00-" + trace + "-" + span + "-01"
)

// headers is names and values of a request, in turn.
func headers(kv ...string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := 0; i+1 < len(kv); i += 2 {
			if !yield(kv[i], kv[i+1]) {
				return
			}
		}
	}
}

// read reads a request with all formats.
func read(kv ...string) (found tracectx.Found) {
	tracectx.NewReader(nil).Read(headers(kv...), &found)
	return found
}

func TestTraceparent(t *testing.T) {
	zero32, zero16 := strings.Repeat("0", 32), strings.Repeat("0", 16)
	for name, tc := range map[string]struct {
		value string
		flags byte
		bad   bool
	}{
		"the specification's example is read":              {value: good, flags: 1},
		"not sampled is not an error":                      {value: "00-" + trace + "-" + span + "-00"},
		"unknown flags of version 00 are kept":             {value: "00-" + trace + "-" + span + "-ff", flags: 0xff},
		"white space around it is ignored":                 {value: " \t" + good + " ", flags: 1},
		"a later version of the same length is read":       {value: "cc-" + trace + "-" + span + "-01", flags: 1},
		"a later version may have more after a dash":       {value: "cc-" + trace + "-" + span + "-01-what-the-future-holds", flags: 1},
		"a later version's unknown flags are dropped":      {value: "cc-" + trace + "-" + span + "-fd", flags: 1},
		"a later version may not have more without a dash": {value: "cc-" + trace + "-" + span + "-01.x", bad: true},
		"version 00 may not have more":                     {value: good + "-x", bad: true},
		"version ff is forbidden":                          {value: "ff" + good[2:], bad: true},
		"upper case is forbidden":                          {value: strings.ToUpper(good), bad: true},
		"a trace id of zero is forbidden":                  {value: "00-" + zero32 + "-" + span + "-01", bad: true},
		"a span id of zero is forbidden":                   {value: "00-" + trace + "-" + zero16 + "-01", bad: true},
		"a character that is no digit is forbidden":        {value: strings.Replace(good, "4bf", "4bg", 1), bad: true},
		"a short trace id is forbidden":                    {value: "00-" + trace[2:] + "-" + span + "-01", bad: true},
		"another separator is forbidden":                   {value: strings.ReplaceAll(good, "-", "_"), bad: true},
		"one digit of version is forbidden":                {value: good[1:], bad: true},
		"the empty value is forbidden":                     {value: "", bad: true},
		"white space inside is forbidden":                  {value: "00-" + trace + " -" + span[1:] + "-01", bad: true},
		"a megabyte of digits is forbidden":                {value: strings.Repeat("0", 1<<20), bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := tracectx.ParseTraceparent(tc.value)
			if tc.bad {
				require.ErrorIs(t, err, tracectx.ErrMalformed)
				assert.Equal(t, tracectx.Context{}, c)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.flags, c.Flags)
			assert.Equal(t, tc.flags&1 == 1, c.Sampled())
			assert.Equal(t, trace, c.WrittenTrace())
			assert.Equal(t, span, c.WrittenSpan())
		})
	}
}

func TestTracestate(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.Repeat("a", i+1) + "=1,")
		}
		return b.String()
	}
	for name, tc := range map[string]struct {
		value string
		want  bool
	}{
		"empty is allowed":                         {"", true},
		"one member is allowed":                    {"congo=t61rcWkgMzE", true},
		"two members are allowed":                  {"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", true},
		"white space around members is allowed":    {"rojo=1 ,\t congo=2", true},
		"empty members are allowed":                {"rojo=1,,congo=2,", true},
		"a tenant in the key is allowed":           {"fw529a3039@dt=FfffffffCfQAAAAA", true},
		"a key may begin with a digit":             {"0a=1", true},
		"space inside a value is allowed":          {"a=b c", true},
		"32 members are allowed":                   {many(32), true},
		"33 members are too many":                  {many(33), false},
		"a key twice is wrong":                     {"a=1,b=2,a=3", false},
		"an upper-case key is wrong":               {"A=1", false},
		"a key that begins with a dash is wrong":   {"-a=1", false},
		"a member without a value is wrong":        {"a=", false},
		"a member without an equals sign is wrong": {"a", false},
		"an equals sign in the value is wrong":     {"a=b=c", false},
		"a control character is wrong":             {"a=b\x01c", false},
		"a key too long is wrong":                  {strings.Repeat("a", 257) + "=1", false},
		"a value too long is wrong":                {"a=" + strings.Repeat("1", 257), false},
		"a list too long is wrong":                 {strings.Repeat(",", 5000), false},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tc.want, tracectx.ValidTracestate(tc.value))
		})
	}
}

func TestTheStateComesWithItsParent(t *testing.T) {
	for name, tc := range map[string]struct {
		headers   []string
		state     string
		malformed bool
		none      bool
	}{
		"no header is none":                        {none: true},
		"a state alone is none":                    {headers: []string{"tracestate", "a=1"}, none: true},
		"one traceparent is enough":                {headers: []string{"traceparent", good}},
		"two traceparents contradict each other":   {headers: []string{"traceparent", good, "traceparent", good}, none: true, malformed: true},
		"a state comes along":                      {headers: []string{"traceparent", good, "tracestate", "a=1"}, state: "a=1"},
		"states of several headers are one list":   {headers: []string{"tracestate", "a=1", "traceparent", good, "tracestate", "b=2"}, state: "a=1,b=2"},
		"a malformed state is dropped alone":       {headers: []string{"traceparent", good, "tracestate", "A=1"}},
		"a malformed parent drops the state, too":  {headers: []string{"traceparent", "junk", "tracestate", "a=1"}, none: true, malformed: true},
		"a state that repeats a key is dropped":    {headers: []string{"traceparent", good, "tracestate", "a=1", "tracestate", "a=2"}},
		"an empty traceparent is malformed, there": {headers: []string{"traceparent", ""}, none: true, malformed: true},
	} {
		t.Run(name, func(t *testing.T) {
			found := read(tc.headers...)
			assert.Equal(t, tc.malformed, found.Malformed)
			c, ok := found.Contexts.First()
			require.Equal(t, !tc.none, ok)
			if ok {
				assert.Equal(t, tc.state, c.State)
				assert.Equal(t, tracectx.W3C, c.Format)
				assert.True(t, c.Valid())
			}
		})
	}
}
