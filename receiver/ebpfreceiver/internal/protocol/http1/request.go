package http1

import (
	"bytes"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/httptext"
)

// Bounds of what is kept of the headers of one request.
const (
	maxMethod  = 32
	maxHost    = 255
	maxValue   = 8 << 10 // of a context header; more is cut and thereby void
	maxCapture = 64      // header values, of either sort
)

// request is what was read of a request.
type request struct {
	method, original string // original is set when the method is not a known one
	version          string
	scheme           string
	path, query      string
	host             string
	port             int64
	fixed            bool // host and port are those of the target
	agent            string
	captured         []protocol.Attribute
	context          []protocol.Header
}

// begin reads "method target version".
func (r *request) begin(p *Parser, line []byte) bool {
	*r = request{scheme: "http"}
	method, rest, _ := bytes.Cut(line, []byte{' '})
	rest = bytes.TrimRight(rest, " ")
	cut := bytes.LastIndexByte(rest, ' ')
	if cut < 0 || len(method) > maxMethod || !isToken(method) {
		return false
	}
	r.version = version(rest[cut+1:])
	target := bytes.Trim(rest[:cut], " ")
	if r.version == "" || len(target) == 0 {
		return false
	}
	r.method = httptext.Method(method)
	if r.method == "" {
		r.method, r.original = "_OTHER", string(method)
	}
	r.target(p, target)
	return true
}

// version returns the protocol version, or nothing if it is none of ours.
func version(text []byte) string {
	switch {
	case string(text) == "HTTP/1.1":
		return "1.1"
	case string(text) == "HTTP/1.0":
		return "1.0"
	}
	return ""
}

// asks says what the request means for the body of its response.
func (r *request) asks() asked {
	switch r.method {
	case "HEAD":
		return askedHead
	case "CONNECT":
		return askedConnect
	}
	return askedBody
}

// header takes a header line.
func (r *request) header(p *Parser, name, value []byte) {
	switch {
	case isName(name, "host"):
		if !r.fixed {
			r.setHost(p, value)
		}
	case isName(name, "user-agent"):
		r.agent = remember(&p.agent, value, p.options.MaxStatement)
	}
	if p.names.mayHave(len(name)) {
		r.wanted(&p.options, name, value)
	}
}

// wanted keeps the header if the options name it.
func (r *request) wanted(o *protocol.Options, name, value []byte) {
	for _, want := range o.ContextHeaders {
		if isName(name, want) && len(r.context) < maxCapture {
			r.context = append(r.context, protocol.Header{Name: want, Value: protocol.Text(value, maxValue)})
		}
	}
	for _, want := range o.CaptureHeaders {
		if isName(name, want) {
			r.capture("http.request.header."+want, protocol.Text(value, o.MaxStatement))
		}
	}
}

// capture adds a value to the attribute of its header.
func (r *request) capture(key, value string) {
	for i := range r.captured {
		if a := &r.captured[i]; a.Key == key {
			if len(a.Strs) < maxCapture {
				a.Strs = append(a.Strs, value)
			}
			return
		}
	}
	r.captured = append(r.captured, protocol.Strings(key, []string{value}))
}

// endRequestHeaders decides how the request goes on behind its headers.
func (p *Parser) endRequestHeaders(h *half) (protocol.Step, bool) {
	if h.framing.coded && !h.framing.chunked || len(p.waiting) >= maxWaiting {
		return protocol.Step{}, false
	}
	p.pair(protocol.FromClient, h)
	p.tunnel = h.request.method == "CONNECT"
	if h.framing.chunked {
		h.state = chunkSize
		return protocol.Step{}, true
	}
	skip := max(h.framing.length, 0)
	return protocol.Step{Skip: skip, Message: p.complete(protocol.FromClient, h)}, true
}

// message turns m into the request with a body of the given size.
func (r *request) message(m *protocol.Message, size int64) *protocol.Message {
	m.Name, m.Headers = r.method, r.context
	if r.original != "" {
		m.Name = "HTTP"
	}
	m.Attributes = r.attributes(m.Attributes, size)
	*r = request{}
	return m
}

func (r *request) attributes(list []protocol.Attribute, size int64) []protocol.Attribute {
	list = append(list, protocol.String("http.request.method", r.method))
	text := func(key, value string) {
		if value != "" {
			list = append(list, protocol.String(key, value))
		}
	}
	text("http.request.method_original", r.original)
	text("url.scheme", r.scheme)
	text("url.path", r.path)
	text("url.query", r.query)
	text("server.address", r.host)
	if r.port > 0 {
		list = append(list, protocol.Int("server.port", r.port))
	}
	text("network.protocol.version", r.version)
	text("user_agent.original", r.agent)
	if size != unknown {
		list = append(list, protocol.Int("http.request.body.size", size))
	}
	return append(list, r.captured...)
}

// remember returns value as text. The last one is kept: it is most likely the
// same on the next request of the connection.
func remember(last *string, value []byte, limit int) string {
	if string(value) != *last {
		*last = protocol.Text(value, limit)
	}
	return *last
}

// nameFilter has bit n set when a header name of n bytes is wanted.
type nameFilter uint64

func newNameFilter(o *protocol.Options) nameFilter {
	var f nameFilter
	for _, names := range [...][]string{o.CaptureHeaders, o.ContextHeaders} {
		for _, name := range names {
			f |= 1 << min(len(name), 63)
		}
	}
	return f
}

func (f nameFilter) mayHave(length int) bool { return f&(1<<min(length, 63)) != 0 }
