package redis

import (
	"bytes"
	"math"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Bounds on what a peer can make the parser do.
const (
	maxLine     = 32 << 10      // bytes of an inline command, a simple string or an error
	maxArgs     = 1 << 20       // arguments of a command, as the server has it
	maxElements = math.MaxInt32 // elements of one aggregate
	maxBulk     = 1 << 40       // bytes of one string
	maxDepth    = 32            // aggregates in aggregates
	maxWaiting  = 1024          // runs of requests that wait for replies
	maxName     = 32            // bytes of the name of a command
)

// Parser follows one connection. It implements protocol.Parser.
type Parser struct {
	options protocol.Options
	command command
	reply   reply
	waiting queue
	pubsub  pubsub
	scanned [2]int // bytes offered before in which no line ends

	last      string // name of the last command
	namespace string // of the last SELECT
	replies   replyMode
	monitor   bool // MONITOR was accepted
	typed     bool // the command just read was an inline one
	spoken    bool // any other message was complete: this is Redis
	opaque    bool // a replication stream follows
}

// replyMode is what CLIENT REPLY asked for.
type replyMode uint8

const (
	replyOn replyMode = iota
	replyOff
	replySkip // the next command has none
)

var _ protocol.Parser = (*Parser)(nil)

// New returns a parser for one connection.
func New(o *protocol.Options) protocol.Parser {
	p := &Parser{options: o.WithDefaults()}
	p.command.reset()
	return p
}

// Protocol describes Redis.
func Protocol() protocol.Protocol {
	return protocol.Protocol{Name: "redis", Detect: Detect, New: New}
}

// Parse implements protocol.Parser.
func (p *Parser) Parse(dir protocol.Direction, data []byte) (protocol.Step, error) {
	if p.opaque {
		return protocol.Step{Opaque: true}, nil
	}
	next := p.nextReply
	if dir == protocol.FromClient {
		next = p.nextCommand
	}
	total := protocol.Step{}
	for total.Consumed < len(data) {
		step, ok := next(data[total.Consumed:])
		if !ok {
			return protocol.Step{}, p.refuse()
		}
		total.Consumed += step.Consumed
		total.Skip, total.Message = step.Skip, step.Message
		if step.Message != nil || step.Skip > 0 || step.Consumed == 0 {
			break
		}
	}
	p.spoken = p.spoken || total.Message != nil && !p.typed
	p.typed = false
	return total, nil
}

func (p *Parser) refuse() error {
	if p.spoken {
		return protocol.ErrLostFrame
	}
	return protocol.ErrNotThisProtocol
}

// line returns the first line of data without its end, and its length with it;
// zero when it is not complete. A line that is too long is not ok.
func (p *Parser) line(dir protocol.Direction, data []byte) (line []byte, n int, ok bool) {
	from := min(p.scanned[dir], len(data))
	i := bytes.IndexByte(data[from:], '\n')
	if i < 0 {
		p.scanned[dir] = len(data)
		return nil, 0, len(data) <= maxLine
	}
	p.scanned[dir] = 0
	end := from + i
	if end >= maxLine {
		return nil, 0, false
	}
	if end > 0 && data[end-1] == '\r' {
		return data[:end-1], end + 1, true
	}
	return data[:end], end + 1, dir == protocol.FromClient && data[0] != '*' && data[0] != '$'
}

// Gap implements protocol.Parser. What may be missing is skipped before; any
// other gap hides where the next command or reply begins.
func (p *Parser) Gap(dir protocol.Direction, _ int) bool {
	p.scanned[dir] = 0
	return false
}

// Resync implements protocol.Parser.
func (p *Parser) Resync(dir protocol.Direction) *protocol.Message {
	m := p.cut(dir)
	if dir == protocol.FromServer {
		p.waiting = queue{}
	}
	return m
}

// Close implements protocol.Parser.
func (p *Parser) Close(dir protocol.Direction) *protocol.Message { return p.cut(dir) }

// cut ends the message under way where it stands.
func (p *Parser) cut(dir protocol.Direction) *protocol.Message {
	p.scanned[dir] = 0
	if dir == protocol.FromServer {
		return p.cutReply()
	}
	if p.command.index == 0 {
		p.command.reset()
		return nil
	}
	m, _ := p.endCommand()
	return m
}

// length reads the decimal number of a header line, not above limit. The bounds
// include -1, which stands for null.
func length(text []byte, limit int64) (int64, bool) {
	if string(text) == "-1" {
		return -1, true
	}
	var n int64
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n = n*10 + int64(c-'0'); n > limit {
			return 0, false
		}
	}
	return n, len(text) > 0
}
