package link

import (
	"net/netip"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// endpoints say the same of calls to one endpoint as reputations of all: a kind may be
// right of the calls to one server and wrong of those to another, such as one that is
// called by a batch for several requests at a time. It can only silence a kind that is
// trusted in the process.
type endpoints struct {
	of      map[endpointKind]*record
	dropped int
}

type endpointKind struct {
	peer netip.AddrPort
	kind window.Kind
}

// maxEndpoints bounds the table; when it is full it starts anew.
const maxEndpoints = 1024

// note counts evidence about a call to peer that agreed with a decision, or did not.
func (e *endpoints) note(peer netip.AddrPort, k window.Kind, agree bool) {
	if kinds[k].Trust != window.Support {
		return
	}
	key := endpointKind{peer, k}
	rec := e.of[key]
	if rec == nil {
		if e.of == nil || len(e.of) == maxEndpoints {
			e.dropped += len(e.of)
			e.of = map[endpointKind]*record{}
		}
		rec = &record{}
		e.of[key] = rec
	}
	rec.note(agree)
}

// silences reports whether supporting evidence of kind k has been seen to be wrong of calls
// to peer. Others are not meant: what can be compared of them is mostly what looks alike
// by chance, and to halve the wrong links of a Go program so cost a third of the right ones.
func (e *endpoints) silences(peer netip.AddrPort, k window.Kind) bool {
	if len(e.of) == 0 || kinds[k].Trust != window.Support {
		return false
	}
	rec := e.of[endpointKind{peer, k}]
	if rec == nil || rec.agree+rec.disagree < enough {
		return false // of few samples the process as a whole says more
	}
	score, _ := rec.worth(k)
	return score == 0
}
