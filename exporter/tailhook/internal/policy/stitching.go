package policy

import (
	"math"
	"slices"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// stitches sums up what the stitch processor said about a trace's links.
type stitches struct{ methods []string }

// Words of stitches.
const (
	wordDoubt   = iota // the largest 1 - confidence, a float64
	wordRoots          // spans without a parent
	wordOrphans        // those of them that only make calls
	wordMethod         // 1 if a link was found by one of the methods
	stitchWords
)

func (*stitches) words() int { return stitchWords }

func (s *stitches) onSpan(v *view, words []uint64) {
	if v.span.ParentSpanID().IsEmpty() {
		words[wordRoots]++
		if k := v.span.Kind(); k == ptrace.SpanKindClient || k == ptrace.SpanKindProducer {
			words[wordOrphans]++
		}
	}
	a := v.span.Attributes()
	if c, ok := a.Get(evidence.KeyConfidence); ok {
		doubt := math.Float64bits(max(0, 1-c.Double()))
		words[wordDoubt] = max(words[wordDoubt], doubt)
	}
	if m, ok := a.Get(evidence.KeyMethod); ok && slices.Contains(s.methods, m.Str()) {
		words[wordMethod] = 1
	}
}

func (*stitches) merge(dst, src []uint64) {
	dst[wordDoubt] = max(dst[wordDoubt], src[wordDoubt])
	dst[wordRoots] += src[wordRoots]
	dst[wordOrphans] += src[wordOrphans]
	dst[wordMethod] |= src[wordMethod]
}

// stitching samples traces whose links are in doubt.
type stitching struct {
	words func(State) []uint64
	cfg   *StitchingConfig
}

func (s *stitching) decide(t *Trace) (verdict, error) { return sampled(s.leans(t)), nil }

func (s *stitching) leans(t *Trace) bool {
	w, c := s.words(t.State), s.cfg
	// Roots beyond the first have lost their parent as well.
	orphans := w[wordOrphans]
	if extra := w[wordRoots] - min(w[wordRoots], 1); extra > orphans {
		orphans = extra
	}
	switch {
	case w[wordMethod] != 0:
		return true
	case c.ConfidenceBelow > 0 && 1-math.Float64frombits(w[wordDoubt]) < c.ConfidenceBelow:
		return true
	default:
		return c.OrphanShare > 0 && float64(orphans) >= c.OrphanShare*float64(max(1, t.Summary.Spans))
	}
}
