package solve

import (
	"cmp"
	"slices"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/link"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/slab"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// Config is what a decision needs to know of the user's wishes.
type Config struct {
	MinConfidence float64 // 0 to 1; below it there is no parent
	MaxAge        int64   // ns from the start of a request to that of its last call
	MaxChildren   int     // calls of one request
	Disabled      [link.Kinds]bool
}

// Verdict is what was decided about a call.
type Verdict uint8

// Verdicts.
const (
	Link   Verdict = iota // Parent is the request that made it
	Low                   // the same, but below the least confidence; final
	Alone                 // no request is known to have made it; final
	Revoke                // an earlier Link is taken back; a better one may follow
)

// Cause is why a call has no parent.
type Cause uint8

// Causes.
const (
	NoCandidate Cause = iota // no evidence at all
	Weak                     // candidates, but none sure enough
	Conflict                 // decisive evidence contradicts itself
	Deadline                 // max_wait was over before everything was known
	Evicted                  // the window was full
	Crowded                  // there were too many candidates to look at
	Shutdown
	Causes
)

// String is the value of the attribute cause in metrics.
func (c Cause) String() string {
	return [...]string{"no_candidate", "weak", "conflict", "deadline", "evicted", "crowded", "shutdown", "unknown"}[min(c, Causes)]
}

// Decision is the outcome for one call.
type Decision struct {
	Call       *window.Node
	Parent     *window.Node // of Link and Low
	Confidence float64
	Verdict    Verdict
	Kind       window.Kind
	Cause      Cause // of Low, Alone and Revoke
}

// Solver decides for the calls of any number of processes. It has one owner.
type Solver struct {
	config Config
	decide func(Decision)
	// Rejected counts claims by the guard that they failed; Conflicts counts calls on
	// which decisive evidence disagreed; Overflow counts claims beyond what one call
	// keeps. The owner reads and resets them.
	Rejected  [Guards]int
	Conflicts int
	Overflow  int

	claims slab.Of[window.Claim]
}

// New returns a solver that hands its decisions to sink, when they are made. A call
// gets at most one Low or Alone, after which only a late Link can come.
func New(c Config, sink func(Decision)) *Solver { return &Solver{config: c, decide: sink} }

const (
	// maxClaims bounds what one call keeps, maxCandidates what is weighed.
	maxClaims, maxCandidates = 24, 8
	// usualClaims is how many most calls have at most.
	usualClaims = 2
	// counts is the least score of a claim that can confirm another one.
	counts = 0.6
	// ceiling is the most that inference can be sure of.
	ceiling = 0.9999
)

// Claim takes a claim about call. If it is decisive, the call may be decided at once,
// or a decision revoked.
func (s *Solver) Claim(call *window.Node, c window.Claim) {
	if call.Server || call.Process == nil || c.Score <= 0 || c.Parent == call || c.Sibling == call {
		return
	}
	if c.Kind < link.Kinds && s.config.Disabled[c.Kind] {
		return
	}
	if c.Parent != nil {
		if g := s.guard(call, c.Parent, c.Kind); g != Passed {
			s.Rejected[g]++
			return
		}
	}
	if s.keep(call, c) && c.Trust >= window.Decisive {
		s.reconsider(call)
	}
}

// keep reports whether the claim is new, or stronger than the same one before.
func (s *Solver) keep(call *window.Node, c window.Claim) bool {
	for i := range call.Claims {
		old := &call.Claims[i]
		if old.Kind == c.Kind && old.Parent == c.Parent && old.Sibling == c.Sibling {
			better := c.Score > old.Score || c.Trust > old.Trust
			old.Score, old.Trust = max(old.Score, c.Score), max(old.Trust, c.Trust)
			return better
		}
	}
	if n := len(call.Claims); n < maxClaims {
		if n == cap(call.Claims) {
			call.Claims = append(s.claims.Room(max(usualClaims, 2*n)), call.Claims...)
		}
		call.Claims = append(call.Claims, c)
		return true
	}
	s.Overflow++
	weakest := slices.MinFunc(call.Claims, byStrength)
	if byStrength(c, weakest) <= 0 {
		return false
	}
	call.Claims[slices.Index(call.Claims, weakest)] = c
	return true
}

// byStrength orders claims by how much they decide.
func byStrength(a, b window.Claim) int {
	return cmp.Or(cmp.Compare(a.Trust, b.Trust), cmp.Compare(a.Score, b.Score))
}

func (s *Solver) reconsider(call *window.Node) {
	var w weighing
	w.add(s, call, window.Decisive)
	best, p := w.best()
	sure := best != nil && p >= s.config.MinConfidence && !w.full
	switch {
	case call.State == window.Linked && sure && best.parent == call.Parent:
	case call.State == window.Linked:
		s.revoke(call, !sure)
		if sure {
			s.link(call, best, p)
		}
	case sure && !call.Disputed:
		s.link(call, best, p)
	}
}

// revoke takes a link back. A dispute is final.
func (s *Solver) revoke(call *window.Node, disputed bool) {
	s.Conflicts++
	call.Parent.Children--
	call.State, call.Parent, call.Disputed = window.Orphan, nil, disputed
	s.decide(Decision{Call: call, Verdict: Revoke, Cause: Conflict})
}

func (s *Solver) link(call *window.Node, c *candidate, p float64) {
	if c.trust < window.Exact || p < 1 {
		p = min(p, ceiling)
	}
	if c.certain {
		p = 1
	}
	call.State, call.Parent, call.Kind, call.Confidence = window.Linked, c.parent, c.kind, p
	c.parent.Children++
	call.Process.Resolve(call)
	s.decide(Decision{Call: call, Parent: c.parent, Kind: c.kind, Confidence: p, Verdict: Link})
}

// Below linkable the probabilities are too low: what contradicts a claim is mostly wrong itself, and
// what has only been seen a few times is mostly as good as elsewhere. Measured on the
// recordings of six sweeps and a part of one, of 168 links: 77 % claimed, 87 % right, which is a factor of two in the odds. It says no more than
// that: none of them gets a parent for it.
const linkable, shyness = 0.9, 2

// calibrated is the probability of a link that is not sure enough for a parent.
func calibrated(p float64) float64 {
	if p >= linkable {
		return p
	}
	return max(p, min(shyness*p/(1-p+shyness*p), linkable-0.001))
}

// Final decides an undecided call with all the claims that there are. cause says why
// now: NoCandidate if everything is known, Crowded if there was too much of it, else what
// cut it short.
func (s *Solver) Final(call *window.Node, cause Cause) {
	if call.State != window.Undecided {
		return
	}
	var w weighing
	w.add(s, call, window.Support)
	best, p := w.best()
	if best != nil && p >= s.config.MinConfidence && !w.full {
		s.link(call, best, p)
		return
	}
	call.State = window.Orphan
	call.Process.Resolve(call)
	d := Decision{Call: call, Verdict: Alone, Cause: cause}
	switch {
	case w.decisive > 1:
		s.Conflicts++
		d.Cause = Conflict
	case w.full:
		d.Cause = Crowded
	case best != nil && p >= 0.5:
		d.Verdict, d.Parent, d.Kind, d.Confidence, d.Cause = Low, best.parent, best.kind, calibrated(p), Weak
	case w.n > 0 && cause != Crowded:
		d.Cause = Weak
	}
	s.decide(d)
}
