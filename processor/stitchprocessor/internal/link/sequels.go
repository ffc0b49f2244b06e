package link

import "github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"

// sequels say of the calls that threads of a Go program wrote right after they had read the
// reply of another one how often both were of one request, by what was asked for: the next
// statement of a request is, the next job of a pool is not, nor what a timer began.
type sequels struct {
	of      map[sequel]*record
	dropped int
}

// sequel is what two calls ask for.
type sequel struct{ first, second uint64 }

// maxSequels bounds the table; when it is full it starts anew.
const maxSequels = 1024

func (s *sequels) note(first, second *window.Node, agree bool) {
	if !second.Request.Goroutine() {
		return
	}
	k := sequel{first.Operation, second.Operation}
	if s.of == nil || s.of[k] == nil && len(s.of) == maxSequels {
		s.dropped += len(s.of)
		s.of = map[sequel]*record{}
	}
	if s.of[k] == nil {
		s.of[k] = &record{}
	}
	s.of[k].note(agree)
}

// sequel returns what Next is worth between two calls, and whether that is known.
func (r *reputations) sequel(first, second *window.Node) (score float64, known bool) {
	if !second.Request.Goroutine() {
		return r.earned(Next)
	}
	if rec := r.sequels.of[sequel{first.Operation, second.Operation}]; rec != nil {
		return rec.worth(Next)
	}
	return nextKind.Precision, false
}
