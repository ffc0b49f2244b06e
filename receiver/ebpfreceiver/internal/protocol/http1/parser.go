package http1

import (
	"bytes"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Bounds on what a peer can make the parser do. Memory is bounded by the
// attributes kept; these end streams that are no messages.
const (
	maxLine    = 32 << 10  // bytes of one header line; real servers take 8 to 16 KiB
	maxHeaders = 256 << 10 // bytes of one header block or trailer
	maxWaiting = 1024      // requests without a response
	maxBody    = 1 << 50   // bytes of one body; what is longer is no length
)

// state is what comes next in one direction.
type state uint8

const (
	startLine state = iota
	headerLine
	chunkSize
	chunkEnd
	trailerLine
	untilClose
)

// asked is what a request that waits for its response says about the body of
// the response.
type asked uint8

const (
	askedBody asked = iota
	askedHead
	askedConnect
)

// Parser follows one connection. It implements protocol.Parser.
type Parser struct {
	options protocol.Options
	names   nameFilter
	halves  [2]half
	waiting []asked
	few     [4]asked // first memory of waiting
	spoken  bool     // a message was complete: this is HTTP
	tunnel  bool     // the client must not be read before CONNECT is answered
	opaque  bool

	host, agent string // of the last request, most likely those of the next
}

// half is one direction: what was read of the message under way.
type half struct {
	state    state
	scanned  int // bytes offered before in which no line ends
	headers  int // bytes of header lines
	framing  framing
	body     int64 // bytes of a body without declared length
	request  request
	response response
}

var _ protocol.Parser = (*Parser)(nil)

// New returns a parser for one connection.
func New(o *protocol.Options) protocol.Parser {
	p := &Parser{options: o.WithDefaults()}
	p.names = newNameFilter(&p.options)
	p.waiting = p.few[:0]
	return p
}

// Protocol describes HTTP/1.
func Protocol() protocol.Protocol {
	return protocol.Protocol{Name: "http", Detect: Detect, New: New}
}

// Parse implements protocol.Parser.
func (p *Parser) Parse(dir protocol.Direction, data []byte) (protocol.Step, error) {
	if p.opaque {
		return protocol.Step{Opaque: true}, nil
	}
	if dir == protocol.FromClient && p.tunnel {
		return protocol.Step{}, nil
	}
	h := &p.halves[dir]
	total := protocol.Step{}
	for total.Consumed < len(data) {
		step, ok := p.next(dir, h, data[total.Consumed:])
		if !ok {
			return protocol.Step{}, p.refuse()
		}
		total.Consumed += step.Consumed
		total.Skip, total.Message = step.Skip, step.Message
		if step.Message != nil || step.Skip > 0 || step.Consumed == 0 {
			break
		}
	}
	p.spoken = p.spoken || total.Message != nil && total.Message.Kind != protocol.Ignored
	return total, nil
}

// refuse returns the error for bytes that are no HTTP.
func (p *Parser) refuse() error {
	if p.spoken {
		return protocol.ErrLostFrame
	}
	return protocol.ErrNotThisProtocol
}

// next takes one line, or one stretch of body, off the front of data.
func (p *Parser) next(dir protocol.Direction, h *half, data []byte) (protocol.Step, bool) {
	switch h.state {
	case chunkEnd:
		return h.endChunk(data)
	case untilClose:
		h.body += int64(len(data))
		return protocol.Step{Consumed: len(data)}, true
	case startLine:
		if c := data[0]; c == '\r' || c == '\n' {
			return emptyLine(data)
		}
	}
	line, n := h.line(data)
	if n == 0 || n > maxLine {
		return protocol.Step{}, n == 0 && len(data) <= maxLine
	}
	step, ok := p.takeLine(dir, h, line)
	step.Consumed = n
	h.headers += n
	return step, ok && h.headers <= maxHeaders
}

func (p *Parser) takeLine(dir protocol.Direction, h *half, line []byte) (protocol.Step, bool) {
	switch {
	case h.state == startLine:
		return protocol.Step{}, p.begin(dir, h, line)
	case h.state == chunkSize:
		return h.beginChunk(line)
	case len(line) > 0 && h.state == trailerLine:
		return protocol.Step{}, true
	case len(line) > 0:
		return protocol.Step{}, p.header(dir, h, line)
	case h.state == trailerLine:
		h.framing.length = h.body
		return protocol.Step{Message: p.complete(dir, h)}, true
	case dir == protocol.FromClient:
		return p.endRequestHeaders(h)
	default:
		return p.endResponseHeaders(h)
	}
}

// begin reads the first line of a message.
func (p *Parser) begin(dir protocol.Direction, h *half, line []byte) bool {
	var ok bool
	if dir == protocol.FromClient {
		ok = h.request.begin(p, line)
	} else {
		ok = h.response.begin(line)
	}
	if ok {
		h.state = headerLine
		h.headers, h.body, h.framing = 0, 0, framing{length: unknown}
	}
	return ok
}

// header reads a header line. Lines without a colon are passed over, as nginx
// does, unless they are not even text.
func (p *Parser) header(dir protocol.Direction, h *half, line []byte) bool {
	name, value, found := bytes.Cut(unfold(line), []byte{':'})
	if !found {
		return isText(name)
	}
	name = bytes.TrimRight(name, " \t")
	value = bytes.Trim(value, " \t")
	if !isText(name) || bytes.IndexByte(value, 0) >= 0 {
		return false
	}
	if dir == protocol.FromClient {
		h.request.header(p, name, value)
	}
	return h.framing.header(name, value)
}

// complete ends the message under way and returns it.
func (p *Parser) complete(dir protocol.Direction, h *half) *protocol.Message {
	h.state, h.scanned = startLine, 0
	if dir == protocol.FromClient {
		return h.request.message(p.options.Messages.New(protocol.Request), h.framing.length)
	}
	return h.response.message(p.options.Messages.New(protocol.Response), h.framing.length)
}

// Gap implements protocol.Parser. A body that ends with the connection goes on,
// and so does a chunk of which only the line end was missing.
func (p *Parser) Gap(dir protocol.Direction, n int) bool {
	h := &p.halves[dir]
	h.scanned = 0
	switch {
	case h.state == untilClose:
		h.body += int64(n)
		return true
	case h.state == chunkEnd && n == 2:
		h.state = chunkSize
		return true
	}
	return false
}

// Resync implements protocol.Parser.
func (p *Parser) Resync(dir protocol.Direction) *protocol.Message {
	m := p.cut(dir)
	if dir == protocol.FromServer {
		p.waiting, p.tunnel = p.waiting[:0], false
	}
	return m
}

// Close implements protocol.Parser.
func (p *Parser) Close(dir protocol.Direction) *protocol.Message {
	if h := &p.halves[dir]; h.state == untilClose {
		h.framing.length = h.body
	}
	return p.cut(dir)
}

// cut ends the message under way where it stands.
func (p *Parser) cut(dir protocol.Direction) *protocol.Message {
	h := &p.halves[dir]
	h.scanned = 0
	if h.state == startLine {
		return nil
	}
	if h.state == headerLine {
		p.pair(dir, h)
	}
	if h.state != untilClose {
		h.framing.length = unknown
	}
	return p.complete(dir, h)
}

// pair keeps the account of requests that wait for a response.
func (p *Parser) pair(dir protocol.Direction, h *half) asked {
	if dir == protocol.FromClient {
		p.waiting = append(p.waiting, h.request.asks())
		return askedBody
	}
	if len(p.waiting) == 0 || h.response.isInterim() {
		return askedBody
	}
	first := p.waiting[0]
	p.waiting = p.waiting[:copy(p.waiting, p.waiting[1:])]
	return first
}
