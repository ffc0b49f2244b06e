package policy

import (
	"math/bits"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// State is what the policies of a [Set] know about some spans of one trace: per
// condition whether it was met and whether it failed, then the words of the
// measures. All zero is the state of no spans. It has Set.Words words.
type State []uint64

// Summary is what any policy may ask about a trace. The zero value is that of
// no spans.
type Summary struct {
	// Spans counts the spans seen.
	Spans int64
	// Bytes is the size of the spans as OTLP, with a resource and scope per call.
	Bytes uint64
	// Start and End are the earliest start and latest end so far, Unix nanoseconds.
	Start, End pcommon.Timestamp

	randomness    sampling.Randomness
	hasRandomness bool // an explicit one, tracestate rv
	hasThreshold  bool // tracestate th
	randomID      bool // the id is random by its W3C flag
}

// Merge adds what other knows, of spans that came later. Start and End are
// not merged: they go span by span, through Set.Time.
func (s *Summary) Merge(other *Summary) {
	s.Spans += other.Spans
	s.Bytes += other.Bytes
	if !s.hasRandomness {
		s.randomness, s.hasRandomness = other.randomness, other.hasRandomness
	}
	s.hasThreshold = s.hasThreshold || other.hasThreshold
	s.randomID = s.randomID || other.randomID
}

// flagRandom is the random flag of W3C Trace Context level 2 among the trace
// flags, the low byte of a span's flags.
const flagRandom = 0x02

// readTraceState notes how the trace says it was sampled.
func (s *Summary) readTraceState(span ptrace.Span) {
	s.randomID = s.randomID || span.Flags()&flagRandom != 0
	raw := span.TraceState().AsRaw()
	if raw == "" || s.hasRandomness {
		return
	}
	ts, err := sampling.NewW3CTraceState(raw)
	if err != nil {
		return
	}
	ot := ts.OTelValue()
	if rv, ok := ot.RValueRandomness(); ok {
		s.randomness, s.hasRandomness = rv, true
	}
	if _, ok := ot.TValueThreshold(); ok {
		s.hasThreshold = true
	}
}

// The first words of a state are two bit sets of equal size, for the conditions
// that were met and for those that failed to evaluate. Whichever came first
// decides, so at most one of the two bits is set.

func (s *Set) met(st State, i int) bool    { return st[i/64]>>(i%64)&1 != 0 }
func (s *Set) failed(st State, i int) bool { return st[s.bitWords+i/64]>>(i%64)&1 != 0 }

func (s *Set) settled(st State, i int) bool { return s.met(st, i) || s.failed(st, i) }

func (s *Set) meet(st State, i int) {
	if !s.failed(st, i) {
		st[i/64] |= 1 << (i % 64)
	}
}

func (s *Set) fail(st State, i int) {
	if !s.met(st, i) {
		st[s.bitWords+i/64] |= 1 << (i % 64)
	}
}

// Merge adds to dst the state src of spans that came later.
func (s *Set) Merge(dst, src State) {
	w := s.bitWords
	for i := range w {
		met := src[i] &^ dst[w+i]
		failed := src[w+i] &^ dst[i]
		dst[i] |= met
		dst[w+i] |= failed
	}
	for i := range s.measures {
		m := &s.measures[i]
		m.merge(dst[m.at:m.at+m.words()], src[m.at:m.at+m.words()])
	}
}

// Failures counts the conditions that failed on the trace.
func (s *Set) Failures(st State) (n int) {
	for _, w := range st[s.bitWords : 2*s.bitWords] {
		n += bits.OnesCount64(w)
	}
	return n
}
