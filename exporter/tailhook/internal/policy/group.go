package policy

import (
	"sync"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor/pkg/samplingpolicy"
)

// and samples what all its policies want. Its mark is that of the strictest.
type and []node

func (a and) decide(t *Trace) (verdict, error) {
	out := sampled(true)
	for _, n := range a {
		v, err := n.decide(t)
		if err != nil {
			return verdict{}, err
		}
		if refused(v.decision) {
			return sampled(false), nil
		}
		if sampling.ThresholdGreater(v.mark.Threshold, out.mark.Threshold) {
			out.mark = v.mark
		}
	}
	return out, nil
}

func (a and) leans(t *Trace) bool {
	for _, n := range a {
		if !n.leans(t) {
			return false
		}
	}
	return true
}

// not turns its policy's verdict around; what is neither yes nor no stays.
type not struct{ of node }

func (n not) decide(t *Trace) (verdict, error) {
	v, err := n.of.decide(t)
	if err != nil {
		return verdict{}, err
	}
	switch v.decision {
	case samplingpolicy.Sampled:
		return sampled(false), nil
	case samplingpolicy.NotSampled:
		return sampled(true), nil
	default:
		return verdict{decision: v.decision}, nil
	}
}

func (n not) leans(t *Trace) bool { return !n.of.leans(t) }

// drop says Dropped of what all its policies want.
type drop []node

func (d drop) decide(t *Trace) (verdict, error) {
	for _, n := range d {
		v, err := n.decide(t)
		if err != nil {
			return verdict{}, err
		}
		if refused(v.decision) {
			return sampled(false), nil
		}
	}
	return verdict{decision: samplingpolicy.Dropped}, nil
}

func (d drop) leans(t *Trace) bool { return and(d).leans(t) }

// composite takes the first of its policies that wants the trace, and samples
// if that one still has spans left of this second's budget.
type composite struct {
	total int64
	subs  []composed

	mu     sync.Mutex
	second int64
	used   []int64 // of this second, by policy
}

type composed struct {
	node
	budget int64
}

func newComposite(total int64, subs []composed) *composite {
	return &composite{total: total, subs: subs, used: make([]int64, len(subs))}
}

func (c *composite) decide(t *Trace) (verdict, error) {
	for i := range c.subs {
		v, err := c.subs[i].decide(t)
		if err != nil {
			return verdict{}, err
		}
		if accepted(v.decision) {
			return sampled(c.take(i, t)), nil
		}
	}
	return sampled(false), nil
}

func (c *composite) take(i int, t *Trace) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := t.Now.Unix(); now != c.second {
		c.second = now
		clear(c.used)
	}
	after := c.used[i] + t.Summary.Spans
	if after > c.subs[i].budget || after > c.total {
		return false
	}
	c.used[i] = after
	return true
}

func (c *composite) leans(t *Trace) bool {
	for i := range c.subs {
		if c.subs[i].leans(t) {
			return true
		}
	}
	return false
}
