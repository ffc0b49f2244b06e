package prototest

import (
	"bytes"
	"fmt"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Event is one thing that happens to one direction of a connection: bytes
// (Data), bytes that nobody saw (Gap, a count) or the end of the stream (Close).
type Event struct {
	Dir   protocol.Direction
	Data  []byte
	Gap   int
	Close bool
}

// Conversation is what happens to a connection, in order.
type Conversation []Event

// Bytes returns all that direction dir carried up to its first gap.
func (c Conversation) Bytes(dir protocol.Direction) []byte {
	var b []byte
	for _, e := range c {
		if e.Dir != dir {
			continue
		}
		if e.Gap > 0 {
			break
		}
		b = append(b, e.Data...)
	}
	return b
}

// CaptureHeads returns the conversation as the kernel shows it when only the
// first limit bytes after each change of direction are captured: the rest
// becomes gaps.
func (c Conversation) CaptureHeads(limit int) Conversation {
	out := make(Conversation, 0, len(c))
	left, last := limit, -1
	for _, e := range c {
		if int(e.Dir) != last {
			left, last = limit, int(e.Dir)
		}
		if len(e.Data) <= left {
			left -= len(e.Data)
			out = append(out, e)
			continue
		}
		if left > 0 {
			out = append(out, Event{Dir: e.Dir, Data: e.Data[:left]})
		}
		out = append(out, Event{Dir: e.Dir, Gap: len(e.Data) - left})
		left = 0
	}
	return out
}

// size returns the number of bytes in the conversation.
func (c Conversation) size() int {
	n := 0
	for _, e := range c {
		n += len(e.Data)
	}
	return n
}

// split cuts every run of bytes into pieces of the sizes that next returns.
func (c Conversation) split(next func() int) Conversation {
	var out Conversation
	for _, e := range c {
		if len(e.Data) == 0 {
			out = append(out, e)
			continue
		}
		for rest := e.Data; len(rest) > 0; {
			n := min(max(next(), 1), len(rest))
			out = append(out, Event{Dir: e.Dir, Data: rest[:n]})
			rest = rest[n:]
		}
	}
	return out
}

// String returns the conversation in the form that Parse reads.
func (c Conversation) String() string {
	var b bytes.Buffer
	for _, e := range c {
		side := sideName(e.Dir)
		switch {
		case e.Close:
			fmt.Fprintf(&b, "%s close\n", side)
		case e.Gap > 0:
			fmt.Fprintf(&b, "%s gap %d\n", side, e.Gap)
		default:
			writeData(&b, side, e.Data)
		}
	}
	return b.String()
}

// writeData writes data in lines of a readable width, broken behind line feeds
// where there are any.
func writeData(b *bytes.Buffer, side string, data []byte) {
	const width = 120
	for len(data) > 0 {
		n := min(len(data), width)
		if i := bytes.LastIndexByte(data[:n], '\n'); i >= 0 && n < len(data) {
			n = i + 1
		}
		fmt.Fprintf(b, "%s: %s\n", side, Escape(data[:n]))
		data = data[n:]
	}
}

func sideName(dir protocol.Direction) string {
	if dir == protocol.FromClient {
		return "C"
	}
	return "S"
}
