package link

import "github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"

// sequels say of the calls that threads of a Go program wrote right after they had read the
// reply of another one how often both were of one request, by what was asked for: the next
// statement of a request is, the next job of a pool is not, nor what a timer began.
type sequels struct{ table[sequel, record] }

// sequel is what two calls ask for.
type sequel struct{ first, second uint64 }

// maxSequels bounds the table.
const maxSequels = 1024

func (s *sequels) note(first, second *window.Node, agree bool) {
	if !second.Request.Goroutine() {
		return
	}
	if rec := s.meet(sequel{first.Operation, second.Operation}); rec != nil {
		rec.note(agree)
	}
}

// sequel returns what Next is worth between two calls, and whether that is known.
func (r *reputations) sequel(first, second *window.Node) (score float64, known bool) {
	if !second.Request.Goroutine() {
		return r.earned(Next)
	}
	if rec := r.sequels.get(sequel{first.Operation, second.Operation}); rec != nil {
		return rec.worth(Next)
	}
	return nextKind.Precision, false
}
