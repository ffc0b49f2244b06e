package mysql

import (
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Bounds on what a peer can make the parser do.
const (
	maxText    = 16 << 10 // bytes of a statement that are read
	maxFields  = 512      // bytes of the handshake and of an error that are read
	maxWaiting = 64       // commands without a response
)

// Parser follows one connection. It implements protocol.Parser.
type Parser struct {
	options protocol.Options
	frames  [2]frame
	cache   cache
	answer  answer
	waiting []command // without a response, in their order

	database string
	mariadb  bool
	eofs     eofs
	starting bool // from the greeting to the OK of the handshake
	packed   bool // it agreed on compression
	spoken   bool // a message was complete: this is MySQL
	opaque   bool
}

// frame is the payload under way in one direction; left and buf are in use when
// it came in pieces.
type frame struct {
	open bool
	last bool // packet of the payload, in use while open
	long bool // the payload goes on in the next packet; its head is in buf
	seq  byte
	kind byte // first byte of the payload
	size int  // of its first packet
	left int  // bytes of the packet to come
	want int  // bytes of it that matter
	buf  []byte
}

var _ protocol.Parser = (*Parser)(nil)

// New returns a parser for one connection.
func New(o *protocol.Options) protocol.Parser {
	return &Parser{options: o.WithDefaults()}
}

// Protocol describes MySQL and MariaDB.
func Protocol() protocol.Protocol {
	return protocol.Protocol{Name: "mysql", Detect: Detect, New: New}
}

// Parse implements protocol.Parser.
func (p *Parser) Parse(dir protocol.Direction, data []byte) (protocol.Step, error) {
	total := protocol.Step{}
	for total.Consumed < len(data) && !p.opaque {
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
	if p.opaque && total == (protocol.Step{}) {
		return protocol.Step{Opaque: true}, nil
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

// next takes a packet, or a piece of one, off the front of data.
func (p *Parser) next(dir protocol.Direction, data []byte) (protocol.Step, bool) {
	f := &p.frames[dir]
	if f.open {
		return p.resume(dir, f, data)
	}
	if len(data) < headerLen {
		return protocol.Step{}, true
	}
	size := packetSize(data)
	if size > 0 && len(data) == headerLen {
		return protocol.Step{}, true // the first byte of the payload says how much matters
	}
	f.left, f.want = size, 0
	if !f.long {
		f.size, f.seq, f.kind, f.buf = size, data[3], 0, f.buf[:0]
		if size > 0 {
			f.kind = data[headerLen]
			f.want = min(p.wanted(dir, f), size)
		}
	}
	return p.first(dir, f, data[headerLen:])
}

// wanted returns how many bytes of the payload are read; the rest is skipped.
func (p *Parser) wanted(dir protocol.Direction, f *frame) int {
	const definition, ok, few = 4, 24, 16
	switch {
	case p.starting || dir == protocol.FromServer && f.seq == 0 && !p.spoken:
		return maxFields
	case dir == protocol.FromClient && f.seq != 0:
		return 0
	case dir == protocol.FromClient:
		return wantedOfCommand(f.kind, &p.options)
	case f.kind == errPacket:
		return maxFields
	case f.kind == okPacket, f.kind == eofPacket:
		return ok
	case p.answer.state == defining:
		return definition
	}
	return few
}

// first takes what there is of a packet behind its header.
func (p *Parser) first(dir protocol.Direction, f *frame, data []byte) (protocol.Step, bool) {
	n := min(len(data), f.left)
	isLast := f.left < maxPacket
	step := protocol.Step{Consumed: headerLen + n}
	f.left -= n
	if n < f.want {
		f.open, f.last = true, isLast
		f.buf = append(f.buf[:0], data[:n]...)
		return step, true
	}
	step.Skip = int64(f.left)
	var ok bool
	step.Message, ok = p.finish(dir, f, data[:f.want], isLast)
	return step, ok
}

// resume takes the next piece of a packet.
func (p *Parser) resume(dir protocol.Direction, f *frame, data []byte) (protocol.Step, bool) {
	n := min(len(data), f.want-len(f.buf))
	f.buf = append(f.buf, data[:n]...)
	f.left -= n
	step := protocol.Step{Consumed: n}
	if len(f.buf) < f.want {
		return step, true
	}
	f.open = false
	step.Skip = int64(f.left)
	var ok bool
	step.Message, ok = p.finish(dir, f, f.buf, f.last)
	return step, ok
}

// finish ends a packet. Of a payload in several packets the head waits for the
// last one.
func (p *Parser) finish(dir protocol.Direction, f *frame, head []byte, isLast bool) (*protocol.Message, bool) {
	switch {
	case f.long:
		head = f.buf
	case !isLast:
		f.buf = append(f.buf[:0], head...)
	}
	f.long = !isLast
	if f.long {
		return nil, true
	}
	cut := f.size > len(head)
	const little = 256
	defer func() {
		if cap(f.buf) > little {
			f.buf = nil
		}
	}()
	if dir == protocol.FromClient {
		return p.fromClient(f, head, cut)
	}
	return p.fromServer(f, head, cut)
}

// Gap implements protocol.Parser. What may be missing is skipped before; any
// other gap hides where the next packet begins.
func (p *Parser) Gap(protocol.Direction, int) bool { return false }

// Resync implements protocol.Parser.
func (p *Parser) Resync(dir protocol.Direction) *protocol.Message {
	m := p.cut(dir)
	if dir == protocol.FromServer {
		clear(p.waiting)
		p.waiting = p.waiting[:0]
	}
	return m
}

// Close implements protocol.Parser.
func (p *Parser) Close(dir protocol.Direction) *protocol.Message { return p.cut(dir) }

// cut ends the exchange under way where it stands.
func (p *Parser) cut(dir protocol.Direction) *protocol.Message {
	f := &p.frames[dir]
	old := *f
	*f = frame{}
	if dir == protocol.FromServer {
		return p.cutAnswer()
	}
	if !old.open && !old.long || p.starting || old.seq != 0 || len(old.buf) == 0 {
		return nil
	}
	m, _ := p.command(old.buf, true)
	return m
}

func ignored() *protocol.Message { return &protocol.Message{Kind: protocol.Ignored} }
