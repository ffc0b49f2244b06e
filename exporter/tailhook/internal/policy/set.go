package policy

import (
	"errors"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor/pkg/samplingpolicy"
)

var errCondition = errors.New("a condition could not be evaluated on a span")

// Set is a list of policies, ready for use by any number of goroutines.
type Set struct {
	policies   []named // those that drop first
	firstMatch bool
	traceState bool
	conditions []condition
	latencies  []latency
	measures   []placed
	bitWords   int
	words      int
}

type named struct {
	node
	name  string
	drops bool
}

// Words is the size of a State.
func (s *Set) Words() int { return s.words }

// Name returns the name of policy number i, or "" for -1.
func (s *Set) Name(i int) string {
	if i < 0 {
		return ""
	}
	return s.policies[i].name
}

// Len is the number of policies.
func (s *Set) Len() int { return len(s.policies) }

// Decision is what becomes of a trace.
type Decision struct {
	// Keep says whether the trace is sent on.
	Keep bool
	// Dropped says that a drop policy decided.
	Dropped bool
	// Policy is the number of the policy that decided, -1 if none did.
	Policy int
	// Mark of a kept trace is that of the least strict of the policies that wanted it.
	Mark Mark
	// Errors counts policies that failed.
	Errors int
}

// Decide asks all policies about t. A policy that drops wins, then one that
// samples; of several, the first in the configuration gets the credit.
func (s *Set) Decide(t *Trace) Decision {
	p := poll{mark: Mark{Threshold: sampling.NeverSampleThreshold}}
	for i := range p.first {
		p.first[i] = -1
	}
	for i := range s.policies {
		v, err := s.policies[i].decide(t)
		if err != nil {
			p.errors++
			continue
		}
		p.count(i, v)
		if v.decision == samplingpolicy.Dropped || s.firstMatch && v.decision == samplingpolicy.Sampled {
			break
		}
	}
	return p.result()
}

// poll collects verdicts: the first policy with each, by decision.
type poll struct {
	first  [samplingpolicy.InvertNotSampled + 1]int //nolint:staticcheck // extensions may still use it
	mark   Mark
	errors int
}

func (p *poll) count(i int, v verdict) {
	if v.decision < 0 || int(v.decision) >= len(p.first) {
		return
	}
	if p.first[v.decision] < 0 {
		p.first[v.decision] = i
	}
	if v.decision == samplingpolicy.Sampled && sampling.ThresholdLessThan(v.mark.Threshold, p.mark.Threshold) {
		p.mark = v.mark
	}
}

//nolint:staticcheck // extensions may still use the inverted decisions
func (p *poll) result() Decision {
	d := Decision{Policy: -1, Errors: p.errors}
	switch {
	case p.first[samplingpolicy.Dropped] >= 0:
		d.Dropped, d.Policy = true, p.first[samplingpolicy.Dropped]
	case p.first[samplingpolicy.InvertNotSampled] >= 0:
	case p.first[samplingpolicy.Sampled] >= 0:
		d.Keep, d.Policy, d.Mark = true, p.first[samplingpolicy.Sampled], p.mark
	case p.first[samplingpolicy.InvertSampled] >= 0 && p.first[samplingpolicy.NotSampled] < 0:
		d.Keep, d.Policy = true, p.first[samplingpolicy.InvertSampled]
	}
	return d
}

// Leans says whether t would be kept as far as is known now. It has no effects.
func (s *Set) Leans(t *Trace) bool {
	keep := false
	for i := range s.policies {
		p := &s.policies[i]
		switch {
		case !p.leans(t):
		case p.drops:
			return false
		default:
			keep = true
		}
	}
	return keep
}
