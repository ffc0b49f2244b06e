package prototest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/prototest"
)

const (
	client = protocol.FromClient
	server = protocol.FromServer
)

// shout frames a payload in capitals.
func shout(name string, payload []byte) ([]byte, error) {
	if name != "shout" {
		return nil, errors.New("unknown")
	}
	return []byte(strings.ToUpper(string(payload))), nil
}

func TestParse(t *testing.T) {
	tests := []struct {
		name, in string
		want     prototest.Conversation
	}{
		{"bytes of either end", "C: a b\nS: c", prototest.Conversation{{Dir: client, Data: []byte("a b")}, {Dir: server, Data: []byte("c")}}},
		{"no bytes", "C:", prototest.Conversation{{Dir: client, Data: []byte{}}}},
		{"colons in the text", "C: a: b", prototest.Conversation{{Dir: client, Data: []byte("a: b")}}},
		{"escapes", `C: \r\n\t\0\\\x41\xff`, prototest.Conversation{{Dir: client, Data: []byte("\r\n\t\x00\\A\xff")}}},
		{"a framed message", "C shout: hello", prototest.Conversation{{Dir: client, Data: []byte("HELLO")}}},
		{"a repetition", `S fill 3 a:\n`, prototest.Conversation{{Dir: server, Data: []byte("a:\na:\na:\n")}}},
		{"a gap", "S gap 100", prototest.Conversation{{Dir: server, Gap: 100}}},
		{"the end of a stream", "C close", prototest.Conversation{{Dir: client, Close: true}}},
		{"comments and empty lines", "# hello\n\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := prototest.Parse(tt.in, shout)
			require.NoError(t, err)
			assert.Equal(t, tt.want, s.Conversation)
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"an unknown side":            "X: a",
		"an unknown action":          "C jump 3",
		"an action without a number": "C gap",
		"a number that is none":      "C gap x",
		"a gap of nothing":           "C gap 0",
		"a fill without text":        "C fill 3",
		"an unknown escape":          `C: \q`,
		"an unfinished escape":       `C: \`,
		"an escape of one digit":     `C: \x4`,
		"a bad escape in a fill":     `C fill 2 \q`,
		"an unknown frame":           "C whisper: a",
		"an unknown option":          "options: loud",
		"a bound that is no number":  "options: max=x",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := prototest.Parse(in, shout)
			assert.ErrorContains(t, err, "line 1")
		})
	}
	t.Run("a framed message without an encoder", func(t *testing.T) {
		_, err := prototest.Parse("C shout: a", nil)
		assert.ErrorContains(t, err, "no encoder")
	})
}

func TestParseOptions(t *testing.T) {
	s, err := prototest.Parse("options: raw-statements raw-queries capture=a,b context=c max=7", nil)
	require.NoError(t, err)
	assert.Equal(t, protocol.Options{
		RawStatements: true, RawQueries: true, CaptureHeaders: []string{"a", "b"}, ContextHeaders: []string{"c"}, MaxStatement: 7,
	}, s.Options)
}

func TestAConversationReadsWhatItWrites(t *testing.T) {
	c := prototest.Conversation{
		{Dir: client, Data: []byte(" leading and trailing space ")},
		{Dir: server, Data: []byte("\x00\x01\\ \xff\r\n\t")},
		{Dir: server, Gap: 5},
		{Dir: client, Close: true},
	}
	s, err := prototest.Parse(c.String(), nil)
	require.NoError(t, err)
	assert.Equal(t, c, s.Conversation)

	t.Run("in lines of a readable width", func(t *testing.T) {
		long := prototest.Conversation{{Dir: client, Data: []byte(strings.Repeat("0123456789\n", 50))}}
		text := long.String()
		assert.Greater(t, strings.Count(text, "\n"), 4)
		s, err := prototest.Parse(text, nil)
		require.NoError(t, err)
		assert.Equal(t, long.Bytes(client), s.Conversation.Bytes(client))
	})
}

func TestBytesEndAtTheFirstGap(t *testing.T) {
	c := prototest.Conversation{
		{Dir: client, Data: []byte("ab")}, {Dir: server, Data: []byte("x")}, {Dir: client, Data: []byte("c")},
		{Dir: client, Gap: 1}, {Dir: client, Data: []byte("d")},
	}
	assert.Equal(t, "abc", string(c.Bytes(client)))
	assert.Equal(t, "x", string(c.Bytes(server)))
}

func TestCaptureHeads(t *testing.T) {
	c := prototest.Conversation{
		{Dir: client, Data: []byte("abc")}, {Dir: client, Data: []byte("defg")}, {Dir: client, Data: []byte("h")},
		{Dir: server, Data: []byte("12345")},
		{Dir: client, Data: []byte("ijkl")}, {Dir: client, Close: true},
	}
	assert.Equal(t, prototest.Conversation{
		{Dir: client, Data: []byte("abc")}, {Dir: client, Data: []byte("de")}, {Dir: client, Gap: 2}, {Dir: client, Gap: 1},
		{Dir: server, Data: []byte("12345")},
		{Dir: client, Data: []byte("ijkl")}, {Dir: client, Close: true},
	}, c.CaptureHeads(5))
}
