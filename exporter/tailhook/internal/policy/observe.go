package policy

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// view is one span with what is above it.
type view struct {
	resource ptrace.ResourceSpans
	scope    ptrace.ScopeSpans
	span     ptrace.Span
}

// condition is a question about one resource or one span. It is used by one
// goroutine at a time; one with a memory implements forker.
type condition interface {
	// onResource is asked once per resource of a call.
	onResource(r pcommon.Resource) bool
	// onSpan is asked about each span until the answer is yes or an error.
	onSpan(v *view) (bool, error)
}

// forker makes a copy of a condition for another goroutine.
type forker interface{ fork() condition }

// measure folds numbers of spans into its words, which start at zero.
type measure interface {
	// words is how many it has.
	words() int
	// onSpan adds one span.
	onSpan(v *view, words []uint64)
	// merge adds to dst what src knows, of later spans.
	merge(dst, src []uint64)
}

// placed is a measure with the place of its words in the state.
type placed struct {
	measure
	at int
}

// Observer looks at spans for one goroutine. Resource and Scope come before the
// spans below them.
type Observer struct {
	set        *Set
	conditions []condition
	at         view
	onResource []uint64 // bits of the conditions that the resource meets
}

// NewObserver returns an observer for the set.
func (s *Set) NewObserver() *Observer {
	o := &Observer{set: s, onResource: make([]uint64, s.bitWords)}
	for _, c := range s.conditions {
		if f, ok := c.(forker); ok {
			c = f.fork()
		}
		o.conditions = append(o.conditions, c)
	}
	return o
}

// Resource begins the spans of rs.
func (o *Observer) Resource(rs ptrace.ResourceSpans) {
	o.at.resource = rs
	clear(o.onResource)
	for i, c := range o.conditions {
		if c.onResource(rs.Resource()) {
			o.onResource[i/64] |= 1 << (i % 64)
		}
	}
}

// Scope begins the spans of ss.
func (o *Observer) Scope(ss ptrace.ScopeSpans) { o.at.scope = ss }

// Span adds span to the state and summary of its trace. Start and End of the
// summary are left to Set.Time.
func (o *Observer) Span(st State, sum *Summary, span ptrace.Span) {
	s := o.set
	o.at.span = span
	sum.Spans++
	if s.traceState {
		sum.readTraceState(span)
	}
	for w := range s.bitWords {
		st[w] |= o.onResource[w] &^ st[s.bitWords+w]
	}
	for i, c := range o.conditions {
		if s.settled(st, i) {
			continue
		}
		if yes, err := c.onSpan(&o.at); err != nil {
			s.fail(st, i)
		} else if yes {
			s.meet(st, i)
		}
	}
	for i := range s.measures {
		m := &s.measures[i]
		m.onSpan(&o.at, st[m.at:m.at+m.words()])
	}
}
