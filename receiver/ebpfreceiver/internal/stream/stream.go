package stream

import (
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

// Stream is one direction of one connection. The zero value is not ready: use
// Init.
//
// Between the bytes that have arrived and the bytes that the consumer has passed
// there are three relations. Usually the consumer is behind: Next shows it what
// is there. It may also pass bytes that have not arrived (a body whose length it
// knows): Behind says how many, and they are dropped as they come.
type Stream struct {
	pool    *Pool
	dir     event.Direction
	started bool
	next    int64 // end of what has arrived in order
	read    int64 // end of what the consumer has passed, at most next
	behind  int64 // passed beyond next
	origin  int64 // where the message under way begins
	lost    uint32
	w       *work // nil while nothing is under way
}

// Init makes s an empty stream of direction dir.
//
// A stream that was in use must be released first.
func (s *Stream) Init(pool *Pool, dir event.Direction) {
	*s = Stream{pool: pool, dir: dir}
}

// Release gives the memory of s back to its pool. Bytes under way are lost.
func (s *Stream) Release() {
	if s.w != nil {
		s.pool.put(s.w)
		s.w = nil
	}
}

// Push adds a segment, which it does not keep, and reports whether bytes arrived
// in order. lossy says that events of its thread just before it are known to be
// missing.
func (s *Stream) Push(io *event.IO, lossy bool) bool {
	if io.Len == 0 {
		return false
	}
	if !s.started {
		s.started = true
		s.next = int64(io.Seq)
		s.read = s.next
	}
	if s.w == nil {
		s.w = s.pool.get()
	}
	seg := s.describe(io, lossy)
	before := s.next
	switch {
	case seg.to <= s.next:
		s.pool.stats.Duplicates++
	case seg.from > s.next:
		s.hold(seg, io)
	default:
		s.append(seg, io.Payload, io.Handoffs)
		s.drainHeld()
	}
	s.rest()
	return s.next != before
}

// describe turns io into a segment at its 64-bit position.
func (s *Stream) describe(io *event.IO, lossy bool) segment {
	from := s.next + int64(int32(io.Seq-uint32(s.next)))
	if from < s.next-farBehind {
		from += 1 << 32
	}
	return segment{
		from: from, to: from + int64(io.Len), enter: io.Enter, exit: io.Exit,
		at: io.At, comm: io.Comm, ops: 1, flags: io.Flags, lossy: lossy,
	}
}

// append adds a segment that begins at or before next and ends after it.
func (s *Stream) append(seg segment, payload []byte, handoffs []event.Handoff) {
	if over := s.next - seg.from; over > 0 { // repeats bytes: the rest is new
		s.pool.stats.Duplicates++
		payload = payload[min(over, int64(len(payload))):]
		seg.from, seg.lossy = s.next, true
	}
	w := s.w
	skip := min(s.behind, seg.to-seg.from)
	if int64(len(payload)) <= skip || s.pool.room(w, len(payload)) == 0 {
		payload = nil
	}
	s.next = seg.to
	s.behind -= skip
	if len(w.segs)-w.segHead >= maxSegments && s.mergeIntoLast(&seg, payload) {
		return
	}
	seg.captured = int64(len(payload))
	seg.handoffs = uint8(len(handoffs))
	w.segs = appendCompact(w.segs, &w.segHead, seg)
	w.handoffs = appendCompact(w.handoffs, &w.hoHead, handoffs...)
	s.keep(payload)
	if skip > 0 {
		s.pass(skip)
	}
}

// keep stores payload behind what is stored.
func (s *Stream) keep(payload []byte) {
	s.w.buf = appendCompact(s.w.buf, &s.w.head, payload...)
	s.pool.buffered += len(payload)
}

// appendCompact appends to list, whose live part begins at *head, and moves the
// live part to the front rather than growing.
func appendCompact[T any](list []T, head *int, items ...T) []T {
	if *head > 0 && len(list)+len(items) > cap(list) {
		n := copy(list, list[*head:])
		list, *head = list[:n], 0
	}
	return append(list, items...)
}

// mergeIntoLast extends the last unread segment by seg. Which of both a byte
// belongs to is then unknown, hence lossy.
func (s *Stream) mergeIntoLast(seg *segment, payload []byte) bool {
	last := &s.w.segs[len(s.w.segs)-1]
	if last.lost || seg.lost {
		return false
	}
	s.pool.stats.Merged++
	if last.from+last.captured == last.to {
		last.captured += int64(len(payload))
		s.keep(payload)
	}
	last.to, last.exit, last.lossy = seg.to, seg.exit, true
	last.ops += seg.ops
	last.flags |= seg.flags & waitedFlags
	if s.dir == event.Ingress {
		last.at, last.comm = seg.at, seg.comm
	}
	return true
}

// hold keeps a segment that came too early.
func (s *Stream) hold(seg segment, io *event.IO) {
	s.pool.stats.Reordered++
	w := s.w
	at := len(w.held)
	for at > 0 && w.held[at-1].from > seg.from {
		at--
	}
	h := held{segment: seg}
	h.payload = append(h.payload, io.Payload...)
	h.handoffs = append(h.handoffs, io.Handoffs...)
	w.held = append(w.held, held{})
	copy(w.held[at+1:], w.held[at:])
	w.held[at] = h
	s.Expire(io.Exit)
}

// Expire gives up waiting for segments that are overdue at now (event time, ns)
// or that too many others wait for, and reports whether there were any: bytes
// behind the hole can be read then.
func (s *Stream) Expire(now uint64) bool {
	if s.w == nil {
		return false
	}
	before := s.next
	for h := s.w.held; len(h) > maxHeld || len(h) > 0 && now > h[0].exit+maxHeldTime; h = s.w.held {
		s.giveUp()
	}
	s.rest()
	return s.next != before
}

// GiveUp stops waiting for any segment, and reports whether it did wait.
func (s *Stream) GiveUp() bool {
	if !s.Waiting() {
		return false
	}
	for len(s.w.held) > 0 {
		s.giveUp()
	}
	s.rest()
	return true
}

// giveUp fills the hole before the first held segment with one that is lost.
func (s *Stream) giveUp() {
	from := s.w.held[0].from
	s.lost++
	s.pool.stats.Lost++
	s.pool.stats.LostBytes += uint64(from - s.next)
	s.append(segment{from: s.next, to: from, lost: true, lossy: true}, nil, nil)
	s.drainHeld()
}

// drainHeld appends the held segments that now fit.
func (s *Stream) drainHeld() {
	w := s.w
	n := 0
	for ; n < len(w.held) && w.held[n].from <= s.next; n++ {
		if h := &w.held[n]; h.to > s.next {
			s.append(h.segment, h.payload, h.handoffs)
		} else {
			s.pool.stats.Duplicates++
		}
	}
	if n > 0 {
		rest := copy(w.held, w.held[n:])
		clear(w.held[rest:])
		w.held = w.held[:rest]
	}
}

// rest returns the work area to the pool once nothing is under way.
func (s *Stream) rest() {
	if w := s.w; w != nil && !w.begun && s.read == s.next && len(w.held) == 0 {
		s.Release()
	}
}
