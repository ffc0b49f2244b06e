package link

import "github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"

// contextKind: the call carries the very trace context (trace and span id) that a
// request of the process carried. A proxy that forwards headers does so; an
// instrumented program puts its own span id there. The caller's own words: exact.
var contextKind = Kind{Name: "context", Class: Identity, Trust: window.Exact, Precision: 1}

// maxSameTrace bounds the nodes of one trace id that are looked at.
const maxSameTrace = 64

func contextOfRequest(l *Linker, r *window.Node) {
	forwarded(l, r, func(other *window.Node) (call, request *window.Node) { return other, r })
}

func contextOfCall(l *Linker, c *window.Node) {
	forwarded(l, c, func(other *window.Node) (call, request *window.Node) { return c, other })
}

func forwarded(l *Linker, n *window.Node, pair func(*window.Node) (call, request *window.Node)) {
	if n.Trace == [16]byte{} {
		return
	}
	same := l.p.OfTrace(n.Trace)
	for _, other := range same[max(0, len(same)-maxSameTrace):] {
		if other.Server == n.Server || other.Caller != n.Caller {
			continue
		}
		if call, request := pair(other); during(call, request) {
			l.toParent(call, request, Context)
		}
	}
}

// during reports whether the call began while the request was open, up to the last
// byte of the reply.
func during(call, request *window.Node) bool {
	return request.Start() <= call.Start() && call.Start() <= request.End
}
