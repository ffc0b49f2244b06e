package tracectx_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
)

func TestParseReadsWhatStringWrote(t *testing.T) {
	found := read("traceparent", good, "eagleeye-traceid", "a%3a:b", "eagleeye-rpcid", "0.1", "uber-trace-id", "1:2:3:1")
	require.Equal(t, 3, found.Contexts.Len())
	text := found.Contexts.String()
	var again tracectx.Contexts
	require.NoError(t, again.Parse(text))
	assert.Equal(t, found.Contexts, again)
	assert.Contains(t, text, ":a%253a%3ab:0.1")

	one := "w3c:" + trace + ":" + span + ":01"
	for name, text := range map[string]string{
		"an unknown format":      "xyz:" + trace + ":" + span + ":01",
		"the zero format":        "unknown:" + trace + ":" + span + ":01",
		"a missing field":        "w3c:" + trace + ":" + span,
		"an empty last field":    one + ":",
		"a field too many":       one + ":" + span + ":a:b:c",
		"a trace of zero":        "w3c:" + zeros(32) + ":" + span + ":01",
		"a parent of zero":       one + ":" + zeros(16),
		"upper-case digits":      "w3c:" + strings.ToUpper(trace) + ":" + span + ":01",
		"a format and a dot":     "w3c.",
		"two spaces":             one + "  " + one,
		"a space at the end":     one + " ",
		"five contexts":          strings.Repeat(one+" ", 4) + one,
		"a raw id with a space":  one + "::a%20b",
		"a raw id cut in two":    one + "::a%3",
		"a raw id of 129 bytes":  one + "::" + strings.Repeat("a", 129),
		"an escape of a letter":  one + "::%61",
		"a raw id that is not 7": one + "::\xff",
	} {
		t.Run(name+" is malformed", func(t *testing.T) {
			cs := found.Contexts
			require.ErrorIs(t, cs.Parse(text), tracectx.ErrMalformed)
			assert.Zero(t, cs)
		})
	}
	assert.ErrorIs(t, again.Parse(""), tracectx.ErrNone)
	assert.Empty(t, again.String())
}

// TestTheDocumentedExampleIsTrue reads the examples of docs/evidence.md.
func TestTheDocumentedExampleIsTrue(t *testing.T) {
	doc, err := os.ReadFile("../../docs/evidence.md")
	require.NoError(t, err)
	for _, found := range []tracectx.Found{
		read("traceparent", good), read("sofa-traceid", "0a0fe9d41488955146071100140705", "sofa-rpcid", "0.2.1"),
	} {
		assert.Contains(t, string(doc), "\n    "+found.Contexts.String()+"\n")
	}
	for _, f := range tracectx.Formats() {
		assert.Contains(t, string(doc), "`"+f.String()+"`")
	}
}

func TestTheTextIsBounded(t *testing.T) {
	long := strings.Repeat("%", 125)
	found := read("sofa-traceid", long, "sofa-rpcid", "x"+long, "eagleeye-traceid", "a"+long, "eagleeye-rpcid", "y"+long,
		"traceparent", good, "pinpoint-traceid", strings.Repeat(":", 124)+"^1^2", "pinpoint-spanid", "1")
	require.Equal(t, tracectx.MaxContexts, found.Contexts.Len())
	assert.Less(t, len(found.Contexts.String()), 3072)
}
