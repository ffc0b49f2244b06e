package stream

import "github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"

// Next returns the captured bytes that follow what was passed, and how many
// bytes directly after them have arrived but cannot be seen. The bytes are
// borrowed until the next call of any other method.
func (s *Stream) Next() (data []byte, missing int64) {
	if s.w == nil || s.read == s.next {
		return nil, 0
	}
	w := s.w
	run := 0
	for i := w.segHead; i < len(w.segs); i++ {
		seg := &w.segs[i]
		from := max(s.read, seg.from)
		end := seg.from + seg.captured
		if end > from {
			if missing > 0 {
				break
			}
			run += int(end - from)
			from = end
		}
		missing += seg.to - from
	}
	return w.buf[w.head : w.head+run], missing
}

// Advance passes over n bytes, arrived or not: they belong to the message under
// way, which the first call after Cut begins.
func (s *Stream) Advance(n int64) {
	if n <= 0 || s.w == nil {
		return
	}
	w := s.w
	if !w.begun {
		w.begun = true
		s.origin = s.read
		w.msg.Seq = uint32(s.read)
	}
	here := min(n, s.next-s.read)
	s.behind += n - here
	s.pass(here)
}

// Drop passes over everything that has arrived.
func (s *Stream) Drop() { s.Advance(s.next - s.read) }

// pass moves over n bytes that have arrived.
func (s *Stream) pass(n int64) {
	w := s.w
	for n > 0 {
		seg := &w.segs[w.segHead]
		if !seg.touched {
			seg.touched = true
			w.msg.add(seg, w.handoffs[w.hoHead:w.hoHead+int(seg.handoffs)], s.dir)
		}
		step := min(n, seg.to-s.read)
		if end := seg.from + seg.captured; end > s.read {
			stored := int(min(end, s.read+step) - s.read)
			w.head += stored
			s.pool.buffered -= stored
		}
		s.read += step
		n -= step
		if s.read == seg.to {
			w.hoHead += int(seg.handoffs)
			w.segHead++
		}
	}
	if w.segHead == len(w.segs) {
		w.clear()
	}
}

// HeadAfter says whether the segment that begins n bytes after what was passed is
// known and the first after a change of direction.
func (s *Stream) HeadAfter(n int64) bool {
	if s.w == nil {
		return false
	}
	for i := s.w.segHead; i < len(s.w.segs); i++ {
		if seg := &s.w.segs[i]; seg.from >= s.read+n {
			return seg.from == s.read+n && seg.flags&event.Head != 0
		}
	}
	return false
}

// Continues says whether a segment at seq would come after everything that has
// arrived, with none waiting.
func (s *Stream) Continues(seq uint32) bool {
	return !s.Waiting() && (!s.started || int32(seq-uint32(s.next)) >= 0)
}

// Started says whether a segment has been pushed, ever.
func (s *Stream) Started() bool { return s.started }

// Behind says how many of the bytes that were passed have yet to arrive.
func (s *Stream) Behind() int64 { return s.behind }

// Begun says whether a message is under way.
func (s *Stream) Begun() bool { return s.w != nil && s.w.begun }

// Idle says that nothing is under way: no message, no unread bytes.
func (s *Stream) Idle() bool { return s.w == nil }

// Lost counts the holes that s has given up on.
func (s *Stream) Lost() uint32 { return s.lost }

// Waiting says whether segments wait for one that has not come.
func (s *Stream) Waiting() bool { return s.w != nil && len(s.w.held) > 0 }

// Cut ends the message under way at the last byte passed and describes it in m,
// whose memory it reuses. If bytes are still Behind, the message ends at what has
// arrived of it, and the rest is taken for the start of the next.
func (s *Stream) Cut(m *Message) {
	if !s.Begun() {
		m.Reset()
		return
	}
	w := s.w
	w.msg.Len = uint32(s.read - s.origin)
	m.CopyFrom(&w.msg)
	w.msg.Reset()
	w.begun = s.behind > 0
	s.origin = s.read
	w.msg.Seq = uint32(s.read)
	if w.segHead < len(w.segs) {
		w.segs[w.segHead].touched = false
	}
	s.rest()
}

// Peek describes the message under way, as far as it has come, in m.
func (s *Stream) Peek(m *Message) {
	m.Reset()
	if s.Begun() {
		m.CopyFrom(&s.w.msg)
		m.Len = uint32(s.read - s.origin)
	}
}

// Since returns the time (CLOCK_MONOTONIC ns) of the oldest byte that belongs to
// no finished message; false if there is none.
func (s *Stream) Since() (uint64, bool) {
	if s.w == nil {
		return 0, false
	}
	w := s.w
	if w.begun && w.msg.Ops > 0 {
		return w.msg.Start, true
	}
	for i := w.segHead; i < len(w.segs); i++ {
		if !w.segs[i].lost {
			return s.timeOf(&w.segs[i]), true
		}
	}
	if len(w.held) > 0 {
		return s.timeOf(&w.held[0].segment), true
	}
	return 0, false
}

// Last returns the end (CLOCK_MONOTONIC ns) of the newest system call of the
// message under way, zero if there is none.
func (s *Stream) Last() uint64 {
	if !s.Begun() {
		return 0
	}
	return s.w.msg.End
}

func (s *Stream) timeOf(seg *segment) uint64 {
	if s.dir == event.Egress {
		return seg.enter
	}
	return seg.exit
}
