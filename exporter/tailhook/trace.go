package tailhook

import (
	"unsafe"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/buffer"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/policy"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/settle"
)

// trace is one undecided trace. It has no pointers, so the collector of garbage
// does not look at the tables.
type trace struct {
	id       pcommon.TraceID
	content  buffer.Content
	summary  policy.Summary
	progress settle.Progress
	at       int64 // tick of the appointment that counts, 0 for none
	omitted  omitted
	gen      uint32 // of the slot
	older    uint32 // neighbours by age: slot + 1, 0 for none
	newer    uint32
	kind     uint64 // by its root, 0 if that was not seen
	refs     uint32 // its fragments in the journal: node + 1, 0 for none
}

// omitted sums up the spans of a trace that were not kept.
type omitted struct {
	spans, bytes int64
}

// traceCost is the memory of an undecided trace beyond its spans and state: its
// slot and its share of the map of ids.
const traceCost = int(unsafe.Sizeof(trace{})) + 2*(16+4)

// table has the undecided traces of one shard, by id and in the order of arrival.
type table struct {
	ids            map[pcommon.TraceID]uint32
	slots          []trace
	states         []uint64
	words          int
	free           []uint32
	oldest, newest uint32 // slot + 1
}

func newTable(words int) *table {
	return &table{ids: map[pcommon.TraceID]uint32{}, words: words}
}

func (t *table) len() int { return len(t.ids) }

// cost is the memory of one trace in the table.
func (t *table) cost() int { return traceCost + 8*t.words }

func (t *table) state(slot uint32) policy.State {
	from := int(slot) * t.words
	return t.states[from : from+t.words : from+t.words]
}

// add makes a trace, the newest.
func (t *table) add(id pcommon.TraceID) uint32 {
	slot := t.take()
	tr := &t.slots[slot]
	tr.id, tr.older = id, t.newest
	if t.newest != 0 {
		t.slots[t.newest-1].newer = slot + 1
	} else {
		t.oldest = slot + 1
	}
	t.newest = slot + 1
	t.ids[id] = slot
	return slot
}

func (t *table) take() uint32 {
	if n := len(t.free); n > 0 {
		slot := t.free[n-1]
		t.free = t.free[:n-1]
		return slot
	}
	t.slots = append(t.slots, trace{})
	t.states = append(t.states, make([]uint64, t.words)...)
	return uint32(len(t.slots) - 1)
}

// remove forgets a trace whose content has been dropped.
func (t *table) remove(slot uint32) {
	tr := &t.slots[slot]
	if tr.older != 0 {
		t.slots[tr.older-1].newer = tr.newer
	} else {
		t.oldest = tr.newer
	}
	if tr.newer != 0 {
		t.slots[tr.newer-1].older = tr.older
	} else {
		t.newest = tr.older
	}
	delete(t.ids, tr.id)
	*tr = trace{gen: tr.gen + 1}
	clear(t.state(slot))
	t.free = append(t.free, slot)
}
