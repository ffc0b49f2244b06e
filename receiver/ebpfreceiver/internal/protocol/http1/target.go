package http1

import (
	"bytes"
	"strings"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// redacted stands for a value, as the semantic conventions want it.
const redacted = "REDACTED"

// maxKey is the length up to which a part of a query is taken for a name.
const maxKey = 64

// target reads the request target in its four forms (RFC 9112, section 3.2).
func (r *request) target(p *Parser, target []byte) {
	switch {
	case r.method == "CONNECT":
		r.scheme = ""
		r.fixed = true
		r.setHost(p, target)
		return
	case target[0] != '/':
		target = r.absolute(p, target)
	}
	if i := bytes.IndexByte(target, '#'); i >= 0 {
		target = target[:i]
	}
	path, query, _ := bytes.Cut(target, []byte{'?'})
	r.path = protocol.Text(path, p.options.MaxStatement)
	r.query = queryText(query, &p.options)
}

// absolute reads "scheme://authority/path" and returns the path, with the query.
// Anything else ("*") is all path.
func (r *request) absolute(p *Parser, target []byte) []byte {
	scheme, rest, found := bytes.Cut(target, []byte("://"))
	if !found || len(scheme) > 16 || !isToken(scheme) {
		return target
	}
	r.scheme = strings.ToLower(string(scheme))
	r.fixed = true
	end := bytes.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	r.setHost(p, rest[:end])
	if path := rest[end:]; len(path) > 0 && path[0] == '/' {
		return path
	}
	return append([]byte{'/'}, rest[end:]...)
}

// setHost reads an authority: a host, maybe with a port. User names and
// passwords in front of it are dropped.
func (r *request) setHost(p *Parser, authority []byte) {
	authority = authority[bytes.LastIndexByte(authority, '@')+1:]
	host, port := splitPort(authority)
	r.host, r.port = remember(&p.host, host, maxHost), port
}

// splitPort splits "host:port" and "[v6]:port". Without a valid port it is 0.
func splitPort(authority []byte) ([]byte, int64) {
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
	port, ok := parseDecimal(text)
	if !ok || port > 65535 {
		return 0
	}
	return port
}

// queryText returns the query with every value replaced, unless the options keep
// them. A part without a value is kept only if it is plainly a name: it may as
// well be a token.
func queryText(query []byte, o *protocol.Options) string {
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
