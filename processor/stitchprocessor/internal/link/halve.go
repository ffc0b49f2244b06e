package link

import "slices"

// settle is called when requests and calls of a time have all been observed, not half of
// them: only then do counts compare, and may be halved.
func (h *habits) settle() {
	h.lost.settle()
	if h.due {
		h.halve()
	}
}

// halve forgets half of all that was counted, but for calls whose requests are still to
// come: those are not over.
func (h *habits) halve() {
	h.due = false
	ahead := make(map[*habit]int, len(h.calls.of))
	for _, k := range h.calls.of {
		ahead[&k.it] = h.ahead(&k.it)
	}
	for _, k := range h.requests.of {
		k.it.n /= 2
	}
	for _, k := range h.calls.of {
		hb := &k.it
		n := ahead[hb]
		hb.calls, hb.links, hb.late = n+(hb.calls-n)/2, hb.links/2, hb.late/2
		for i := range hb.parents {
			hb.parents[i].n /= 2
		}
		hb.parents = slices.DeleteFunc(hb.parents, func(s share) bool { return s.n == 0 })
	}
}

// ahead is by how many there are more calls of a kind than requests that make one, as far
// as these are open.
func (h *habits) ahead(hb *habit) int {
	by := h.basis(hb)
	return min(max(0, hb.calls-h.askers(by)), by.during)
}
