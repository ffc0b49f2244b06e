package prototest

import (
	"errors"
	"fmt"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// maxHeld is how many bytes of an unfinished message the connection table holds
// before it gives the message up.
const maxHeld = 64 << 10

// Record is one outcome of a Driver: a message with the positions of its first
// and behind its last byte in its direction, or a note ("lost", "opaque", "not
// this protocol").
type Record struct {
	Dir        protocol.Direction
	Start, End int64
	Message    *protocol.Message
	Note       string
}

// Driver offers the bytes of one connection to a parser and keeps the contract
// of protocol.Parser from the caller's side. What the parser does against the
// contract is reported by Err.
type Driver struct {
	Records []Record

	parser  protocol.Parser
	streams [2]stream
	done    bool // opaque, or not this protocol
	err     error
}

// stream is one direction: buf are the bytes not consumed yet, pos the position
// of the first of them, start where the message under way began.
type stream struct {
	buf        []byte
	pos, start int64
	skip       int64
	lost       bool
	closed     bool
}

// NewDriver returns a Driver for a new parser.
func NewDriver(p protocol.Parser) *Driver { return &Driver{parser: p} }

// Err returns the first breach of the contract, or nil.
func (d *Driver) Err() error { return d.err }

// Held returns how many bytes of direction dir the parser makes the caller keep.
func (d *Driver) Held(dir protocol.Direction) int { return len(d.streams[dir].buf) }

// Play runs a whole conversation.
func (d *Driver) Play(c Conversation) {
	for _, e := range c {
		switch {
		case e.Close:
			d.Close(e.Dir)
		case e.Gap > 0:
			d.Gap(e.Dir, e.Gap)
		default:
			d.Data(e.Dir, e.Data)
		}
	}
}

// Data takes bytes that were captured.
func (d *Driver) Data(dir protocol.Direction, data []byte) {
	s := &d.streams[dir]
	if d.done || s.closed || len(data) == 0 {
		return
	}
	d.turn(dir)
	if s.lost {
		s.pos += int64(len(data))
		return
	}
	s.buf = append(s.buf, data...)
	for !d.done && d.step(dir, s) {
	}
	if !d.done && len(s.buf) > maxHeld {
		d.lose(dir, "lost")
	}
}

// step lets the parser go on and reports whether it should be asked again.
func (d *Driver) step(dir protocol.Direction, s *stream) bool {
	s.drop(min(s.skip, int64(len(s.buf))), true)
	if len(s.buf) == 0 || s.lost {
		return false
	}
	offered := append([]byte(nil), s.buf...) // a parser that keeps it keeps a copy that changes
	step, err := d.parser.Parse(dir, offered)
	clear(offered)
	if err != nil {
		d.fail(dir, step, err)
		return false
	}
	if step.Opaque {
		d.note(dir, "opaque")
		d.done = true
		return false
	}
	if !d.legal(step, len(s.buf)) {
		return false
	}
	s.drop(int64(step.Consumed), false)
	s.skip = step.Skip
	if step.Message != nil {
		d.message(dir, step.Message, s.pos+s.skip)
	}
	return step.Consumed > 0 || step.Skip > 0 || step.Message != nil
}

func (d *Driver) legal(step protocol.Step, offered int) bool {
	switch {
	case step.Consumed < 0 || step.Consumed > offered:
		d.breach("consumed %d of %d bytes", step.Consumed, offered)
	case step.Skip < 0:
		d.breach("skip of %d bytes", step.Skip)
	case step.Message != nil && step.Consumed == 0 && step.Skip == 0:
		d.breach("message without progress")
	}
	return d.err == nil
}

func (d *Driver) fail(dir protocol.Direction, step protocol.Step, err error) {
	switch {
	case step != (protocol.Step{}):
		d.breach("step %+v beside error %w", step, err)
	case errors.Is(err, protocol.ErrNotThisProtocol):
		d.note(dir, "not this protocol")
		d.done = true
	case errors.Is(err, protocol.ErrLostFrame):
		d.lose(dir, "lost")
	default:
		d.breach("unknown error %w", err)
	}
}

// Gap takes n bytes that were not captured. Those that the parser skips are its
// own affair; what it did not consume goes with the rest.
func (d *Driver) Gap(dir protocol.Direction, n int) {
	s := &d.streams[dir]
	if d.done || s.closed {
		return
	}
	d.turn(dir)
	if s.lost {
		s.pos += int64(n)
		return
	}
	skipped := int(min(s.skip, int64(n)))
	s.skip -= int64(skipped)
	held := len(s.buf) // none when something was skipped
	s.drop(int64(held), false)
	s.pos += int64(n)
	if n > skipped && !d.parser.Gap(dir, held+n-skipped) {
		d.lose(dir, "lost")
	}
}

// Close ends direction dir.
func (d *Driver) Close(dir protocol.Direction) {
	s := &d.streams[dir]
	if d.done || s.closed {
		return
	}
	s.drop(int64(len(s.buf)), false)
	s.closed, s.lost, s.skip = true, false, 0
	d.ended(dir, d.parser.Close(dir))
}

// turn is called before anything of direction dir is looked at: a loss in the
// other direction ends here.
func (d *Driver) turn(dir protocol.Direction) {
	other := 1 - dir
	if s := &d.streams[other]; s.lost && !s.closed {
		s.lost, s.skip = false, 0
		d.ended(other, d.parser.Resync(other))
	}
}

// ended closes the message under way at the current position.
func (d *Driver) ended(dir protocol.Direction, m *protocol.Message) {
	s := &d.streams[dir]
	if m != nil {
		d.message(dir, m, s.pos)
	}
	s.start = s.pos
}

func (d *Driver) lose(dir protocol.Direction, note string) {
	s := &d.streams[dir]
	s.drop(int64(len(s.buf)), false)
	s.lost, s.skip = true, 0
	d.note(dir, note)
}

func (d *Driver) message(dir protocol.Direction, m *protocol.Message, end int64) {
	s := &d.streams[dir]
	if m.Kind < protocol.Request || m.Kind > protocol.Ignored {
		d.breach("message of kind %d", m.Kind)
	}
	d.Records = append(d.Records, Record{Dir: dir, Start: s.start, End: end, Message: m})
	s.start = end
}

func (d *Driver) note(dir protocol.Direction, note string) {
	d.Records = append(d.Records, Record{Dir: dir, Note: note})
}

func (d *Driver) breach(format string, args ...any) {
	d.done = true
	if d.err == nil {
		d.err = fmt.Errorf("breach of contract: "+format, args...)
	}
}

// drop removes n bytes from the front of the buffer.
func (s *stream) drop(n int64, skipped bool) {
	s.buf = append(s.buf[:0], s.buf[n:]...)
	s.pos += n
	if skipped {
		s.skip -= n
	}
}
