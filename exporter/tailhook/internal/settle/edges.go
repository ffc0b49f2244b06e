package settle

import (
	"encoding/binary"
	"maps"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Balance tells, without remembering spans, whether every call of a trace has
// been answered for: the sum of hashes of the ids of spans that expect a peer,
// less those of the parents that peers name. It is 0 if each has exactly one, and
// practically never otherwise. Balances of parts of a trace add up.
type Balance uint64

// Expect adds a span that expects a peer, a child in another process.
func (b *Balance) Expect(span pcommon.SpanID) { *b += Balance(mix(span)) }

// Peer adds a span that is the peer of the span parent.
func (b *Balance) Peer(parent pcommon.SpanID) { *b -= Balance(mix(parent)) }

// mix is the finaliser of splitmix64.
func mix(id pcommon.SpanID) uint64 {
	h := binary.LittleEndian.Uint64(id[:]) + 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// Edges learns which calls never have a peer, such as those of a database without
// tracing. Only they are not waited for, so an error costs time and no spans,
// unless a peer is new: then the trace is out of balance, waits, and is learned
// from. Safe for concurrent use; Silent takes no lock.
type Edges struct {
	max    int
	silent atomic.Pointer[map[uint64]struct{}]

	mu    sync.Mutex
	known map[uint64]*edge
}

// edge counts the calls of one kind, with and without a peer.
type edge struct{ with, without float64 }

const (
	// edgeSamples is how many calls without a peer make an edge silent, and
	// edgeShare how rare a peer must be.
	edgeSamples = 50
	edgeShare   = 0.002
	// edgeMemory is the number of calls after which the past counts half.
	edgeMemory = 2000
)

// NewEdges returns a memory for so many edges.
func NewEdges(limit int) *Edges {
	e := &Edges{max: limit, known: map[uint64]*edge{}}
	e.silent.Store(&map[uint64]struct{}{})
	return e
}

// Silent says whether calls of this kind never have a peer.
func (e *Edges) Silent(key uint64) bool {
	_, ok := (*e.silent.Load())[key]
	return ok
}

// Learn adds what became of one call of a trace that is believed to be whole.
// Kinds beyond the limit are not learned, so their peers are waited for.
func (e *Edges) Learn(key uint64, peer bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	k := e.known[key]
	if k == nil {
		if len(e.known) >= e.max {
			return
		}
		k = &edge{}
		e.known[key] = k
	}
	if peer {
		k.with++
	} else {
		k.without++
	}
	if k.with+k.without > edgeMemory {
		k.with, k.without = k.with/2, k.without/2
	}
	e.publish(key, k.without >= edgeSamples && k.with <= edgeShare*k.without)
}

// publish changes the set that readers see, rarely.
func (e *Edges) publish(key uint64, silent bool) {
	old := *e.silent.Load()
	if _, was := old[key]; was == silent {
		return
	}
	set := maps.Clone(old)
	if silent {
		set[key] = struct{}{}
	} else {
		delete(set, key)
	}
	e.silent.Store(&set)
}
