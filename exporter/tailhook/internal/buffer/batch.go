package buffer

import (
	"hash/maphash"
	"sync/atomic"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// span is one encoded span of a batch.
type span struct {
	from, to   uint32 // in Batch.data
	start, end uint64
	scope      int32
	next       int32 // next span of the same trace, -1 at the end
}

// Fragment is what one call brought of one trace.
type Fragment struct {
	// ID is the trace id.
	ID pcommon.TraceID
	// Spans counts the spans of the fragment.
	Spans int
	// Shard is the owner of the trace.
	Shard int
	// Index of the fragment in its batch, from 0, in the order of first spans.
	Index int

	first, last int32
}

// Batch is one call's spans, encoded and grouped by trace. One goroutine fills
// it; from then on it is read-only and may be shared by Shards readers, each of
// which calls Release once. The memory is then used for another call.
type Batch struct {
	data     []byte
	heads    []byte
	headRefs []head
	scopes   []scope
	spans    []span
	frags    []Fragment

	byTrace  map[pcommon.TraceID]int32
	lastID   pcommon.TraceID
	lastFrag int32

	seed    maphash.Seed
	shards  int
	pending atomic.Int32
	done    func(*Batch)
}

// NewBatch returns a reusable batch for the given number of shards. Heads are
// hashed with seed, which all batches of one set of stores must share. done, if
// not nil, gets the batch back after its last Release.
func NewBatch(shards int, seed maphash.Seed, done func(*Batch)) *Batch {
	return &Batch{byTrace: map[pcommon.TraceID]int32{}, seed: seed, shards: shards, done: done}
}

// Encode forgets the batch's content and takes in the spans of td, which are
// numbered from 0 in the order of td. Each must then be given to Add. td may be
// used freely afterwards.
func (b *Batch) Encode(td ptrace.Traces) error {
	b.reset()
	return b.encode(td)
}

// Len returns the number of spans.
func (b *Batch) Len() int { return len(b.spans) }

// Data returns the call as OTLP. It must not be changed and may be kept.
func (b *Batch) Data() []byte { return b.data }

// Size returns the encoded size of the call in bytes.
func (b *Batch) Size() int { return len(b.data) }

// Add puts span number i into the fragment of its trace and returns the index
// of the fragment and whether it is new.
func (b *Batch) Add(i int, s ptrace.Span) (frag int, fresh bool) {
	sp := &b.spans[i]
	sp.start, sp.end = uint64(s.StartTimestamp()), uint64(s.EndTimestamp())
	id := s.TraceID()
	f := b.lastFrag
	if f < 0 || id != b.lastID {
		f, fresh = b.fragment(id)
	}
	fr := &b.frags[f]
	if fr.Spans == 0 {
		fr.first = int32(i)
	} else {
		b.spans[fr.last].next = int32(i)
	}
	fr.last = int32(i)
	fr.Spans++
	return int(f), fresh
}

func (b *Batch) fragment(id pcommon.TraceID) (int32, bool) {
	f, ok := b.byTrace[id]
	if !ok {
		f = int32(len(b.frags))
		b.frags = append(b.frags, Fragment{ID: id, Shard: ShardOf(id, b.shards), Index: int(f)})
		b.byTrace[id] = f
	}
	b.lastID, b.lastFrag = id, f
	return f, !ok
}

// Fragments returns the fragments in the order of their first spans. The
// slice is valid until the batch is released.
func (b *Batch) Fragments() []Fragment { return b.frags }

// Times calls yield with start and end (Unix nanoseconds) of each span of f in
// the order of the call.
func (b *Batch) Times(f *Fragment, yield func(start, end uint64)) {
	for i := f.first; i >= 0; i = b.spans[i].next {
		yield(b.spans[i].start, b.spans[i].end)
	}
}

// headSize is the size of head number n.
func (b *Batch) headSize(n int32) int { return int(b.headRefs[n].to - b.headRefs[n].from) }

// Share says how many readers will call Release.
func (b *Batch) Share(readers int) { b.pending.Store(int32(readers)) }

// Release ends one reader's use of the batch.
func (b *Batch) Release() {
	if b.pending.Add(-1) == 0 && b.done != nil {
		b.done(b)
	}
}

func (b *Batch) reset() {
	b.data = nil
	b.heads, b.headRefs = b.heads[:0], b.headRefs[:0]
	b.scopes, b.spans, b.frags = b.scopes[:0], b.spans[:0], b.frags[:0]
	clear(b.byTrace)
	b.lastFrag = -1
}

// ShardOf returns the owner of a trace among so many shards, by all sixteen
// bytes: ids may be padded, or carry a time in one half (finaliser of splitmix64).
func ShardOf(id pcommon.TraceID, shards int) int {
	if shards == 1 {
		return 0
	}
	h := le64(id[:8])*0x9e3779b97f4a7c15 ^ le64(id[8:])
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	h ^= h >> 31
	return int(h % uint64(shards))
}

func le64(b []byte) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}
