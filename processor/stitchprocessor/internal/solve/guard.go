package solve

import (
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/link"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// Guard is a reason why a claim cannot be true, whatever the evidence.
type Guard uint8

// Guards.
const (
	Passed   Guard = iota
	Before         // the call began before the request
	Answered       // the request had been answered before the call began
	Age            // the request had been open for too long
	Fanout         // the request has too many calls
	Trace          // both carry a trace context of one format, of different traces
	Gone           // the request has left the window
	Guards
)

// String is the value of the attribute guard in metrics.
func (g Guard) String() string {
	return [...]string{"passed", "before", "answered", "age", "fanout", "trace", "gone", "unknown"}[min(g, Guards)]
}

// guard checks whether call can belong to request by evidence of kind k.
func (s *Solver) guard(call, request *window.Node, k window.Kind) Guard {
	switch {
	case request.Process == nil:
		return Gone
	case call.Start() < request.Start():
		return Before
	case call.Start()-request.Start() > s.config.MaxAge:
		return Age
	case call.Contradicts(request) && !beginsTrace(call):
		return Trace
	case call.Start() > request.Answered() && !outlives(call, request, k):
		return Answered
	case int(request.Children) >= s.config.MaxChildren && call.Parent != request:
		return Fanout
	}
	return Passed
}

// beginsTrace reports whether a call carries a trace on that its own program began: no
// request had it. So the call may belong to one whose context was lost on the way.
func beginsTrace(call *window.Node) bool {
	for _, c := range call.Contexts() {
		if c.Caller == [8]byte{} {
			return false
		}
		for _, other := range call.Process.OfTrace(c.Trace) {
			if other.Server {
				return false
			}
		}
	}
	return true
}

// outlives reports whether evidence of kind k may name a request that had begun to
// be answered before the call began: the kind proves that the work was handed over
// before, or names the activity and the reply was still being written.
func outlives(call, request *window.Node, k window.Kind) bool {
	d := link.Describe(k)
	return d.Detached || d.Trust == window.Exact && call.Start() <= request.End
}
