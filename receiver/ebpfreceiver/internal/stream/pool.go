package stream

import "github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"

// Bounds on what one stream holds apart from its bytes.
const (
	// maxSegments is how many unread segments a stream describes one by one. More
	// are merged into the last, which marks the message lossy.
	maxSegments = 256
	// maxHeld is how many segments wait for an earlier one, and maxHeldTime for how
	// long (event time, ns). Threads that share a socket overtake each other
	// between the end of their system call and the ring buffer: by microseconds, or
	// by a time slice when one is preempted there.
	maxHeld     = 16
	maxHeldTime = 20_000_000
	// farBehind is how far behind the newest byte a segment can be and still be
	// taken for a late or repeated one. Beyond it, the position has moved on by
	// more than half the sequence space.
	farBehind = 64 << 20
	// keepBytes and keepSegments bound what a work area keeps for its next use.
	keepBytes    = 64 << 10
	keepSegments = 64
	keepWorks    = 256
)

// Limits bounds the bytes that streams hold until a parser takes them.
type Limits struct {
	StreamBytes int // per stream
	TotalBytes  int // of all streams of a Pool
}

// Stats counts what streams met, since the Pool was made.
type Stats struct {
	Duplicates  uint64 // segments that repeated known bytes, whole or in part
	Reordered   uint64 // segments that came before an earlier one
	Lost        uint64 // holes that segments should have filled
	LostBytes   uint64 // bytes in them
	StreamLimit uint64 // payloads dropped: Limits.StreamBytes
	TotalLimit  uint64 // payloads dropped: Limits.TotalBytes
	Merged      uint64 // segments merged for lack of room to describe them
}

// Add adds o to s.
func (s *Stats) Add(o *Stats) {
	s.Duplicates += o.Duplicates
	s.Reordered += o.Reordered
	s.Lost += o.Lost
	s.LostBytes += o.LostBytes
	s.StreamLimit += o.StreamLimit
	s.TotalLimit += o.TotalLimit
	s.Merged += o.Merged
}

// Pool owns the memory that streams use while bytes are under way. An idle
// stream holds none. It serves the streams of one goroutine.
type Pool struct {
	limits   Limits
	free     []*work
	buffered int
	stats    Stats
}

// NewPool returns an empty pool.
func NewPool(limits Limits) *Pool { return &Pool{limits: limits} }

// Stats returns the counts so far.
func (p *Pool) Stats() Stats { return p.stats }

// Buffered returns the bytes that streams hold now.
func (p *Pool) Buffered() int { return p.buffered }

// segment is one system call, or a hole where one is missing.
type segment struct {
	from, to    int64
	captured    int64 // bytes of payload, from `from` on
	enter, exit uint64
	at          event.Point
	comm        string
	ops         uint32
	flags       event.Flags
	handoffs    uint8
	lost        bool // a hole: nothing is known of these bytes
	lossy       bool
	touched     bool // counted in the message under way
}

// held is a segment that waits for an earlier one, with memory of its own.
type held struct {
	segment
	payload  []byte
	handoffs []event.Handoff
}

// work is what a stream needs while bytes are under way.
type work struct {
	buf      []byte // captured bytes of segs, in order, from head on not yet passed
	head     int
	segs     []segment // from segHead on not yet passed
	segHead  int
	handoffs []event.Handoff // of segs, in order, from hoHead on
	hoHead   int
	held     []held // ascending by position
	msg      Message
	begun    bool // msg has bytes
}

func (p *Pool) get() *work {
	n := len(p.free)
	if n == 0 {
		return &work{}
	}
	w := p.free[n-1]
	p.free = p.free[:n-1]
	return w
}

func (p *Pool) put(w *work) {
	p.buffered -= len(w.buf) - w.head
	if len(p.free) >= keepWorks || cap(w.buf) > keepBytes || cap(w.segs) > keepSegments {
		return
	}
	w.clear()
	w.held = w.held[:0]
	w.msg.Reset()
	w.begun = false
	p.free = append(p.free, w)
}

// clear drops the segments and their bytes.
func (w *work) clear() {
	w.buf, w.head = w.buf[:0], 0
	clear(w.segs)
	w.segs, w.segHead = w.segs[:0], 0
	w.handoffs, w.hoHead = w.handoffs[:0], 0
}

// room says how many of n payload bytes may be kept, and counts the refusal.
func (p *Pool) room(w *work, n int) int {
	switch {
	case len(w.buf)-w.head+n > p.limits.StreamBytes:
		p.stats.StreamLimit++
		return 0
	case p.buffered+n > p.limits.TotalBytes:
		p.stats.TotalLimit++
		return 0
	}
	return n
}
