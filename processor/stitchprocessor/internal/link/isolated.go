package link

import (
	"slices"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// isolatedKind: the request is the last one that was read before the call was
// written, and no other one was read for much longer than it took from one to the
// other: no other handoff was under way that this one can have been mistaken for. It
// holds for answered requests, too. Supporting only, but for calls of a kind of which
// most have certain links that have shown it to be right. Measured for those: 576
// right, 0 wrong.
var isolatedKind = Kind{Name: "isolated", Class: Time, Trust: window.Support, Precision: 0.85, Detached: true}

// apartBy is how much longer, in ns, beside a factor of four.
const apartBy = int64(1e6)

func isolated(l *Linker, c *window.Node) {
	r, previous := l.p.LastRequests(c.Start())
	if r == nil || previous != nil && r.Start()-previous.Request.End < 4*(c.Start()-r.Request.End)+apartBy {
		return
	}
	score, _ := l.trust.earned(Isolated)
	claim := window.Claim{Parent: r, Kind: Isolated, Score: score}
	switch {
	case l.disputed(c, r), slices.ContainsFunc(c.Claims, func(x window.Claim) bool { return settled(x) && decidedBy(x) != r }):
		claim.Score = 0 // that is no second fact, or another handoff was under way
	case l.underWay(c, r), l.hasCadence(c):
		claim.Score = 0
	case l.isolation.proven(c.Operation):
		claim.Score, claim.Trust = isolationProven, window.Likely
	}
	l.claim(c, claim)
}

// underWay reports whether the thread of c, which is one of a pool, was at something already when
// r was read, and has not been woken since: then it took up c for what had waited for it.
func (l *Linker) underWay(c, r *window.Node) bool {
	m := &c.Request
	if m.Goroutine() || m.Loop() {
		return false
	}
	before := l.p.Before(m)
	return before != nil && before.At() < r.Request.End && !slices.ContainsFunc(m.Handoffs, func(h evidence.Handoff) bool {
		return h.Time >= r.Request.End
	})
}

// isolations is what certain links have told of calls, by what they ask for.
type isolations struct{ operations[isolation] }

// isolation is how often certain links agreed, and how many of the calls have one.
type isolation struct {
	record
	calls, links int
}

const (
	// isolationEnough is how many certain links prove it, of which at most one in
	// isolationOff may contradict. They must be of at least half of the calls: those
	// without are of another sort, else, and nothing is known of these.
	isolationEnough, isolationOff = 40, 100
	isolationProven               = 0.98
)

// observe takes a node that has arrived.
func (s *isolations) observe(n *window.Node) {
	if n.Server {
		return
	}
	if i := s.meet(n.Operation); i != nil {
		if i.calls++; i.calls > memory {
			i.calls, i.links = i.calls/2, i.links/2
		}
	}
}

// linked takes a link.
func (s *isolations) linked(c *window.Node) {
	if i := s.get(c.Operation); i != nil && kinds[c.Kind].Class != Time {
		i.links++
	}
}

// judge takes a claim about a call that is decided.
func (s *isolations) judge(c *window.Node, claim window.Claim) {
	if claim.Kind == Isolated && kinds[c.Kind].Class != Time {
		if i := s.get(c.Operation); i != nil {
			i.note(claim.Parent == c.Parent)
		}
	}
}

// proven reports whether isolation alone is enough for such calls.
func (s *isolations) proven(operation uint64) bool {
	i := s.get(operation)
	return i != nil && i.agree+i.disagree >= isolationEnough && i.disagree*isolationOff <= i.agree && i.links*2 >= i.calls
}
