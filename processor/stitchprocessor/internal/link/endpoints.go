package link

import "github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"

// endpoints say the same of calls to one endpoint as reputations of all: a kind may be
// right of the calls to one server and wrong of those to another, such as one that is
// called by a batch for several requests at a time. It can only silence a kind that is
// trusted in the process.
type endpoints struct{ table[endpointKind, record] }

type endpointKind struct {
	peer uint64
	kind window.Kind
}

// maxEndpoints bounds the table.
const maxEndpoints = 1024

// note counts evidence about a call to peer that agreed with a decision, or did not.
func (e *endpoints) note(peer uint64, k window.Kind, agree bool) {
	if kinds[k].Trust != window.Support {
		return
	}
	if rec := e.meet(endpointKind{peer, k}); rec != nil {
		rec.note(agree)
	}
}

// silences reports whether supporting evidence of kind k has been seen to be wrong of calls
// to peer. Others are not meant: what can be compared of them is mostly what looks alike
// by chance, and to halve the wrong links of a Go program so cost a third of the right ones.
func (e *endpoints) silences(peer uint64, k window.Kind) bool {
	if len(e.of) == 0 || kinds[k].Trust != window.Support {
		return false
	}
	rec := e.get(endpointKind{peer, k})
	if rec == nil || rec.agree+rec.disagree < enough {
		return false // of few samples the process as a whole says more
	}
	score, _ := rec.worth(k)
	return score == 0
}
