package link

import (
	"math"
	"slices"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/assign"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// restKind: every request of its kind makes one such call, as a rule, and waits for it;
// better evidence has found no request for this one. Of all such calls and of all
// requests that lack one, at about the same time, the likeliest assignment as a whole
// gives it to this one, and no other way is nearly as likely: by when it began after
// the request was read, after its sibling, or after the worker had become free, and
// by when the worker woke the request's thread. Measured: 11,361 right, 27 wrong.
var restKind = Kind{Name: "rest", Class: Pattern, Trust: window.Likely, Precision: measured(11361, 27)}

const (
	never = assign.Never
	// aloneCost is what it costs not to give a call to any request, restMargin how much
	// dearer every other assignment must be, stageMargin the same for first stages, of
	// which two orders say something: logarithms of odds.
	aloneCost, restMargin, stageMargin = 14, 8.3, 5
	// ownCost is what it costs not to give a call to any request if its habit is well
	// known: nearly every such call is of a request, and some are late by chance.
	ownCost = 20
	// restGrace is for how long after its end the decision on a call is put off, until
	// those that end at about the same time are decided. Unix ns.
	restGrace = int64(100e6)
	// maxRivals bounds the calls on each side that are looked at together, maxLacking
	// the requests that were open, maxColumns those of them that fit best.
	maxRivals, maxLacking, maxColumns = 6, 1024, 12
)

func leftOver(l *Linker, c *window.Node) {
	if r, margin := l.likeliest(c); r != nil && margin >= l.margin(c) {
		score := min(1/(1+math.Exp(-margin/2)), restKind.Precision)
		l.claim(c, window.Claim{Parent: r, Kind: Rest, Score: score, Trust: restKind.Trust})
	} else {
		l.giveUp(c)
	}
}

// likeliest returns the request that c belongs to in the likeliest assignment, and how
// much likelier that is than any other, as a logarithm. It is nil if c has none or
// better evidence, or habits say nothing of it.
func (l *Linker) likeliest(c *window.Node) (*window.Node, float64) {
	hb := l.habits.each(c)
	if hb == nil || hasCandidate(c) || c.Request.Loop() {
		return nil, 0
	}
	columns := l.lacking(hb, c)
	if len(columns) == 0 {
		return nil, 0
	}
	if l.tooMany(hb, c) {
		l.crowded = true
		return nil, 0
	}
	l.rivals = l.rivals[:0]
	if !l.separate {
		l.rivals = hb.given.add(l.p.NearUndecided(l.rivals, c, maxRivals), c)
	}
	columns = l.elsewhere(hb, columns)
	p := &l.problem
	p.Reset(1+len(l.rivals), len(columns), aloneCost)
	if hb.wellKnown() {
		p.SetAlone(0, ownCost)
	}
	l.fill(hb, 0, c, columns)
	for i, rival := range l.rivals {
		l.fill(hb, i+1, rival, columns)
	}
	j, margin := p.Best(0)
	if margin < l.margin(c) && hb.landing.keepOrder() {
		j, margin = l.ordered(hb, c, columns)
	}
	if j < 0 {
		return nil, 0
	}
	return columns[j], margin
}

// elsewhere adds to the requests that c may be of those that fit its rivals best, as they
// were found when these were looked at: else they had nowhere to go but to c's.
func (l *Linker) elsewhere(hb *habit, columns []*window.Node) []*window.Node {
	for _, rival := range l.rivals {
		for _, r := range rival.Note.Fits {
			if r != nil && r.Process != nil && len(columns) < assign.Max && !slices.Contains(columns, r) && hb.makes(r, rival) {
				columns = append(columns, r)
			}
		}
	}
	l.open = columns
	return columns
}

// wellKnown reports whether at least a quarter of such calls were linked by better
// evidence: what is learned from fewer is learned from those that are easy to link, and not of
// all.
func (hb *habit) wellKnown() bool { return hb.links*4 >= hb.calls }

// margin is how much likelier an assignment has to be than any other.
func (l *Linker) margin(c *window.Node) float64 {
	hb := l.habits.calls.get(c.Operation)
	switch {
	case hb == nil:
		return restMargin
	case hb.staged():
		return stageMargin
	case c.Request.Goroutine():
		return goMargin
	case hb.lands():
		return landMargin
	}
	return restMargin
}

// waitForRest returns until when the decision on a call is put off because others of its
// kind may be decided first, which leaves fewer ways: from time to time it is tried.
func (l *Linker) waitForRest(c *window.Node, now int64) int64 {
	if l.habits.each(c) == nil || l.adjoins(c) && requestFor(l.p.Before(&c.Request)) != nil {
		return 0
	}
	if next, _ := l.sequelOf(c); next != nil {
		return 0
	}
	until := c.End + restGrace<<c.Note.Tries
	if now > until && c.Note.Tries < maxTries && !l.found(c) {
		c.Note.Tries++
		until = max(c.End+restGrace<<c.Note.Tries, now)
	}
	return until
}

// found reports whether the request of c can be told by now.
func (l *Linker) found(c *window.Node) bool {
	_, margin := l.likeliest(c)
	return margin >= l.margin(c) || l.turnOf(c) != nil
}

// maxTries bounds how often a decision is put off: for less than a second in all.
const maxTries = 3

// hasCandidate reports whether other evidence already speaks for some request.
func hasCandidate(c *window.Node) bool {
	for i := range c.Claims {
		if c.Claims[i].Trust >= window.Likely && c.Claims[i].Kind != Rest {
			return true
		}
	}
	return false
}

func (l *Linker) fill(hb *habit, row int, c *window.Node, columns []*window.Node) {
	if row > 0 && l.habits.calls.get(c.Operation) != hb {
		return
	}
	for j, r := range columns {
		if covers(r, c) {
			l.problem.Set(row, j, l.cost(hb, r, c))
		}
	}
}

// lacking returns the requests that c can belong to, those that fit best, or none if
// there are too many to look at.
func (l *Linker) lacking(hb *habit, c *window.Node) []*window.Node {
	open, all := l.p.Covering(l.open[:0], c.Start(), c.End, maxLacking)
	l.open = open
	if !all {
		l.crowded = true
		return nil
	}
	l.costs = l.costs[:0]
	n := 0
	for _, r := range l.open {
		if !hb.makes(r, c) {
			continue
		}
		cost := l.cost(hb, r, c)
		if cost >= never {
			continue
		}
		i := n
		if n < maxColumns {
			n++
			l.costs = append(l.costs, 0)
		} else if i--; l.costs[i] <= cost {
			continue
		}
		for i > 0 && l.costs[i-1] > cost {
			l.open[i], l.costs[i] = l.open[i-1], l.costs[i-1]
			i--
		}
		l.open[i], l.costs[i] = r, cost
	}
	copy(c.Note.Fits[:], l.open[:n])
	return l.open[:n]
}
