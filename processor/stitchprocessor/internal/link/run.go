package link

import (
	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// threadRunKind: a thread wrote the reply of a request that another one had read, such
// as the reactor of Puma, and serves requests that it reads itself, too, one after the
// other. All that it did since it replied to the one before are calls, and the same
// ones as for a request that it served from the beginning. Measured: 149 right, 0 wrong.
var threadRunKind = Kind{Name: "thread_run", Class: Owner, Trust: window.Likely, Precision: measured(149, 0)}

// maxRun bounds the I/O of one request that is walked back.
const maxRun = 256

func servedInARun(l *Linker, r *window.Node) {
	m := &r.Response
	if !r.HasResponse() || m.IO == 0 || m.TID == r.Request.TID || m.Tick != 0 || m.Goroutine() ||
		!l.serial.proven() || len(l.p.ReadBy(m.TID)) == 0 {
		return
	}
	var calls []*window.Message // last one first
	for range maxRun {
		before := l.p.Before(m)
		switch {
		case before == nil:
			l.p.Await(m.TID, m.First()-1, r)
			return
		case before.Kind == evidence.ServerWrite:
			if l.shapes.knows(r, calls) {
				l.claimAll(r, calls, ThreadRun)
			}
			return
		case before.Node.Server || before.Node.Start() < r.Start():
			return
		case before.Kind == evidence.ClientWrite:
			calls = append(calls, before)
		}
		m = before
	}
}

// shapes are the calls that requests were seen to make which one thread served from
// beginning to end.
type shapes struct{ seen table[shape, int] }

// shape is what is asked of the process and what it asks others in turn, as a hash.
type shape struct{ operation, calls uint64 }

const (
	// maxShapes bounds the table.
	maxShapes = 256
	// shapeSeen is how often a shape must have been seen.
	shapeSeen = 3
)

// shapeOf takes the calls, last one first.
func shapeOf(r *window.Node, calls []*window.Message) shape {
	s := shape{operation: r.Operation}
	for _, m := range calls {
		s.calls = (s.calls ^ m.Node.Operation ^ 1) * 1099511628211
	}
	return s
}

func (s *shapes) add(r *window.Node, calls []*window.Message) {
	if times := s.seen.meet(shapeOf(r, calls)); times != nil {
		*times = min(*times+1, shapeSeen)
	}
}

func (s *shapes) knows(r *window.Node, calls []*window.Message) bool {
	times := s.seen.get(shapeOf(r, calls))
	return len(calls) > 0 && times != nil && *times >= shapeSeen
}
