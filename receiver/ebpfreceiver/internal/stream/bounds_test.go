package stream

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

func TestBytesBeyondTheStreamLimitAreMissing(t *testing.T) {
	s := newStream(event.Ingress, Limits{StreamBytes: 5, TotalBytes: 100})
	s.Push(seg(0, "abc", 1), false)
	s.Push(seg(3, "def", 2), false)
	data, missing := s.Next()
	assert.Equal(t, "abc", string(data))
	assert.EqualValues(t, 3, missing)
	assert.EqualValues(t, 1, s.pool.Stats().StreamLimit)
	s.Drop()
	var m Message
	s.Cut(&m)
	assert.False(t, m.Lossy, "who moved the bytes is still known")
	assert.EqualValues(t, 2, m.Ops)
}

func TestBytesBeyondTheLimitOfAllStreamsAreMissing(t *testing.T) {
	pool := NewPool(Limits{StreamBytes: 100, TotalBytes: 5})
	var a, b Stream
	a.Init(pool, event.Ingress)
	b.Init(pool, event.Egress)
	a.Push(seg(0, "abcd", 1), false)
	b.Push(seg(0, "efgh", 1), false)
	assert.EqualValues(t, 1, pool.Stats().TotalLimit)
	assert.Equal(t, 4, pool.Buffered())
	a.Release()
	assert.Zero(t, pool.Buffered())
	b.Push(seg(4, "ijkl", 2), false)
	_, missing := b.Next()
	assert.EqualValues(t, 4, missing)
}

func TestSegmentsBeyondTheLimitAreMerged(t *testing.T) {
	for _, dir := range []event.Direction{event.Ingress, event.Egress} {
		s := newStream(dir, roomy)
		const n = maxSegments + 10
		for i := range uint32(n) {
			s.Push(seg(i, "x", uint64(i)), false)
		}
		assert.EqualValues(t, 10, s.pool.Stats().Merged)
		data, missing := s.Next()
		assert.Len(t, data, n)
		assert.Zero(t, missing)
		s.Drop()
		var m Message
		s.Cut(&m)
		assert.EqualValues(t, n, m.Ops)
		assert.True(t, m.Lossy)
		if dir == event.Ingress {
			assert.EqualValues(t, n-1, m.At.TID)
		} else {
			assert.EqualValues(t, 0, m.At.TID)
		}
	}
}

func TestPoolKeepsNoLargeBuffers(t *testing.T) {
	pool := NewPool(Limits{StreamBytes: 1 << 20, TotalBytes: 1 << 20})
	var s Stream
	s.Init(pool, event.Ingress)
	s.Push(seg(0, string(make([]byte, keepBytes+1)), 1), false)
	s.Release()
	assert.Empty(t, pool.free)
	s.Push(seg(0, "a", 1), false)
	s.Release()
	assert.Len(t, pool.free, 1)
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	s := newStream(event.Ingress, roomy)
	io := seg(0, "GET / HTTP/1.1\r\n\r\n", 1)
	io.Handoffs = []event.Handoff{{SourceTID: 1}}
	var m Message
	exchange := func() {
		s.Push(io, false)
		s.Advance(int64(io.Len))
		s.Cut(&m)
		io.Seq += io.Len
	}
	exchange()
	assert.Zero(t, testing.AllocsPerRun(100, exchange))
}

// TestAnyOrderGivesTheBytesBack plays random segmentations with late, repeated,
// overlapping and cut segments, consumes them in random steps, and compares every
// byte offered and every position passed with the original.
func TestAnyOrderGivesTheBytesBack(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		text := make([]byte, 2000)
		for i := range text {
			text[i] = byte(rng.IntN(256))
		}
		base := rng.Uint32() // many of them wrap or nearly do
		s := newStream(event.Ingress, roomy)
		at := 0 // consumer's position
		consume := func() {
			for {
				data, missing := s.Next()
				require.True(t, bytes.Equal(text[at:at+len(data)], data), "seed %d at %d", seed, at)
				if len(data) == 0 && missing == 0 {
					return
				}
				n := missing
				if len(data) > 0 {
					n = 1 + rng.Int64N(int64(len(data)))
				}
				s.Advance(n)
				at += int(n)
				if rng.IntN(4) == 0 {
					var m Message
					s.Cut(&m)
					require.Equal(t, base+uint32(at), m.Seq+m.Len)
				}
			}
		}
		for _, io := range shuffled(rng, text, base) {
			s.Push(io, false)
			if rng.IntN(2) == 0 {
				consume()
			}
		}
		s.GiveUp()
		consume()
		require.Equal(t, len(text), at, "seed %d", seed)
		var m Message
		s.Cut(&m)
		require.Zero(t, s.pool.Buffered())
		require.True(t, s.Idle())
	}
}

// shuffled cuts text into segments, some late, some repeated, some cut short.
func shuffled(rng *rand.Rand, text []byte, base uint32) []*event.IO {
	var ios []*event.IO
	for at := 0; at < len(text); {
		n := min(1+rng.IntN(40), len(text)-at)
		captured := n
		if rng.IntN(5) == 0 {
			captured = rng.IntN(n + 1)
		}
		io := cutSeg(base+uint32(at), string(text[at:at+captured]), n, 1)
		ios = append(ios, io)
		if rng.IntN(10) == 0 && captured == n {
			ios = append(ios, io)
		}
		at += n
	}
	for i := 2; i < len(ios); i++ { // the first stays: it says where the stream begins
		if rng.IntN(6) == 0 {
			ios[i], ios[i-1] = ios[i-1], ios[i]
		}
	}
	return ios
}

func BenchmarkSegment(b *testing.B) {
	for _, size := range []int{64, 512, 4096} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			s := newStream(event.Ingress, roomy)
			io := seg(0, string(make([]byte, size)), 1)
			var m Message
			b.ReportAllocs()
			for b.Loop() {
				s.Push(io, false)
				s.Next()
				s.Advance(int64(size))
				s.Cut(&m)
				io.Seq += uint32(size)
			}
		})
	}
}
