package policy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

var testID = pcommon.TraceID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

func newSet(t testing.TB, opts *Options, list ...Config) *Set {
	require.NoError(t, Validate("policies", list))
	s, err := NewSet(list, componenttest.NewNopTelemetrySettings(), opts)
	require.NoError(t, err)
	return s
}

// observe shows calls of one trace to the set as the hook does: each call by an
// observer of its own, merged in order.
func observe(s *Set, calls ...ptrace.Traces) *Trace {
	st, sum := make(State, s.Words()), &Summary{}
	for _, td := range calls {
		o := s.NewObserver()
		part, seen := make(State, s.Words()), &Summary{}
		for _, rs := range td.ResourceSpans().All() {
			o.Resource(rs)
			for _, ss := range rs.ScopeSpans().All() {
				o.Scope(ss)
				for _, sp := range ss.Spans().All() {
					o.Span(part, seen, sp)
				}
			}
		}
		s.Merge(st, part)
		sum.Merge(seen)
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, sp := range ss.Spans().All() {
					s.Time(st, sum, uint64(sp.StartTimestamp()), uint64(sp.EndTimestamp()))
				}
			}
		}
		var m ptrace.ProtoMarshaler
		sum.Bytes += uint64(m.TracesSize(td))
	}
	return &Trace{ID: testID, State: st, Summary: sum, Now: time.Unix(1000, 0), Spans: func() ptrace.Traces {
		all := ptrace.NewTraces()
		for _, td := range calls {
			cp := ptrace.NewTraces()
			td.CopyTo(cp)
			cp.ResourceSpans().MoveAndAppendTo(all.ResourceSpans())
		}
		return all
	}}
}

// spansOf makes a call of one resource with a span per function.
func spansOf(fns ...func(ptrace.Span)) ptrace.Traces {
	td := ptrace.NewTraces()
	ss := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
	for _, fn := range fns {
		s := ss.Spans().AppendEmpty()
		s.SetTraceID(testID)
		fn(s)
	}
	return td
}

func text(key, value string) func(ptrace.Span) {
	return func(s ptrace.Span) { s.Attributes().PutStr(key, value) }
}

func plain(ptrace.Span) {}

func nopTelemetry() component.TelemetrySettings { return componenttest.NewNopTelemetrySettings() }

func during(start, end time.Duration) func(ptrace.Span) {
	return func(s ptrace.Span) {
		s.SetStartTimestamp(pcommon.Timestamp(time.Hour + start))
		s.SetEndTimestamp(pcommon.Timestamp(time.Hour + end))
	}
}
