package replay

import (
	"errors"
	"fmt"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/testbed/baseline"
	"github.com/otelcol-custom/otelcol-custom/testbed/score"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// ErrNotBlind says that a linker decides otherwise when the truth is overwritten.
var ErrNotBlind = errors.New("decisions depend on the truth")

// Decision is all that a linker decides about one span.
type Decision struct {
	Span, Parent pcommon.SpanID
	Trace        pcommon.TraceID
	Method       string
	Confidence   float64
	Links        string // span links, with their attributes
	Released     int64  // in replay time, Unix ns
}

// Linker decides which span is the parent of which. The order of what Decide
// returns depends on the recording alone.
type Linker struct {
	Name   string
	Decide func(Recording) ([]Decision, error)
}

// Linkers returns the stitch processor and the rivals' rules.
func Linkers() []Linker {
	all := []Linker{{Name: "stitch", Decide: decideStitch}}
	for _, rule := range baseline.Rules() {
		decide := func(r Recording) ([]Decision, error) { return decideRule(rule, r), nil }
		all = append(all, Linker{Name: rule.Name, Decide: decide})
	}
	return all
}

func decideStitch(r Recording) ([]Decision, error) {
	released, err := r.Stitch()
	var out []Decision
	for _, td := range released {
		var spanLinks []string
		spans := score.Append(nil, td, func(_ int, span ptrace.Span) { spanLinks = append(spanLinks, links(span)) })
		for i := range spans {
			s := &spans[i]
			out = append(out, Decision{s.ID, s.Parent, s.Trace, s.Method, s.Confidence, spanLinks[i], s.Released})
		}
	}
	return out, err
}

func links(span ptrace.Span) string {
	var out strings.Builder
	for _, l := range span.Links().All() {
		fmt.Fprint(&out, l.TraceID(), l.SpanID(), l.Attributes().AsRaw())
	}
	return out.String()
}

func decideRule(rule baseline.Rule, r Recording) []Decision {
	var spans []baseline.Span
	for _, td := range r {
		spans = baseline.Append(spans, td)
	}
	out := make([]Decision, len(spans))
	for i, parent := range rule.Link(spans) {
		out[i].Span = spans[i].ID
		if parent != score.NoParent {
			out[i].Parent = spans[parent].ID
		}
	}
	return out
}

// Masked returns r with every truth value overwritten, and how many of its spans told
// one before.
func (r Recording) Masked() (masked Recording, told int, err error) {
	for _, td := range r {
		m, _, err := truth.MaskTraces(td)
		if err != nil {
			return nil, 0, err
		}
		masked = append(masked, m)
		for _, s := range score.Append(nil, td, nil) {
			if s.Token != 0 || s.Ambiguous {
				told++
			}
		}
	}
	return masked, told, nil
}

// Blindness is what came of a blind check of one linker on one recording.
type Blindness struct {
	Linker  string `json:"linker"`
	Spans   int    `json:"spans"`  // decisions compared
	Told    int    `json:"told"`   // spans that told a truth, before it was overwritten
	Differ  int    `json:"differ"` // decisions that are not the same
	Example string `json:"example,omitempty"`
}

// Check lets each linker decide on r and on r without its truth, and compares all
// that they decided, span by span. A difference is ErrNotBlind; so is a recording
// that has no truth to overwrite, since it proves nothing.
func (r Recording) Check(linkers []Linker) ([]Blindness, error) {
	masked, told, err := r.Masked()
	if err != nil {
		return nil, err
	}
	if told == 0 {
		return nil, fmt.Errorf("%w, or not: the recording holds none", ErrNotBlind)
	}
	var all []Blindness
	var errs []error
	for _, l := range linkers {
		b := Blindness{Linker: l.Name, Told: told}
		if err := b.compare(l, r, masked); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", l.Name, err))
		}
		all = append(all, b)
	}
	return all, errors.Join(errs...)
}

func (b *Blindness) compare(l Linker, original, masked Recording) error {
	want, err := l.Decide(original)
	if err != nil {
		return err
	}
	got, err := l.Decide(masked)
	if err != nil {
		return err
	}
	b.Spans = len(want)
	if len(got) != len(want) {
		b.Differ = max(len(got)-len(want), len(want)-len(got))
		return fmt.Errorf("%w: %d decisions, and %d without it", ErrNotBlind, len(want), len(got))
	}
	for i := range want {
		if got[i] != want[i] {
			b.Differ++
			b.Example = fmt.Sprintf("%+v, and without it %+v", want[i], got[i])
		}
	}
	if b.Differ > 0 {
		return fmt.Errorf("%w: %d of %d: %s", ErrNotBlind, b.Differ, b.Spans, b.Example)
	}
	return nil
}
