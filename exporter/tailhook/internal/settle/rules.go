package settle

import (
	"math"
	"time"
)

// Reason is why a trace is decided when it is.
type Reason uint8

// Reasons, by how much is known of the trace.
const (
	// Settled: the stitch processor said that nothing can join the trace.
	Settled Reason = iota
	// Complete: the root and the peer of every call were seen, and nothing else came
	// for complete_wait.
	Complete
	// RootWait: decision_wait_after_root_received after the root span.
	RootWait
	// Quiet: no span for quiet_wait.
	Quiet
	// DecisionWait: decision_wait after the first span.
	DecisionWait
	// Memory: to make room, when max_bytes are nearly in use.
	Memory
	// NumTraces: to make room, when num_traces are held.
	NumTraces
	// TooLarge: the trace outgrew maximum_trace_size_bytes.
	TooLarge
	// Shutdown: the Collector stops.
	Shutdown

	reasons
)

// Reasons lists all reasons.
func Reasons() []Reason {
	all := make([]Reason, reasons)
	for i := range all {
		all[i] = Reason(i)
	}
	return all
}

// String returns the value of the reason attribute in metrics.
func (r Reason) String() string {
	return [...]string{
		"settled", "complete", "root_wait", "quiet", "decision_wait", "memory", "num_traces", "too_large", "shutdown",
	}[r]
}

// Rules are the waits. Zero turns a rule off, except Settled, where it means at
// once.
type Rules struct {
	// Settled is the wait after the word of the stitch processor, for spans of the
	// trace that are on their way by another road.
	Settled time.Duration
	// Complete is the wait after the latest span of a trace that seems complete.
	Complete time.Duration
	// AfterRoot is the wait after the root span.
	AfterRoot time.Duration
	// Quiet is the wait after the latest span, once the root has been seen.
	Quiet time.Duration
	// Wait is the longest wait, from the first span on.
	Wait time.Duration
}

// Progress is what has been seen of a trace. Times are of arrival.
type Progress struct {
	// First and Last are the times of the first and latest span.
	First, Last int64
	// Root is the time of the root span, and Settled that of the word that the
	// trace is settled; 0 if neither came.
	Root, Settled int64
	// Balance of the calls seen.
	Balance Balance
}

// complete says whether all that the trace is known to consist of is there.
func (p *Progress) complete() bool { return p.Root != 0 && p.Balance == 0 }

// Due returns when the trace is to be decided if nothing else comes, and why.
func (r *Rules) Due(p *Progress) (int64, Reason) {
	due, why := add(p.First, r.Wait), DecisionWait
	sooner := func(at int64, reason Reason) {
		if at < due {
			due, why = at, reason
		}
	}
	if p.Settled != 0 {
		sooner(add(p.Settled, r.Settled), Settled)
	}
	if p.complete() && r.Complete != 0 {
		sooner(add(p.Last, r.Complete), Complete)
	}
	if p.Root != 0 && r.AfterRoot != 0 {
		sooner(add(p.Root, r.AfterRoot), RootWait)
	}
	if p.Root != 0 && r.Quiet != 0 {
		sooner(add(p.Last, r.Quiet), Quiet)
	}
	return due, why
}

func add(t int64, d time.Duration) int64 {
	if t > math.MaxInt64-int64(d) {
		return math.MaxInt64
	}
	return t + int64(d)
}
