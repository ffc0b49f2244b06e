package fastcgi

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/httptext"
)

// Bounds of what is kept of the parameters of one request.
const (
	maxHost   = 255
	maxMethod = 32
	maxValue  = 8 << 10 // of a context header; more is cut and thereby void
)

// roles of the application: responder, authorizer, filter.
const roles = 3

// unknown is a length that is not known beforehand.
const unknown = -1

// request is what was read of a request.
type request struct {
	buf  []byte // parameters, as far as they are held
	body int64
	want int64 // bytes of the body by CONTENT_LENGTH, or unknown
}

// begin takes BEGIN_REQUEST. An id that is used again was given up before.
func (p *Parser) begin(r *record) bool {
	role := binary.BigEndian.Uint16(r.fixed)
	if role == 0 || role > roles || len(p.requests) >= maxRequests {
		return false
	}
	p.requests[r.id] = &request{want: unknown}
	return true
}

// params takes a piece of the parameters and reports whether more are wanted.
func (q *request) params(b []byte) bool {
	if q == nil {
		return false
	}
	q.buf = append(q.buf, b[:min(len(b), maxParams-len(q.buf))]...)
	return len(q.buf) < maxParams
}

// measure finds out how long the body will be, once the parameters are complete.
func (q *request) measure(o *protocol.Options) {
	v := readVariables(q.buf, o)
	n, ok := httptext.Decimal(v.length)
	switch {
	case len(q.buf) >= maxParams, v.coded, len(v.length) > 0 && !ok, v.length == nil && mayHaveBody(v.method):
	default:
		q.want = n
	}
}

// mayHaveBody reports whether requests of the method commonly have one.
func mayHaveBody(method []byte) bool {
	switch string(method) {
	case "GET", "HEAD", "DELETE", "OPTIONS", "TRACE":
		return false
	}
	return true
}

// early returns the request of an id when its body is complete, though the record
// that ends STDIN is still to come: PHP-FPM reads that one after it has answered,
// and nothing the request causes waits for it. Of several requests under way it
// could be one of another.
func (p *Parser) early(id uint16) *protocol.Message {
	q := p.requests[id]
	if q.want == unknown || q.body < q.want || len(p.requests) > 1 {
		return nil
	}
	return p.request(id, true)
}

// request returns the request of an id, whole or as far as it was seen.
func (p *Parser) request(id uint16, whole bool) *protocol.Message {
	q := p.requests[id]
	delete(p.requests, id)
	m := p.options.Messages.New(protocol.Request)
	m.ID = uint64(id)
	v := readVariables(q.buf, &p.options)
	method := protocol.Text(v.method, maxMethod)
	m.Name = httptext.Method(v.method)
	original := ""
	if m.Name == "" {
		m.Name, original, method = "HTTP", method, "_OTHER"
	}
	m.Headers = v.context
	m.Attributes = append(m.Attributes, protocol.String("http.request.method", method))
	m.Attributes = v.attributes(m.Attributes, original, &p.options)
	if whole && q.body > 0 {
		m.Attributes = append(m.Attributes, protocol.Int("http.request.body.size", q.body))
	}
	m.Attributes = append(m.Attributes, v.captured...)
	return m
}

// variables are those parameters that matter (RFC 3875, section 4.1, and what
// web servers add). They share memory with the parameters.
type variables struct {
	method, uri, script, info, query []byte
	scheme, https, host, agent       []byte
	length                           []byte
	coded                            bool // the body has a transfer coding
	hasQuery                         bool
	captured                         []protocol.Attribute
	context                          []protocol.Header
}

// readVariables reads name-value pairs up to where they end or are cut.
func readVariables(b []byte, o *protocol.Options) variables {
	var v variables
	for {
		name, value, rest, ok := pair(b)
		if !ok {
			return v
		}
		v.set(name, value, o)
		b = rest
	}
}

// pair splits a name-value pair off b.
func pair(b []byte) (name, value, rest []byte, ok bool) {
	n, b, ok := length(b)
	if !ok {
		return nil, nil, nil, false
	}
	size, b, ok := length(b)
	if !ok || n > len(b) || size > len(b)-n {
		return nil, nil, nil, false
	}
	return b[:n], b[n : n+size], b[n+size:], true
}

