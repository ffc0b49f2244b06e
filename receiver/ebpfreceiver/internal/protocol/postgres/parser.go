package postgres

import (
	"encoding/binary"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Bounds on what a peer can make the parser do.
const (
	maxMessage = 1 << 30  // bytes of one message, as the server has it
	maxStartup = 10_000   // bytes of a start-up packet, as the server has it
	maxNames   = 512      // bytes of a message in which names are looked for
	maxText    = 16 << 10 // bytes of a statement that are read
	maxFields  = 1 << 10  // bytes of an error
)

// Codes of start-up packets.
const (
	cancelCode = 80877102
	sslCode    = 80877103
	gssCode    = 80877104
)

// Parser follows one connection. It implements protocol.Parser.
type Parser struct {
	options protocol.Options
	frames  [2]frame
	batch   batch
	cache   cache
	answer  answer
	waiting int // exchanges without ReadyForQuery

	database  string
	escapes   bool // standard_conforming_strings is off
	typed     bool // the client has sent a message with a type byte: starting up is over
	asking    bool // for encryption
	starting  bool // up to the first ReadyForQuery
	streaming bool // CopyBoth: replication
	halved    bool // an exchange was cut before its Sync and has no ReadyForQuery yet
	spoken    bool // a message was complete: this is PostgreSQL
	opaque    bool
}

// frame is the message under way in one direction; left and buf are in use when
// it came in pieces.
type frame struct {
	kind byte // 0 between messages
	size int64
	left int64  // bytes of the payload to come
	want int    // bytes of it that matter
	buf  []byte // the first of them
}

// startup stands for the kind of packets that have none.
const startup = 1

var _ protocol.Parser = (*Parser)(nil)

// New returns a parser for one connection.
func New(o *protocol.Options) protocol.Parser {
	return &Parser{options: o.WithDefaults()}
}

// Protocol describes PostgreSQL.
func Protocol() protocol.Protocol {
	return protocol.Protocol{Name: "postgresql", Detect: Detect, New: New}
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

// next takes a message, or a piece of one, off the front of data.
func (p *Parser) next(dir protocol.Direction, data []byte) (protocol.Step, bool) {
	f := &p.frames[dir]
	if f.kind != 0 {
		return p.resume(dir, f, data)
	}
	if p.asking && p.encrypted(dir, data[0]) {
		return protocol.Step{}, true
	}
	if p.asking && dir == protocol.FromServer && data[0] == 'N' {
		p.asking = false
		return protocol.Step{Consumed: 1, Message: ignored()}, true
	}
	header, ok := p.begin(dir, f, data)
	if header == 0 || !ok {
		return protocol.Step{}, ok
	}
	return p.first(dir, f, data[header:], header)
}

// encrypted reports whether the first byte says that TLS or GSS takes over: the
// server's answer, or the first record of the client.
func (p *Parser) encrypted(dir protocol.Direction, c byte) bool {
	const handshake = 0x16
	p.opaque = dir == protocol.FromServer && (c == 'S' || c == 'G') || dir == protocol.FromClient && c == handshake
	return p.opaque
}

// begin reads the header of a message and returns its length; zero when it is
// not complete.
func (p *Parser) begin(dir protocol.Direction, f *frame, data []byte) (int, bool) {
	kind, header := data[0], 5
	if dir == protocol.FromClient && !p.typed && kind == 0 {
		kind, header = startup, 4
	}
	if !isKind(dir, kind) {
		return 0, false
	}
	if len(data) < header {
		return 0, true
	}
	f.size = int64(binary.BigEndian.Uint32(data[header-4:])) - 4
	f.left = f.size
	if !hasLength(dir, kind, f.size) {
		return 0, false
	}
	f.kind = kind
	f.want = int(min(int64(wanted(dir, kind, &p.options)), f.size))
	return header, true
}

// first takes what there is of a message behind its header.
func (p *Parser) first(dir protocol.Direction, f *frame, data []byte, header int) (protocol.Step, bool) {
	n := int(min(int64(len(data)), f.size))
	step := protocol.Step{Consumed: header + n}
	f.left = f.size - int64(n)
	if n < f.want {
		f.buf = append(f.buf[:0], data[:n]...)
		return step, true
	}
	step.Skip = f.left
	var ok bool
	step.Message, ok = p.take(dir, f, data[:f.want])
	return step, ok
}

// resume takes the next piece of a message.
func (p *Parser) resume(dir protocol.Direction, f *frame, data []byte) (protocol.Step, bool) {
	n := min(len(data), f.want-len(f.buf))
	f.buf = append(f.buf, data[:n]...)
	f.left -= int64(n)
	step := protocol.Step{Consumed: n}
	if len(f.buf) < f.want {
		return step, true
	}
	step.Skip = f.left
	var ok bool
	step.Message, ok = p.take(dir, f, f.buf)
	return step, ok
}

// take takes the beginning of the payload of a message, as much as is wanted.
func (p *Parser) take(dir protocol.Direction, f *frame, payload []byte) (*protocol.Message, bool) {
	kind, cut := f.kind, f.size > int64(len(payload))
	f.kind = 0
	const little = 256
	defer func() {
		if cap(f.buf) > little {
			f.buf = nil
		}
	}()
	if dir == protocol.FromClient {
		return p.fromClient(kind, payload, cut)
	}
	return p.fromServer(kind, payload)
}

// Gap implements protocol.Parser. What may be missing is skipped before; any
// other gap hides where the next message begins.
func (p *Parser) Gap(protocol.Direction, int) bool { return false }

// Resync implements protocol.Parser.
func (p *Parser) Resync(dir protocol.Direction) *protocol.Message {
	m := p.cut(dir)
	if dir == protocol.FromServer {
		p.starting = p.starting && p.waiting == 0
		p.waiting, p.halved = 0, false
	}
	return m
}

// Close implements protocol.Parser.
func (p *Parser) Close(dir protocol.Direction) *protocol.Message { return p.cut(dir) }

// cut ends the exchange under way where it stands.
func (p *Parser) cut(dir protocol.Direction) *protocol.Message {
	f := &p.frames[dir]
	kind, seen := f.kind, f.buf
	*f = frame{}
	switch {
	case dir == protocol.FromServer:
		return p.cutAnswer()
	case kind == 'Q' && len(seen) > 0:
		return p.query(seen, true)
	case kind == 'P':
		p.parse(seen, true)
	}
	if !p.batch.begun {
		return nil
	}
	p.batch.cut(p.options.MaxStatement)
	m := p.sync()
	p.halved = true
	return m
}

func ignored() *protocol.Message { return &protocol.Message{Kind: protocol.Ignored} }
