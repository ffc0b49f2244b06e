package stream

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

var roomy = Limits{StreamBytes: 64 << 10, TotalBytes: 1 << 20}

// seg is a read of payload at seq, seen whole, at time t by thread t.
func seg(seq uint32, payload string, t uint64) *event.IO {
	return cutSeg(seq, payload, len(payload), t)
}

// cutSeg is a read of length bytes of which only payload was captured.
func cutSeg(seq uint32, payload string, length int, t uint64) *event.IO {
	return &event.IO{
		Seq: seq, Len: uint32(length), Payload: []byte(payload), Enter: t, Exit: t + 5,
		At: event.Point{PID: 1, TID: uint32(t), IO: uint32(t)}, Comm: "worker",
	}
}

func newStream(dir event.Direction, limits Limits) *Stream {
	s := &Stream{}
	s.Init(NewPool(limits), dir)
	return s
}

func (s *Stream) text() string {
	data, _ := s.Next()
	return string(data)
}

func TestBytesAreOfferedInOrder(t *testing.T) {
	tests := []struct {
		name    string
		push    []*event.IO
		data    string
		missing int64
		stats   Stats
	}{
		{name: "one segment", push: []*event.IO{seg(100, "abc", 1)}, data: "abc"},
		{name: "two adjacent segments are one run", push: []*event.IO{seg(100, "abc", 1), seg(103, "de", 2)}, data: "abcde"},
		{
			name: "an empty segment is nothing", push: []*event.IO{seg(100, "", 1)},
		},
		{
			name: "the uncaptured tail of a segment is missing",
			push: []*event.IO{cutSeg(100, "abc", 10, 1)}, data: "abc", missing: 7,
		},
		{
			name: "continuations without payload extend what is missing",
			push: []*event.IO{cutSeg(100, "abc", 10, 1), cutSeg(110, "", 20, 2)}, data: "abc", missing: 27,
		},
		{
			name: "bytes behind a hole are not offered before it is passed",
			push: []*event.IO{cutSeg(100, "abc", 10, 1), seg(110, "xyz", 2)}, data: "abc", missing: 7,
		},
		{
			name: "a late segment takes its place",
			push: []*event.IO{seg(100, "ab", 1), seg(104, "ef", 2), seg(102, "cd", 3)}, data: "abcdef",
			stats: Stats{Reordered: 1},
		},
		{
			name: "a segment that waits for another is not offered",
			push: []*event.IO{seg(100, "ab", 1), seg(104, "ef", 2)}, data: "ab", stats: Stats{Reordered: 1},
		},
		{
			name: "a repeated segment is ignored",
			push: []*event.IO{seg(100, "ab", 1), seg(100, "ab", 2)}, data: "ab", stats: Stats{Duplicates: 1},
		},
		{
			name: "of an overlap only the new bytes count",
			push: []*event.IO{seg(100, "abcd", 1), seg(102, "cdef", 2)}, data: "abcdef", stats: Stats{Duplicates: 1},
		},
		{
			name: "positions wrap",
			push: []*event.IO{seg(math.MaxUint32-1, "abc", 1), seg(1, "def", 2)}, data: "abcdef",
		},
		{
			name: "a late segment across the wrap takes its place",
			push: []*event.IO{seg(math.MaxUint32-3, "ab", 1), seg(0, "ef", 2), seg(math.MaxUint32-1, "cd", 3)}, data: "abcdef",
			stats: Stats{Reordered: 1},
		},
		{
			name: "an overdue segment is given up, its bytes are missing",
			push: []*event.IO{seg(100, "ab", 1), seg(104, "ef", 2), seg(106, "gh", 3+maxHeldTime)},
			data: "ab", missing: 2, stats: Stats{Reordered: 2, Lost: 1, LostBytes: 2},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newStream(event.Ingress, roomy)
			for _, io := range tt.push {
				s.Push(io, false)
			}
			data, missing := s.Next()
			assert.Equal(t, tt.data, string(data))
			assert.Equal(t, tt.missing, missing)
			assert.Equal(t, tt.stats, s.pool.Stats())
		})
	}
}