// length reads a length of one byte, or of four if the first bit is set.
func length(b []byte) (n int, rest []byte, ok bool) {
	const long, mask = 0x80, 1<<31 - 1
	switch {
	case len(b) > 0 && b[0] < long:
		return int(b[0]), b[1:], true
	case len(b) >= 4:
		return int(binary.BigEndian.Uint32(b) & mask), b[4:], true
	}
	return 0, nil, false
}

func (v *variables) set(name, value []byte, o *protocol.Options) {
	switch string(name) {
	case "REQUEST_METHOD":
		v.method = value
	case "REQUEST_URI":
		v.uri = value
	case "SCRIPT_NAME":
		v.script = value
	case "PATH_INFO":
		v.info = value
	case "QUERY_STRING":
		v.query, v.hasQuery = value, true
	case "REQUEST_SCHEME":
		v.scheme = value
	case "HTTPS":
		v.https = value
	case "CONTENT_LENGTH":
		v.length = value
	case "HTTP_TRANSFER_ENCODING":
		v.coded = true
	case "HTTP_HOST":
		v.host = value
	case "HTTP_USER_AGENT":
		v.agent = value
	}
	v.header(name, value, o)
}

// header keeps a parameter that is a header which the options name.
func (v *variables) header(name, value []byte, o *protocol.Options) {
	name, isHeader := bytes.CutPrefix(name, []byte("HTTP_"))
	isContent := string(name) == "CONTENT_TYPE" || string(name) == "CONTENT_LENGTH"
	if isHeader == isContent || len(value) == 0 { // nginx passes these two both ways, and empty when there is none
		return
	}
	for _, want := range o.ContextHeaders {
		if isVariable(name, want) {
			v.context = append(v.context, protocol.Header{Name: want, Value: protocol.Text(value, maxValue)})
		}
	}
	for _, want := range o.CaptureHeaders {
		if isVariable(name, want) {
			text := protocol.Text(value, o.MaxStatement)
			v.captured = append(v.captured, protocol.Strings("http.request.header."+want, []string{text}))
		}
	}
}

// isVariable reports whether a header, in lower case, has that name as a
// variable: in upper case, with underscores for what is neither letter nor digit.
func isVariable(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i, c := range []byte(lower) {
		switch {
		case c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		case c < '0' || c > '9':
			c = '_'
		}
		if name[i] != c {
			return false
		}
	}
	return true
}

func (v *variables) attributes(list []protocol.Attribute, original string, o *protocol.Options) []protocol.Attribute {
	text := func(key, value string) {
		if value != "" {
			list = append(list, protocol.String(key, value))
		}
	}
	path, query := v.target()
	text("http.request.method_original", original)
	text("url.scheme", v.urlScheme())
	text("url.path", protocol.Text(path, o.MaxStatement))
	text("url.query", httptext.Query(query, o))
	host, port := httptext.SplitAuthority(v.host)
	text("server.address", protocol.Text(host, maxHost))
	if port > 0 {
		list = append(list, protocol.Int("server.port", port))
	}
	text("network.protocol.name", "fastcgi")
	text("user_agent.original", protocol.Text(v.agent, o.MaxStatement))
	return list
}

// target returns path and query: those the client asked for, else those of the
// script.
func (v *variables) target() (path, query []byte) {
	path, query, _ = bytes.Cut(v.uri, []byte{'?'})
	if v.hasQuery {
		query = v.query
	}
	if len(path) == 0 {
		path = append(append([]byte(nil), v.script...), v.info...)
	}
	return path, query
}

func (v *variables) urlScheme() string {
	switch {
	case len(v.scheme) > 0 && len(v.scheme) <= maxMethod:
		return strings.ToLower(protocol.Text(v.scheme, maxMethod))
	case len(v.https) > 0 && !bytes.EqualFold(v.https, []byte("off")):
		return "https"
	}
	return "http"
}
