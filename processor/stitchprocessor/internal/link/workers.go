package link

import (
	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// worker is a thread that completed requests: when it woke those who replied.
type worker struct {
	woke [128]int64 // Unix ns, the latest first
}

// wentOn takes note that what a thread did next after it had read the reply of a call was
// m. It returns since when the thread was free to do so, as far as is known.
func (h *habits) wentOn(p *window.Process, m *window.Message) int64 {
	before := p.Before(m)
	if before == nil {
		return m.Start
	}
	since := before.At()
	if before.Kind == evidence.ClientRead {
		left := m.Start
		if told := before.Node.Note.ToldAt; told != 0 {
			since, left = max(since, told), min(left, told)
		}
		if hb := h.calls.get(before.Node.Operation); hb != nil {
			hb.ends.bound(before.Node.End, left)
		}
	}
	return freeSince(min(since, m.Start), m)
}

// longSleep is how long a thread that has nothing to do sleeps at least. Ns.
const longSleep = int64(10e6)

// freeSince is since when the thread of m, which has done nothing else since before, had
// what it needs for m, at the earliest: if it slept for long, since it was woken, by a thread
// that had something to hand on. Others end pauses and hand over locks, of what it had in hand.
func freeSince(before int64, m *window.Message) int64 {
	if m.Waited&evidence.WaitedFutex == 0 {
		return before
	}
	var first *evidence.Handoff
	for i := range m.Handoffs {
		if h := &m.Handoffs[i]; h.Time > before && h.Time < m.Start && (first == nil || h.Time < first.Time) {
			first = h
		}
	}
	if first == nil || first.Hops > 0 || first.Time < before+longSleep {
		return before
	}
	return first.Time
}

// wokenBy takes note that a worker completed r.
func (h *habits) wokenBy(r *window.Node, tid uint32, at int64) {
	if r.Note.WokenAt != 0 {
		return
	}
	r.Note.WokenAt, r.Note.WokenBy = at, tid
	w := h.workers.meet(tid)
	if w == nil {
		return
	}
	for i, t := range w.woke {
		if at > t {
			copy(w.woke[i+1:], w.woke[i:])
			w.woke[i] = at
			return
		}
	}
}

// freed is when the worker that completed r had completed another request before, or
// zero.
func (h *habits) freed(r *window.Node) int64 {
	if w := h.workers.get(r.Note.WokenBy); r.Note.WokenAt != 0 && w != nil {
		for _, t := range w.woke {
			if t < r.Note.WokenAt {
				return t
			}
		}
	}
	return 0
}

// worked reports whether another call than c is known that the worker which completed r
// had made before, since it was free.
func (h *habits) worked(r, c *window.Node, freed int64) bool {
	for _, made := range r.Made() {
		if made != c && made.Start() >= freed && made.End <= r.Note.WokenAt {
			return true
		}
	}
	return false
}

// busy reports whether the worker that completed r was busy with another request when c
// began, and nothing else is known that it may have done for r: then c is not r's.
func (h *habits) busy(r, c *window.Node) bool {
	at := h.freed(r)
	return at > c.Start() && !h.worked(r, c, at)
}
