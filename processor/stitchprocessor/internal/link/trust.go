package link

import "github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"

// reputations say how often supporting evidence agreed with certain links in this
// process. It is the seed of calibration: a kind that is wrong here is silenced.
type reputations struct {
	of      [Kinds]record
	samples uint32
}

type record struct{ agree, disagree int }

const (
	enough    = 20   // samples before a reputation counts
	memory    = 512  // samples after which the older half is forgotten
	reliable  = 0.98 // least share of agreement
	warmUp    = 256  // decisions that are all compared
	thereupon = 8    // then every so many
)

// sample reports whether to compare this decision.
func (r *reputations) sample() bool {
	r.samples++
	return r.samples <= warmUp || r.samples%thereupon == 0
}

// judge takes a claim about a call that is decided.
func (r *reputations) judge(c *window.Node, claim window.Claim) {
	if claim.Kind == c.Kind {
		return
	}
	parent := claim.Parent
	if claim.Sibling != nil {
		if parent = claim.Sibling.Parent; parent == nil || claim.Sibling.Kind == claim.Kind {
			return
		}
	}
	rec := &r.of[claim.Kind]
	if rec.agree+rec.disagree >= memory {
		rec.agree, rec.disagree = rec.agree/2, rec.disagree/2
	}
	if parent == c.Parent {
		rec.agree++
	} else {
		rec.disagree++
	}
}

// earned returns what a claim of kind k is worth here, zero if it has been seen to be
// wrong, and whether enough was seen to say so. Without samples it is
// the kind's precision elsewhere.
func (r *reputations) earned(k window.Kind) (score float64, known bool) {
	rec := r.of[k]
	n := rec.agree + rec.disagree
	if n < enough {
		return kinds[k].Precision, false
	}
	share := float64(rec.agree) / float64(n)
	least := reliable
	if kinds[k].Class == Time {
		least = 0.5 // these only confirm
	}
	if share < least {
		return 0, true
	}
	return min(float64(rec.agree+1)/float64(n+2), max(kinds[k].Precision, reliable)), true
}
