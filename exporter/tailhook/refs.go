package tailhook

import "github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/journal"

// refs is memory for the journal's names of the fragments of undecided traces:
// lists in one slice, without pointers.
type refs struct {
	nodes []refNode
	free  uint32 // first free node + 1, 0 for none
}

type refNode struct {
	call     uint64
	fragment uint32
	next     uint32 // node + 1, 0 at the end
}

// add puts r in front of a list, and returns the list.
func (r *refs) add(list uint32, ref journal.Ref) uint32 {
	n := refNode{call: ref.Call, fragment: uint32(ref.Fragment), next: list}
	if at := r.free; at != 0 {
		r.free = r.nodes[at-1].next
		r.nodes[at-1] = n
		return at
	}
	r.nodes = append(r.nodes, n)
	return uint32(len(r.nodes))
}

// take returns what is in a list and frees it.
func (r *refs) take(list uint32) (out []journal.Ref) {
	for at := list; at != 0; {
		n := &r.nodes[at-1]
		out = append(out, journal.Ref{Call: n.call, Fragment: int(n.fragment)})
		next := n.next
		n.next, r.free = r.free, at
		at = next
	}
	return out
}
