package pcap

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/prototest"
)

// Connection is one TCP connection. The client is the end that sent the SYN; in
// a capture without one, the end with the higher port.
type Connection struct {
	Client, Server netip.AddrPort
	Conversation   prototest.Conversation

	halves [2]half
}

// half is what one end sends: next is the sequence number of the first byte not
// delivered yet, early are segments behind it.
type half struct {
	next    uint32
	started bool
	closed  bool
	early   []segment
}

type connections struct{ list []*Connection }

func (t *connections) add(s segment) {
	c := t.find(s)
	if c == nil {
		c = newConnection(s)
		t.list = append(t.list, c)
	}
	c.take(c.direction(s), s)
}

// find returns the latest connection of the segment's pair of addresses; a SYN
// behind data begins a new one.
func (t *connections) find(s segment) *Connection {
	for _, c := range slices.Backward(t.list) {
		same := (c.Client == s.src && c.Server == s.dst) || (c.Client == s.dst && c.Server == s.src)
		if !same {
			continue
		}
		if s.syn && len(c.Conversation) > 0 {
			return nil
		}
		return c
	}
	return nil
}

func (t *connections) finish() []*Connection {
	for _, c := range t.list {
		c.flush(protocol.FromClient)
		c.flush(protocol.FromServer)
	}
	return t.list
}

func newConnection(s segment) *Connection {
	if !s.syn && s.src.Port() < s.dst.Port() {
		return &Connection{Client: s.dst, Server: s.src}
	}
	return &Connection{Client: s.src, Server: s.dst}
}

func (c *Connection) direction(s segment) protocol.Direction {
	if s.src == c.Client {
		return protocol.FromClient
	}
	return protocol.FromServer
}

// take delivers the segment, and those that waited for it.
func (c *Connection) take(dir protocol.Direction, s segment) {
	h := &c.halves[dir]
	if s.syn {
		s.seq++
		h.next, h.started = s.seq, true
	}
	if !h.started {
		h.next, h.started = s.seq, true
	}
	h.early = append(h.early, s)
	slices.SortStableFunc(h.early, func(a, b segment) int {
		return cmp.Compare(int32(a.seq-h.next), int32(b.seq-h.next))
	})
	for len(h.early) > 0 && int32(h.early[0].seq-h.next) <= 0 {
		first := h.early[0]
		h.early = h.early[1:]
		c.deliver(dir, first)
	}
}

// deliver appends the part of the segment that is new.
func (c *Connection) deliver(dir protocol.Direction, s segment) {
	h := &c.halves[dir]
	old := int(int32(h.next - s.seq))
	fresh := s.full - old
	if fresh > 0 {
		seen := behind(s.payload, old)
		if len(seen) > 0 {
			c.append(prototest.Event{Dir: dir, Data: seen})
		}
		if fresh > len(seen) {
			c.append(prototest.Event{Dir: dir, Gap: fresh - len(seen)})
		}
		h.next += uint32(fresh)
	}
	if s.fin && !h.closed {
		h.closed = true
		c.append(prototest.Event{Dir: dir, Close: true})
	}
}

// flush delivers what is left, with gaps for what never came.
func (c *Connection) flush(dir protocol.Direction) {
	h := &c.halves[dir]
	for _, s := range h.early {
		if missing := int32(s.seq - h.next); missing > 0 {
			c.append(prototest.Event{Dir: dir, Gap: int(missing)})
			h.next = s.seq
		}
		c.deliver(dir, s)
	}
	h.early = nil
}

func (c *Connection) append(e prototest.Event) { c.Conversation = append(c.Conversation, e) }
