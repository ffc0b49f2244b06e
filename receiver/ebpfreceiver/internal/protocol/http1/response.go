package http1

import (
	"bytes"
	"strconv"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/httptext"
)

// response is what was read of a response.
type response struct{ status int }

// begin reads "version status reason"; the reason may be missing.
func (r *response) begin(line []byte) bool {
	const versionLen = len("HTTP/1.1")
	if len(line) < versionLen+4 || version(line[:versionLen]) == "" || line[versionLen] != ' ' {
		return false
	}
	code, _, _ := bytes.Cut(line[versionLen+1:], []byte{' '})
	status, ok := httptext.Decimal(code)
	r.status = int(status)
	return ok && len(code) == 3 && status >= 100
}

// isInterim reports whether another response follows to the same request. 101
// is the last one in HTTP.
func (r *response) isInterim() bool { return r.status < 200 && r.status != 101 }

// endResponseHeaders decides how the response goes on behind its headers (RFC
// 9112, section 6.3).
func (p *Parser) endResponseHeaders(h *half) (protocol.Step, bool) {
	r, f := &h.response, &h.framing
	ask := p.pair(protocol.FromServer, h)
	if ask == askedConnect {
		p.tunnel = false
		p.opaque = r.status >= 200 && r.status < 300
	}
	p.opaque = p.opaque || r.status == 101
	switch {
	case p.opaque, ask == askedHead, r.status < 200, r.status == 204, r.status == 304:
		f.length = unknown
		return protocol.Step{Message: p.complete(protocol.FromServer, h)}, true
	case f.chunked:
		h.state = chunkSize
	case f.coded || f.length == unknown:
		f.length = unknown
		h.state = untilClose
	default:
		return protocol.Step{Skip: f.length, Message: p.complete(protocol.FromServer, h)}, true
	}
	return protocol.Step{}, true
}

// message turns m into the response with a body of the given size.
func (r *response) message(m *protocol.Message, size int64) *protocol.Message {
	if r.isInterim() {
		m.Kind = protocol.Ignored
		return m
	}
	m.Attributes = append(m.Attributes, protocol.Int("http.response.status_code", int64(r.status)))
	if size != unknown {
		m.Attributes = append(m.Attributes, protocol.Int("http.response.body.size", size))
	}
	if r.status < 400 {
		return m
	}
	m.Status = protocol.StatusClientError
	if r.status >= 500 {
		m.Status = protocol.StatusError
	}
	m.Attributes = append(m.Attributes, protocol.String("error.type", strconv.Itoa(r.status)))
	return m
}
