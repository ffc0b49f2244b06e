package shard

import (
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

// kind tells the lists of a batch apart.
type kind uint8

const (
	kindConn kind = iota
	kindIO
	kindClose
	kindExit
	kindRetransmit
	kinds
)

// ioEvent is an I/O event whose slices lie in the memory of its batch.
type ioEvent struct {
	event.IO
	lossy bool // records of its thread just before it are missing
}

type exit struct {
	pid  uint32
	time uint64
}

// batch is a run of events on its way to a worker, with its own memory. It is
// reused.
type batch struct {
	order    []kind // which list has the next event
	ios      []ioEvent
	conns    []event.Conn
	closes   []event.Close
	exits    []exit
	again    []event.Retransmit
	bytes    []byte
	handoffs []event.Handoff
	barrier  *barrier // after all events; may be nil
}

func newBatch() *batch {
	return &batch{
		order:    make([]kind, 0, batchEvents),
		ios:      make([]ioEvent, 0, batchEvents),
		bytes:    make([]byte, 0, batchBytes),
		handoffs: make([]event.Handoff, 0, batchHandoffs),
	}
}

// fits says whether there is room for io.
func (b *batch) fits(io *event.IO) bool {
	return len(b.ios) < batchEvents && len(b.bytes)+len(io.Payload) <= cap(b.bytes) &&
		len(b.handoffs)+len(io.Handoffs) <= cap(b.handoffs)
}

// addIO copies io, for which there must be room. comm is kept as it is.
func (b *batch) addIO(io *event.IO, comm string, lossy bool) {
	b.order = append(b.order, kindIO)
	b.ios = append(b.ios, ioEvent{IO: *io, lossy: lossy})
	e := &b.ios[len(b.ios)-1]
	e.Comm = comm
	at := len(b.bytes)
	b.bytes = append(b.bytes, io.Payload...)
	e.Payload = b.bytes[at:len(b.bytes):len(b.bytes)]
	at = len(b.handoffs)
	b.handoffs = append(b.handoffs, io.Handoffs...)
	e.Handoffs = b.handoffs[at:len(b.handoffs):len(b.handoffs)]
}

// controlFull says whether another event that is not I/O would be too many.
func (b *batch) controlFull() bool { return len(b.order)-len(b.ios) >= batchControl }

func (b *batch) empty() bool { return len(b.order) == 0 && b.barrier == nil }

func (b *batch) reset() {
	b.order, b.ios, b.conns = b.order[:0], b.ios[:0], b.conns[:0]
	b.closes, b.exits, b.again = b.closes[:0], b.exits[:0], b.again[:0]
	b.bytes, b.handoffs = b.bytes[:0], b.handoffs[:0]
	b.barrier = nil
}
