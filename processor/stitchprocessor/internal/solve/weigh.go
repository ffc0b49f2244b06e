package solve

import (
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/link"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// candidate is a request that a call may belong to, with all that speaks for it.
type candidate struct {
	parent  *window.Node
	odds    [link.Classes]float64 // best of each class
	score   float64               // of the best claim
	trust   window.Trust          // the highest
	kind    window.Kind           // of the best claim of that trust
	certain bool                  // a claim is an identity that cannot be wrong
}

// weighing is the candidates of one call.
type weighing struct {
	candidates [maxCandidates]candidate
	n          int
	decisive   int  // candidates with a decisive claim
	full       bool // there were more
}

// add takes the claims of call that are trusted at least so much.
func (w *weighing) add(s *Solver, call *window.Node, least window.Trust) {
	for i := range call.Claims {
		c := &call.Claims[i]
		if c.Trust < least || c.Score < counts {
			continue
		}
		parent, score := c.Parent, c.Score
		if c.Sibling != nil {
			if parent = c.Sibling.Parent; parent == nil {
				continue
			}
			score *= c.Sibling.Confidence
		}
		// What was true when the claim was made may not be so any more.
		if s.guard(call, parent, c.Kind) != Passed {
			continue
		}
		w.take(parent, c, score)
	}
}

func (w *weighing) take(parent *window.Node, c *window.Claim, score float64) {
	cand := w.of(parent)
	if cand == nil {
		return
	}
	class := link.Describe(c.Kind).Class
	cand.odds[class] = max(cand.odds[class], oddsOf(score))
	if c.Trust > cand.trust || c.Trust == cand.trust && score > cand.score {
		cand.kind, cand.score = c.Kind, score
	}
	if c.Trust >= window.Decisive && cand.trust < window.Decisive {
		w.decisive++
	}
	cand.trust = max(cand.trust, c.Trust)
	cand.certain = cand.certain || c.Trust == window.Exact && score >= 1
}

func (w *weighing) of(parent *window.Node) *candidate {
	for i := range w.n {
		if w.candidates[i].parent == parent {
			return &w.candidates[i]
		}
	}
	if w.n == maxCandidates {
		w.full = true
		return nil
	}
	w.candidates[w.n].parent = parent
	w.n++
	return &w.candidates[w.n-1]
}

// oddsOf is p : 1-p, with a bound for certainty.
func oddsOf(p float64) float64 {
	const most = 1e6
	if p >= 1 {
		return most
	}
	return min(p/(1-p), most)
}

// weight is the product of the classes' odds, and how many classes there are.
func (c *candidate) weight() (odds float64, classes int) {
	odds = 1
	for _, o := range c.odds {
		if o > 0 {
			odds *= o
			classes++
		}
	}
	return odds, classes
}

// refuted is the most that is left of a completion if the thread that read the reply is
// known to have used it itself: then its wakes were about something else, a lock.
const refuted = 10

// ownUse reports whether a candidate has decisive evidence that the thread which read
// the reply went on with it.
func (c *candidate) ownUse() bool {
	return c.trust >= window.Decisive && (c.odds[link.Owner] > 0 || c.odds[link.After] > 0)
}

// best returns the candidate with the greatest odds that may be decided on, and its
// probability against all the others and against none of them. A candidate with
// nothing but supporting evidence needs two classes of it.
func (w *weighing) best() (*candidate, float64) {
	own := false
	for i := range w.n {
		own = own || w.candidates[i].ownUse()
	}
	var best *candidate
	var most float64
	sum := 1.0
	for i := range w.n {
		c := &w.candidates[i]
		odds, classes := c.weight()
		if own && !c.ownUse() && c.odds[link.Completion] > 0 {
			odds = min(odds, refuted)
		}
		if classes > 1 || c.odds[link.Time] == 0 {
			sum += odds // times alone confirm, they do not contradict
		}
		if odds > most && (c.trust > window.Support || classes > 1) {
			best, most = c, odds
		}
	}
	if best == nil {
		return nil, 0
	}
	if _, classes := best.weight(); classes == 1 && best.odds[link.Time] > 0 {
		sum += most
	}
	return best, most / sum
}
