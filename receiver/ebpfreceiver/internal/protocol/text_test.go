package protocol_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

func TestText(t *testing.T) {
	tests := []struct {
		name  string
		in    string
		limit int
		want  string
	}{
		{"short text is kept", "GET", 10, "GET"},
		{"text of exactly the limit is kept", "abcd", 4, "abcd"},
		{"long text is cut", "abcdef", 4, "abcd"},
		{"a character is not cut in two", "aé€", 4, "aé"},
		{"a character that just fits is kept", "aé€", 6, "aé€"},
		{"a run of invalid bytes becomes one replacement", "a\xff\xfeb", 10, "a\uFFFDb"},
		{"replacements count towards the limit", "\xff\xff", 2, ""},
		{"a run of continuation bytes is not text", strings.Repeat("\x80", 20), 8, "\uFFFD"},
		{"nothing fits a limit of zero", "abc", 0, ""},
		{"a negative limit is zero", "abc", -1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, protocol.Text([]byte(tt.in), tt.limit))
		})
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("aé€\xff"), 3)
	f.Fuzz(func(t *testing.T, b []byte, limit int) {
		got := protocol.Text(b, limit)
		assert.True(t, utf8.ValidString(got))
		assert.LessOrEqual(t, len(got), max(limit, 0))
	})
}

func TestWithDefaults(t *testing.T) {
	t.Run("no options are the zero options with bounds", func(t *testing.T) {
		var none *protocol.Options
		assert.Equal(t, protocol.Options{MaxStatement: protocol.DefaultMaxStatement}, none.WithDefaults())
	})
	t.Run("what was set is kept and the original unchanged", func(t *testing.T) {
		o := &protocol.Options{MaxStatement: 7, RawQueries: true}
		assert.Equal(t, *o, o.WithDefaults())
		negative := &protocol.Options{MaxStatement: -1}
		assert.Equal(t, protocol.DefaultMaxStatement, negative.WithDefaults().MaxStatement)
		assert.Equal(t, -1, negative.MaxStatement)
	})
}
