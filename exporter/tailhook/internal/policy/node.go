package policy

import (
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor/pkg/samplingpolicy"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Trace is what a decision is made on.
type Trace struct {
	// ID is the trace id.
	ID pcommon.TraceID
	// State is what the policies know.
	State State
	// Summary is what is known besides.
	Summary *Summary
	// Now is the time of the decision.
	Now time.Time
	// Spans decodes the spans held. Called only for policies of extensions, at
	// most once each; they own the result.
	Spans func() ptrace.Traces
}

// verdict is what one policy says about a trace. The mark counts only if the
// decision is Sampled.
type verdict struct {
	decision samplingpolicy.Decision
	mark     Mark
}

// Mark tells how a trace was chosen, for the tracestate of its spans.
type Mark struct {
	// Threshold says how likely traces like it are kept.
	Threshold sampling.Threshold
	// Randomness is what the threshold was compared with, if the trace does not
	// carry it itself; else zero.
	Randomness sampling.Randomness
}

// node gives verdicts. It may be called from several goroutines at once.
type node interface {
	// decide gives the verdict on t, once per trace: it may use up budgets.
	decide(t *Trace) (verdict, error)
	// leans says what the verdict would be as far as it is known now, budgets and
	// all else that has a price aside. It changes nothing.
	leans(t *Trace) bool
}

func sampled(yes bool) verdict {
	if yes {
		return verdict{decision: samplingpolicy.Sampled} // a mark of certainty
	}
	return verdict{decision: samplingpolicy.NotSampled}
}

// refused tells the decisions that make a group say no; the inverted ones come
// only from extensions.
func refused(d samplingpolicy.Decision) bool {
	return d == samplingpolicy.NotSampled || d == samplingpolicy.InvertNotSampled //nolint:staticcheck // extensions may still use it
}

func accepted(d samplingpolicy.Decision) bool {
	return d == samplingpolicy.Sampled || d == samplingpolicy.InvertSampled //nolint:staticcheck // extensions may still use it
}

// fact is the policy that a condition is one: sampled if it was met, or with
// invert if it was not.
type fact struct {
	set    *Set
	index  int
	invert bool
}

func (f *fact) decide(t *Trace) (verdict, error) {
	if f.set.failed(t.State, f.index) {
		return verdict{}, errCondition
	}
	return sampled(f.set.met(t.State, f.index) != f.invert), nil
}

func (f *fact) leans(t *Trace) bool { return f.set.met(t.State, f.index) != f.invert }

// always samples.
type always struct{}

func (always) decide(*Trace) (verdict, error) { return sampled(true), nil }
func (always) leans(*Trace) bool              { return true }

// spanCount samples by the number of spans.
type spanCount struct{ least, most int64 }

func (s *spanCount) decide(t *Trace) (verdict, error) { return sampled(s.leans(t)), nil }

func (s *spanCount) leans(t *Trace) bool {
	n := t.Summary.Spans
	return n >= s.least && (s.most == 0 || n <= s.most)
}
