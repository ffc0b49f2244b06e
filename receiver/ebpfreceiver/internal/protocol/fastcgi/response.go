package fastcgi

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/httptext"
)

// response is what was read of a response.
type response struct {
	head  []byte // of the output, up to the end of the headers
	whole bool   // the headers are
	over  bool   // there are more than are held
	size  int64  // bytes of the output
	start int64  // of the body in it
}

// answer returns the response under way of an id.
func (p *Parser) answer(id uint16) *response {
	a := p.responses[id]
	if a == nil {
		a = &response{}
		p.responses[id] = a
	}
	return a
}

// stdout takes a piece of the output, of which left bytes are still to come in
// the record, and reports whether these are wanted.
func (a *response) stdout(b []byte, left int) bool {
	a.size += int64(len(b))
	if !a.whole && !a.over {
		a.headers(b)
	}
	isDone := a.whole || a.over
	if isDone {
		a.size += int64(left)
	}
	return !isDone
}

// headers holds output up to the empty line behind the headers.
func (a *response) headers(b []byte) {
	before := max(len(a.head)-len("\n\r"), 0)
	n := min(len(b), maxHead-len(a.head))
	a.head = append(a.head, b[:n]...)
	end := endOfHeaders(a.head, before)
	if end < 0 {
		a.over = len(a.head) >= maxHead
		return
	}
	a.whole, a.start = true, int64(end)
	a.head = a.head[:end]
}

// endOfHeaders returns what is behind the first empty line, looking for it from
// the given place on; negative when there is none.
func endOfHeaders(b []byte, from int) int {
	for {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return -1
		}
		from += i + 1
		switch rest := b[from:]; {
		case bytes.HasPrefix(rest, []byte("\n")):
			return from + 1
		case bytes.HasPrefix(rest, []byte("\r\n")):
			return from + 2
		}
	}
}

// status returns the status that the headers state; 0 if they do not tell.
func (a *response) status() int64 {
	rest, implied := a.head, int64(200)
	for len(rest) > 0 {
		line, behind, whole := bytes.Cut(rest, []byte{'\n'})
		name, value, _ := bytes.Cut(line, []byte{':'})
		switch {
		case !whole:
		case bytes.EqualFold(name, []byte("status")):
			code, _, _ := bytes.Cut(bytes.TrimSpace(value), []byte{' '})
			if n, ok := httptext.Decimal(code); ok && len(code) == 3 && n >= 100 {
				return n
			}
		case bytes.EqualFold(name, []byte("location")):
			implied = 302
		}
		rest = behind
	}
	if !a.whole {
		return 0
	}
	return implied
}

// respond returns the response of an id. Without END_REQUEST's content it is cut
// where it stands.
func (p *Parser) respond(id uint16, fixed []byte) *protocol.Message {
	a := p.answer(id)
	delete(p.responses, id)
	m := p.options.Messages.New(protocol.Response)
	m.ID = uint64(id)
	status := a.status()
	if status > 0 {
		m.Attributes = append(m.Attributes, protocol.Int("http.response.status_code", status))
	}
	if len(fixed) > 0 && a.whole {
		m.Attributes = append(m.Attributes, protocol.Int("http.response.body.size", a.size-a.start))
	}
	if m.Status, m.StatusText = outcome(status, fixed); m.Status != protocol.StatusUnset {
		kind := m.StatusText
		if status >= 400 {
			kind, m.StatusText = strconv.FormatInt(status, 10), ""
		}
		m.Attributes = append(m.Attributes, protocol.String("error.type", kind))
	}
	return m
}

// outcome tells how the exchange went: by the status, else by what the
// application's end says.
func outcome(status int64, fixed []byte) (protocol.Status, string) {
	switch {
	case status >= 500:
		return protocol.StatusError, ""
	case status >= 400:
		return protocol.StatusClientError, ""
	case status > 0 || len(fixed) < fixedLen:
		return protocol.StatusUnset, ""
	}
	switch fixed[4] {
	case 1:
		return protocol.StatusError, "CANT_MPX_CONN"
	case 2:
		return protocol.StatusError, "OVERLOADED"
	case 3:
		return protocol.StatusError, "UNKNOWN_ROLE"
	}
	if binary.BigEndian.Uint32(fixed) != 0 {
		return protocol.StatusError, "exit_status"
	}
	return protocol.StatusUnset, ""
}
