package policy

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// latency asks how long the trace took. As in tail_sampling it asks after each
// span, in the order of arrival: with an upper bound, a trace that was between
// the bounds at some time counts, even if it grew beyond the upper one.
type latency struct {
	index       int // of its bit in the state
	above, upTo int64
}

func (l *latency) holds(start, end pcommon.Timestamp) bool {
	ms := end.AsTime().Sub(start.AsTime()).Milliseconds()
	return ms > l.above && (l.upTo == 0 || ms <= l.upTo)
}

// Time adds start and end of one span to the summary of its trace and asks the
// latency policies. Spans come in the order of arrival.
func (s *Set) Time(st State, sum *Summary, start, end uint64) {
	if sum.Start == 0 || pcommon.Timestamp(start) < sum.Start {
		sum.Start = pcommon.Timestamp(start)
	}
	if sum.End == 0 || pcommon.Timestamp(end) > sum.End {
		sum.End = pcommon.Timestamp(end)
	}
	for i := range s.latencies {
		if l := &s.latencies[i]; !s.met(st, l.index) && l.holds(sum.Start, sum.End) {
			s.meet(st, l.index)
		}
	}
}

// Duration returns the time from the earliest start to the latest end.
func (s *Summary) Duration() time.Duration { return s.End.AsTime().Sub(s.Start.AsTime()) }
