package settle

import "go.opentelemetry.io/collector/pdata/pcommon"

// Decided remembers what was decided on the latest traces, by all sixteen bytes
// of their ids. It keeps between size/2 and size of them, those used last:
// entries live in two generations, the older of which is forgotten when the
// younger is full.
type Decided[V any] struct {
	young, old map[pcommon.TraceID]V
	half       int
}

// NewDecided returns an empty memory; one of size 0 forgets everything at once.
func NewDecided[V any](size int) *Decided[V] {
	return &Decided[V]{young: map[pcommon.TraceID]V{}, old: map[pcommon.TraceID]V{}, half: (size + 1) / 2}
}

// Put remembers a decision.
func (d *Decided[V]) Put(id pcommon.TraceID, v V) {
	if d.half == 0 {
		return
	}
	if len(d.young) >= d.half {
		d.young, d.old = d.old, d.young
		clear(d.young)
	}
	d.young[id] = v
}

// Get returns the decision on id, if it is remembered, and keeps it for longer.
func (d *Decided[V]) Get(id pcommon.TraceID) (v V, ok bool) {
	if v, ok = d.young[id]; ok {
		return v, true
	}
	if v, ok = d.old[id]; ok {
		d.Put(id, v)
	}
	return v, ok
}

// Len returns the number of decisions in memory.
func (d *Decided[V]) Len() int { return len(d.young) + len(d.old) }
