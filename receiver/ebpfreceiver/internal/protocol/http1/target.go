package http1

import (
	"bytes"
	"strings"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/httptext"
)

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
	r.query = httptext.Query(query, &p.options)
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
	host, port := httptext.SplitAuthority(authority)
	r.host, r.port = remember(&p.host, host, maxHost), port
}
