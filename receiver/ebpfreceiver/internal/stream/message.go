package stream

import (
	"slices"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

// Message tells how the bytes of one message moved. A message that was read is
// described by its last segment (only then can it cause anything), one that was
// written by its first (only until then can it have been caused).
type Message struct {
	// Start and End are CLOCK_MONOTONIC ns: exit of the first read to exit of the
	// last one, or enter of the first write to exit of the last one.
	Start, End uint64
	At         event.Point
	Comm       string
	Seq        uint32 // TCP position of the first byte
	Len        uint32 // bytes, modulo 2^32
	Ops        uint32 // system calls that moved it
	// Waited has the Waited flags of the first segment of a written message, and
	// those of all segments of a read one.
	Waited event.Flags
	// Handoffs are those of the first segment of a written message, and the newest
	// evidence.MaxHandoffs of all segments of a read one, oldest first.
	Handoffs []event.Handoff
	// Lossy says that bytes or events of the message, or on its threads just
	// before one of its segments, are known to be missing.
	Lossy bool
}

// waitedFlags are the flags that belong to the thread, not to the bytes.
const waitedFlags = event.WaitedFutex | event.WaitedPoll | event.WaitedEpoll |
	event.WaitedSleep | event.WaitedFD

// Reset empties m and keeps the capacity of its handoff list.
func (m *Message) Reset() { *m = Message{Handoffs: m.Handoffs[:0]} }

// CopyFrom makes m equal to o without sharing its handoff list.
func (m *Message) CopyFrom(o *Message) {
	handoffs := append(m.Handoffs[:0], o.Handoffs...)
	*m = *o
	m.Handoffs = handoffs
}

// add accounts for a segment that holds bytes of the message.
func (m *Message) add(s *segment, handoffs []event.Handoff, dir event.Direction) {
	m.Lossy = m.Lossy || s.lossy
	if s.lost {
		return
	}
	first := m.Ops == 0
	m.Ops += s.ops
	m.End = max(m.End, s.exit)
	if first {
		m.Start = s.exit
		if dir == event.Egress {
			m.Start = s.enter
		}
	}
	if first || dir == event.Ingress {
		m.At, m.Comm = s.at, s.comm
		m.Waited |= s.flags & waitedFlags
		m.addHandoffs(handoffs)
	}
}

func (m *Message) addHandoffs(hs []event.Handoff) {
	m.Handoffs = append(m.Handoffs, hs...)
	if over := len(m.Handoffs) - evidence.MaxHandoffs; over > 0 {
		m.Handoffs = slices.Delete(m.Handoffs, 0, over)
	}
}
