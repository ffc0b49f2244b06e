package httptext_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/httptext"
)

func TestQuery(t *testing.T) {
	for _, tt := range []struct {
		name, in, want string
		options        protocol.Options
	}{
		{"values are replaced", "a=1&b=s3cret", "a=REDACTED&b=REDACTED", protocol.Options{}},
		{"a plain name is kept", "debug&a=1", "debug&a=REDACTED", protocol.Options{}},
		{"what may be a token is not", "0123abcd", "REDACTED", protocol.Options{}},
		{"values are kept if they may be seen", "a=1", "a=1", protocol.Options{RawQueries: true}},
		{"a long one is cut", "a=1&b=2&c=3", "a=REDACTE", protocol.Options{MaxStatement: 9}},
		{"none", "", "", protocol.Options{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := tt.options.WithDefaults()
			assert.Equal(t, tt.want, httptext.Query([]byte(tt.in), &o))
		})
	}
}

func TestSplitAuthority(t *testing.T) {
	for _, tt := range []struct {
		name, in, host string
		port           int64
	}{
		{"a name and a port", "a.example:8080", "a.example", 8080},
		{"a name", "a.example", "a.example", 0},
		{"an address of version 6", "[::1]:80", "::1", 80},
		{"one without a port", "[::1]", "::1", 0},
		{"one without an end", "[::1", "[::1", 0},
		{"a port that is none", "a:99999", "a", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			host, port := httptext.SplitAuthority([]byte(tt.in))
			assert.Equal(t, tt.host, string(host))
			assert.Equal(t, tt.port, port)
		})
	}
}

func TestMethodAndDecimal(t *testing.T) {
	assert.Equal(t, "GET", httptext.Method([]byte("GET")))
	assert.Empty(t, httptext.Method([]byte("get")), "methods are told by case")
	for in, want := range map[string]int64{"0": 0, "9223372036854775807": -1, "17": 17, "": -1, "+1": -1, "1x": -1} {
		n, ok := httptext.Decimal([]byte(in))
		assert.Equal(t, want >= 0, ok, in)
		assert.Equal(t, max(want, 0), n, in)
	}
}