func TestOneByteAtATimeIsOneRun(t *testing.T) {
	s := newStream(event.Ingress, roomy)
	text := strings.Repeat("0123456789", 20)
	for i := range text {
		s.Push(seg(uint32(i), text[i:i+1], uint64(i)), false)
	}
	assert.Equal(t, text, s.text())
	s.Advance(int64(len(text)))
	var m Message
	s.Cut(&m)
	assert.EqualValues(t, len(text), m.Ops)
	assert.EqualValues(t, 5, m.Start)
	assert.EqualValues(t, 204, m.End)
	assert.False(t, m.Lossy)
}

func TestTooManyToWaitForAreGivenUp(t *testing.T) {
	s := newStream(event.Ingress, roomy)
	s.Push(seg(0, "a", 1), false)
	for i := uint32(1); i <= maxHeld+1; i++ {
		s.Push(seg(1+2*i, "x", 2), false)
	}
	assert.EqualValues(t, 1, s.pool.Stats().Lost)
	data, missing := s.Next()
	assert.Equal(t, "a", string(data))
	assert.EqualValues(t, 2, missing)
	assert.True(t, s.Waiting())
	s.GiveUp()
	assert.False(t, s.Waiting())
	assert.EqualValues(t, maxHeld+1, s.pool.Stats().Lost)
}

func TestAPositionFarBehindIsAJumpForward(t *testing.T) {
	s := newStream(event.Ingress, roomy)
	s.Push(seg(3<<30, "a", 1), false)
	s.Advance(1)
	s.Push(seg(1<<30, "b", 2), false) // 2 GiB were lost
	s.GiveUp()
	data, missing := s.Next()
	require.Empty(t, data)
	assert.EqualValues(t, 1<<31-1, missing)
	s.Advance(missing)
	assert.Equal(t, "b", s.text())
}

func TestBodiesArePassedBeforeTheyArrive(t *testing.T) {
	s := newStream(event.Ingress, roomy)
	s.Push(seg(100, "head", 1), false)
	s.Advance(4 + 10)
	assert.EqualValues(t, 10, s.Behind())
	s.Push(seg(104, "bbbbbb", 2), false)
	assert.EqualValues(t, 4, s.Behind())
	assert.Empty(t, s.text())
	s.Push(seg(110, "bbbbnext", 3), false)
	assert.Zero(t, s.Behind())
	assert.Equal(t, "next", s.text())
	var m Message
	s.Cut(&m)
	assert.EqualValues(t, 14, m.Len)
	assert.EqualValues(t, 3, m.Ops)
	assert.EqualValues(t, 3, m.At.TID, "the last segment has the end of the body")
	s.Advance(4)
	s.Cut(&m)
	assert.EqualValues(t, 114, m.Seq)
	assert.EqualValues(t, 1, m.Ops, "the same segment began the next message")
	assert.EqualValues(t, 3, m.At.TID)
	assert.True(t, s.Idle())
}

func TestALostSegmentInsideABodyKeepsTheFrame(t *testing.T) {
	s := newStream(event.Ingress, roomy)
	s.Push(seg(100, "head", 1), false)
	s.Advance(4 + 20)
	s.Push(seg(114, "bbbbbbbbbbnext", 2), false)
	s.GiveUp()
	assert.Equal(t, "next", s.text())
	var m Message
	s.Cut(&m)
	assert.True(t, m.Lossy)
	assert.EqualValues(t, 24, m.Len)
	assert.EqualValues(t, 2, m.Ops)
}

func TestAMessageCutBeforeItsEndLeavesTheRest(t *testing.T) {
	s := newStream(event.Ingress, roomy)
	s.Push(seg(0, "head", 1), false)
	s.Advance(4 + 6)
	var m Message
	s.Cut(&m)
	assert.EqualValues(t, 4, m.Len)
	assert.True(t, s.Begun())
	s.Push(seg(4, "bodies", 2), false)
	assert.Zero(t, s.Behind())
	s.Cut(&m)
	assert.EqualValues(t, 6, m.Len)
	assert.True(t, s.Idle())
}

