package link

import "github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"

// reputations say how often supporting evidence agreed with certain links in this
// process. It is the seed of calibration: a kind that is wrong here is silenced.
type reputations struct {
	of        [Kinds]record
	endpoints endpoints
	sequels   sequels
	samples   uint32
}

type record struct{ agree, disagree int }

const (
	enough    = 20   // samples before a reputation counts
	tooMany   = 2    // contradictions that count before that, if they are more than a tenth
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
	if claim.Kind == Next {
		r.sequels.note(claim.Sibling, c, parent == c.Parent)
	}
	r.note(claim.Kind, parent == c.Parent)
	r.endpoints.note(c.Peer, claim.Kind, parent == c.Parent)
}

// note counts evidence of kind k that agreed with a decision, or did not.
func (r *reputations) note(k window.Kind, agree bool) {
	r.of[k].note(agree)
}

func (rec *record) note(agree bool) {
	if rec.agree+rec.disagree >= memory {
		rec.agree, rec.disagree = rec.agree/2, rec.disagree/2
	}
	if agree {
		rec.agree++
	} else {
		rec.disagree++
	}
}

// earned returns what a claim of kind k is worth here, zero if it has been seen to be
// wrong, and whether enough was seen to say so. Without samples it is
// the kind's precision elsewhere.
func (r *reputations) earned(k window.Kind) (score float64, known bool) { return r.of[k].worth(k) }

// estimated returns the share of right claims of kind k here, with its precision elsewhere
// counting as so many samples: of what always decides the same way, and has a
// probability for that.
func (r *reputations) estimated(k window.Kind) float64 {
	const samples = 50
	rec := &r.of[k]
	return (float64(rec.agree) + samples*kinds[k].Precision) / float64(rec.agree+rec.disagree+samples)
}

func (rec *record) worth(k window.Kind) (score float64, known bool) {
	n := rec.agree + rec.disagree
	least := reliable
	switch {
	case kinds[k].Class == Time:
		least = 0.5 // these only confirm
	case k == Adjacent:
		least = adjacentLeast
	}
	if n < enough {
		// It takes few samples to see that something is no good.
		if rec.disagree >= tooMany && float64(rec.agree) < (least-0.1)*float64(n) {
			return 0, true
		}
		return kinds[k].Precision, false
	}
	if float64(rec.agree) < least*float64(n) {
		return 0, true
	}
	return min(float64(rec.agree+1)/float64(n+2), max(kinds[k].Precision, reliable)), true
}
