package fastcgi

import (
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Bounds on what a peer can make the parser do.
const (
	maxRequests = 64       // of one connection under way
	maxParams   = 16 << 10 // bytes of the parameters of one request that are held
	maxHead     = 4 << 10  // bytes of the response's headers that are held
)

// Parser follows one connection. It implements protocol.Parser.
type Parser struct {
	options   protocol.Options
	records   [2]record
	requests  map[uint16]*request
	responses map[uint16]*response
	spoken    bool // a message was complete: this is FastCGI
}

// record is the record under way in one direction.
type record struct {
	header
	open  bool
	fixed []byte // content of BEGIN_REQUEST and END_REQUEST
	last  uint16 // id of the last record
}

var _ protocol.Parser = (*Parser)(nil)

// New returns a parser for one connection.
func New(o *protocol.Options) protocol.Parser {
	return &Parser{
		options:   o.WithDefaults(),
		requests:  make(map[uint16]*request),
		responses: make(map[uint16]*response),
	}
}

// Protocol describes FastCGI.
func Protocol() protocol.Protocol {
	return protocol.Protocol{Name: "fastcgi", Detect: Detect, New: New}
}

// Parse implements protocol.Parser.
func (p *Parser) Parse(dir protocol.Direction, data []byte) (protocol.Step, error) {
	total := protocol.Step{}
	for total.Consumed < len(data) {
		step, ok := p.next(dir, data[total.Consumed:])
		if !ok {
			return protocol.Step{}, p.refuse()
		}
		total.Consumed += step.Consumed
		total.Skip, total.Message = step.Skip, step.Message
		if step.Message != nil || step.Skip > 0 || step.Consumed == 0 {
			break
		}
	}
	p.spoken = p.spoken || total.Message != nil
	return total, nil
}

func (p *Parser) refuse() error {
	if p.spoken {
		return protocol.ErrLostFrame
	}
	return protocol.ErrNotThisProtocol
}

// next takes a record, or a piece of one, off the front of data.
func (p *Parser) next(dir protocol.Direction, data []byte) (protocol.Step, bool) {
	r := &p.records[dir]
	step := protocol.Step{}
	if !r.open {
		if len(data) < headerLen {
			return step, true
		}
		var ok bool
		if r.header, ok = parseHeader(dir, data); !ok {
			return step, false
		}
		r.open, r.last, r.fixed = true, r.id, r.fixed[:0]
		step.Consumed, data = headerLen, data[headerLen:]
	}
	n := min(len(data), r.content)
	step.Consumed += n
	r.content -= n
	isEmpty := n == 0 && r.content == 0
	more, ok := p.content(dir, r, data[:n])
	if !ok {
		return protocol.Step{}, false
	}
	if more && r.content > 0 {
		return step, true
	}
	r.open = false
	step.Skip = int64(r.content + r.padding)
	step.Message, ok = p.end(r, isEmpty)
	if step.Message != nil && (r.kind == params || r.kind == stdin && !isEmpty) {
		step.Skip += headerLen // of the record that ends STDIN
	}
	return step, ok
}

// content takes a piece of a record's content and says whether the rest of it is
// of interest.
func (p *Parser) content(dir protocol.Direction, r *record, b []byte) (more, ok bool) {
	switch r.kind {
	case beginRequest, endRequest:
		r.fixed = append(r.fixed, b...)
		return true, true
	case params:
		q := p.requests[r.id]
		return q.params(b), q != nil
	case stdin, data:
		q := p.requests[r.id]
		if q != nil && r.kind == stdin {
			q.body += int64(len(b) + r.content)
		}
		return false, q != nil
	case stdout:
		return p.answer(r.id).stdout(b, r.content), len(p.responses) <= maxRequests
	case stderr:
		p.answer(r.id)
		return false, len(p.responses) <= maxRequests
	}
	return false, dir == protocol.FromServer || r.kind != abortRequest || p.requests[r.id] != nil || p.spoken
}

// end ends a record. An empty one ends its stream.
func (p *Parser) end(r *record, isEmpty bool) (*protocol.Message, bool) {
	switch {
	case r.kind == beginRequest:
		return nil, p.begin(r)
	case r.kind == endRequest:
		return p.respond(r.id, r.fixed), true
	case r.kind == params && isEmpty:
		p.requests[r.id].measure(&p.options)
		return p.early(r.id), true
	case r.kind == stdin && !isEmpty:
		return p.early(r.id), true
	case r.kind == stdin, r.kind == abortRequest && p.requests[r.id] != nil:
		return p.request(r.id, true), true
	case r.id == 0, r.kind == abortRequest:
		return ignored(), true
	}
	return nil, true
}

// Gap implements protocol.Parser. What may be missing is skipped before; any
// other gap hides where the next record begins.
func (p *Parser) Gap(protocol.Direction, int) bool { return false }

// Resync implements protocol.Parser. Of several messages under way only the one
// that spoke last is returned.
func (p *Parser) Resync(dir protocol.Direction) *protocol.Message { return p.cut(dir) }

// Close implements protocol.Parser.
func (p *Parser) Close(dir protocol.Direction) *protocol.Message { return p.cut(dir) }

// cut ends what is under way where it stands.
func (p *Parser) cut(dir protocol.Direction) *protocol.Message {
	id := p.records[dir].last
	p.records[dir] = record{}
	var m *protocol.Message
	if dir == protocol.FromClient {
		if q := p.requests[id]; q != nil && len(q.buf) > 0 {
			m = p.request(id, false)
		}
		clear(p.requests)
		return m
	}
	if p.responses[id] != nil {
		m = p.respond(id, nil)
	}
	clear(p.responses)
	return m
}

func ignored() *protocol.Message { return &protocol.Message{Kind: protocol.Ignored} }
