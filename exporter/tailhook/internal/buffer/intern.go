package buffer

import "bytes"

// headCost is the memory an interned head takes beyond its bytes: its entry and
// its share of the map, rounded up.
const headCost = 96

type headEntry struct {
	data []byte
	hash uint64
	refs uint32
	next uint32 // another head with the same hash, or none
}

// heads keeps each distinct head once, for as long as a trace refers to it.
type heads struct {
	byHash  map[uint64]uint32
	entries []headEntry
	free    []uint32
	bytes   int
}

func newHeads() heads { return heads{byHash: map[uint64]uint32{}} }

// intern returns the id of the head data, without counting a reference.
func (h *heads) intern(hash uint64, data []byte) uint32 {
	first, ok := h.byHash[hash]
	if !ok {
		first = none
	}
	for id := first; id != none; id = h.entries[id].next {
		if bytes.Equal(h.entries[id].data, data) {
			return id
		}
	}
	id := h.slot()
	h.entries[id] = headEntry{data: bytes.Clone(data), hash: hash, next: first}
	h.byHash[hash] = id
	h.bytes += len(data) + headCost
	return id
}

func (h *heads) slot() uint32 {
	if n := len(h.free); n > 0 {
		id := h.free[n-1]
		h.free = h.free[:n-1]
		return id
	}
	h.entries = append(h.entries, headEntry{})
	return uint32(len(h.entries) - 1)
}

func (h *heads) retain(id uint32) { h.entries[id].refs++ }

func (h *heads) release(id uint32) {
	e := &h.entries[id]
	e.refs--
	if e.refs > 0 {
		return
	}
	h.unlink(id)
	h.bytes -= len(e.data) + headCost
	*e = headEntry{}
	h.free = append(h.free, id)
}

func (h *heads) unlink(id uint32) {
	e := &h.entries[id]
	at := h.byHash[e.hash]
	if at == id {
		if e.next == none {
			delete(h.byHash, e.hash)
		} else {
			h.byHash[e.hash] = e.next
		}
		return
	}
	for h.entries[at].next != id {
		at = h.entries[at].next
	}
	h.entries[at].next = e.next
}
