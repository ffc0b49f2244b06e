package window

import "github.com/otelcol-custom/otelcol-custom/internal/evidence"

// Message is one of the two messages of a node: what is asked of its evidence, in as little
// memory as that takes, since every span that is held has two.
type Message struct {
	Start, End       int64  // as in evidence.Message, and so on
	Goid, GoidParent uint64 // as in evidence.Point
	TID, IO, Tick    uint32 // likewise
	Ops              uint8  // 0 means 1; see MaxOps
	Waited           evidence.Waited
	Kind             evidence.Kind
	Node             *Node
	Handoffs         []evidence.Handoff
}

// message is that of a node's evidence.
func (n *Node) message(m *evidence.Message, kind evidence.Kind) Message {
	out := Message{
		Start: m.Start, End: m.End, Goid: m.Goid, GoidParent: m.GoidParent,
		TID: m.TID, IO: m.IO, Tick: m.Tick, Waited: m.Waited, Kind: kind, Node: n, Handoffs: m.Handoffs,
	}
	if m.Ops <= MaxOps {
		out.Ops = uint8(m.Ops)
	}
	out.tidy()
	return out
}

// maxTime is the latest time that is believed: sums of two fit.
const maxTime = int64(1) << 61

// plausible brings a time into the range in which arithmetic is safe.
func plausible(t int64) int64 { return min(max(t, 0), maxTime) }

// disown takes away what names the I/O of a message. Its times are left; on its
// thread it is a hole.
func (m *Message) disown() {
	*m = Message{Start: m.Start, End: m.End, Kind: m.Kind, Node: m.Node}
}

// tidy brings times into range and takes the handoffs into memory of its own.
func (m *Message) tidy() {
	m.Start, m.End = plausible(m.Start), plausible(m.End)
	hs := m.Handoffs
	m.Handoffs = nil
	if len(hs) > 0 {
		m.Handoffs = append(make([]evidence.Handoff, 0, len(hs)), hs...)
	}
	for i := range m.Handoffs {
		m.Handoffs[i].Time = plausible(m.Handoffs[i].Time)
	}
}

// Reads reports whether the message was read, not written.
func (m *Message) Reads() bool {
	return m.Kind == evidence.ServerRead || m.Kind == evidence.ClientRead
}

// At is the time of the message's point: from when on a message that was read can
// cause something, until when one that was written can be caused. Unix ns.
func (m *Message) At() int64 {
	if m.Reads() {
		return m.End
	}
	return m.Start
}

// MaxOps is the longest run of I/O that is taken for one message's. Beyond it the
// message has only the ordinal of its point.
const MaxOps = 64

func (m *Message) ops() uint32 { return max(1, uint32(m.Ops)) }

// First is the ordinal of the message's first I/O on its thread, if nothing came
// between its segments.
func (m *Message) First() uint32 {
	if n := m.ops() - 1; m.Reads() && m.IO > n {
		return m.IO - n
	}
	return m.IO
}

// Last is the ordinal of its last I/O, likewise.
func (m *Message) Last() uint32 {
	if m.Reads() {
		return m.IO
	}
	return m.IO + m.ops() - 1
}

// Goroutine reports whether the thread belongs to a Go program, whose threads run
// many goroutines.
func (m *Message) Goroutine() bool { return m.Goid != 0 }

// Loop reports whether the thread runs an event loop: it has returned from
// epoll_wait, and is not one of a Go program.
func (m *Message) Loop() bool { return m.Tick != 0 && m.Goid == 0 }