func TestMessagesAreDescribedBySide(t *testing.T) {
	h := func(tid uint32) event.Handoff { return event.Handoff{SourceTID: tid} }
	push := func(s *Stream) {
		a, b, c := seg(10, "aa", 100), seg(12, "bb", 200), seg(14, "cc", 300)
		a.Flags, b.Flags = event.Head|event.WaitedFutex, event.WaitedEpoll
		a.Handoffs = []event.Handoff{h(1), h(2)}
		c.Handoffs = []event.Handoff{h(3)}
		s.Push(a, false)
		s.Push(b, false)
		s.Push(c, false)
		s.Advance(6)
	}
	tests := []struct {
		name string
		dir  event.Direction
		want Message
	}{
		{
			name: "a message read is its last segment",
			dir:  event.Ingress,
			want: Message{
				Start: 105, End: 305, At: event.Point{PID: 1, TID: 300, IO: 300}, Comm: "worker",
				Seq: 10, Len: 6, Ops: 3, Waited: event.WaitedFutex | event.WaitedEpoll,
				Handoffs: []event.Handoff{h(1), h(2), h(3)},
			},
		},
		{
			name: "a message written is its first segment",
			dir:  event.Egress,
			want: Message{
				Start: 100, End: 305, At: event.Point{PID: 1, TID: 100, IO: 100}, Comm: "worker",
				Seq: 10, Len: 6, Ops: 3, Waited: event.WaitedFutex,
				Handoffs: []event.Handoff{h(1), h(2)},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newStream(tt.dir, roomy)
			push(s)
			var m Message
			s.Peek(&m)
			assert.Equal(t, tt.want, m)
			s.Cut(&m)
			assert.Equal(t, tt.want, m)
		})
	}
}

func TestTheNewestHandoffsWin(t *testing.T) {
	s := newStream(event.Ingress, roomy)
	for i := range uint32(12) {
		io := seg(i, "x", uint64(i))
		io.Handoffs = []event.Handoff{{SourceTID: i}}
		s.Push(io, false)
	}
	s.Advance(12)
	var m Message
	s.Cut(&m)
	require.Len(t, m.Handoffs, 8)
	assert.EqualValues(t, 4, m.Handoffs[0].SourceTID)
	assert.EqualValues(t, 11, m.Handoffs[7].SourceTID)
}

func TestLossyComesFromTheThreadTheHoleAndTheOverlap(t *testing.T) {
	tests := []struct {
		name string
		push func(*Stream)
		want bool
	}{
		{"a clean message is not", func(s *Stream) { s.Push(seg(0, "ab", 1), false) }, false},
		{"an uncaptured tail is expected", func(s *Stream) { s.Push(cutSeg(0, "a", 9, 1), false) }, false},
		{"records of the thread are missing", func(s *Stream) { s.Push(seg(0, "ab", 1), true) }, true},
		{"a lost segment", func(s *Stream) {
			s.Push(seg(0, "ab", 1), false)
			s.Push(seg(4, "ef", 2), false)
			s.GiveUp()
		}, true},
		{"an overlap", func(s *Stream) {
			s.Push(seg(0, "ab", 1), false)
			s.Push(seg(1, "bc", 2), false)
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newStream(event.Ingress, roomy)
			tt.push(s)
			s.Drop()
			var m Message
			s.Cut(&m)
			assert.Equal(t, tt.want, m.Lossy)
		})
	}
}

func TestSinceIsTheOldestUnfinishedByte(t *testing.T) {
	s := newStream(event.Egress, roomy)
	_, open := s.Since()
	assert.False(t, open)
	s.Push(seg(0, "ab", 10), false)
	s.Push(seg(2, "cd", 20), false)
	since, open := s.Since()
	assert.True(t, open)
	assert.EqualValues(t, 10, since)
	s.Advance(2)
	since, _ = s.Since()
	assert.EqualValues(t, 10, since, "the message under way has begun then")
	assert.EqualValues(t, 15, s.Last())
	var m Message
	s.Cut(&m)
	since, _ = s.Since()
	assert.EqualValues(t, 20, since)
	s.Drop()
	s.Cut(&m)
	_, open = s.Since()
	assert.False(t, open)
	assert.Zero(t, s.Last())
}

func TestAHeldSegmentCountsForSince(t *testing.T) {
	s := newStream(event.Ingress, roomy)
	s.Push(seg(0, "ab", 1), false)
	s.Drop()
	var m Message
	s.Cut(&m)
	s.Push(seg(4, "cd", 30), false)
	since, open := s.Since()
	assert.True(t, open)
	assert.EqualValues(t, 35, since)
}

func TestCutWithoutAMessageIsEmpty(t *testing.T) {
	s := newStream(event.Ingress, roomy)
	m := Message{Ops: 7}
	s.Cut(&m)
	assert.Zero(t, m.Ops)
	s.Advance(3)
	assert.True(t, s.Idle())
}
