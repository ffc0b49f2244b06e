package httptext

import (
	"bytes"
	"math"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// redacted stands for a value, as the semantic conventions want it.
const redacted = "REDACTED"

// maxKey is the length up to which a part of a query is taken for a name.
const maxKey = 64

// Method returns the method if the semantic conventions know it: RFC 9110,
// PATCH of RFC 5789 and QUERY.
func Method(method []byte) string {
	for _, known := range [...]string{
		"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE", "QUERY",
	} {
		if string(method) == known {
			return known
		}
	}
	return ""
}

// SplitAuthority splits "host:port" and "[v6]:port". Without a valid port it is 0.
func SplitAuthority(authority []byte) ([]byte, int64) {
	colon := bytes.LastIndexByte(authority, ':')
	if len(authority) > 0 && authority[0] == '[' {
		end := bytes.IndexByte(authority, ']')
		if end < 0 {
			return authority, 0
		}
		host := authority[1:end]
		if colon != end+1 {
			return host, 0
		}
		return host, parsePort(authority[colon+1:])
	}
	if colon < 0 {
		return authority, 0
	}
	return authority[:colon], parsePort(authority[colon+1:])
}

func parsePort(text []byte) int64 {
	port, ok := Decimal(text)
	if !ok || port > 65535 {
		return 0
	}
	return port
}

// Query returns the query with every value replaced, unless the options keep
// them. A part without a value is kept only if it is plainly a name: it may as
// well be a token.
func Query(query []byte, o *protocol.Options) string {
	if len(query) == 0 {
		return ""
	}
	if o.RawQueries {
		return protocol.Text(query, o.MaxStatement)
	}
	var room [256]byte
	part, rest, more := bytes.Cut(query, []byte{'&'})
	out := appendPart(room[:0], part)
	for more && len(out) <= o.MaxStatement {
		part, rest, more = bytes.Cut(rest, []byte{'&'})
		out = appendPart(append(out, '&'), part)
	}
	return protocol.Text(out, o.MaxStatement)
}

func appendPart(out, part []byte) []byte {
	key, _, hasValue := bytes.Cut(part, []byte{'='})
	switch {
	case hasValue && len(key) <= maxKey:
		out = append(out, key...)
		out = append(out, '=')
	case !hasValue && isPlainName(key):
		return append(out, key...)
	}
	return append(out, redacted...)
}

// isPlainName reports whether the text is short and of letters only.
func isPlainName(text []byte) bool {
	for _, c := range text {
		if (c|0x20 < 'a' || c|0x20 > 'z') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return len(text) <= 24
}

// Decimal returns the number that b is in digits alone; false for anything else.
func Decimal(b []byte) (int64, bool) {
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' || n > (math.MaxInt64-9)/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, len(b) > 0
}
