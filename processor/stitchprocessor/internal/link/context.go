package link

import "github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"

// contextKind: the call carries the very trace context (trace and span id) that a
// request of the process carried, as a proxy does that forwards headers; or it names
// the caller's span of that request as the parent of its own, as formats do in which
// both ends of a call have one id (dotted ids, Pinpoint, B3 of Zipkin). An
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
	for _, c := range n.Contexts() {
		same := l.p.OfTrace(c.Trace)
		for _, other := range same[max(0, len(same)-maxSameTrace):] {
			if other.Server == n.Server {
				continue
			}
			if call, request := pair(other); names(call, request) && during(call, request) {
				l.toParent(call, request, Context)
			}
		}
	}
}

// names reports whether a context of the call leads to one of the request. A context
// that names no caller does not: every hop of a trace may have it.
func names(call, request *window.Node) bool {
	for _, c := range call.Contexts() {
		for _, r := range request.Contexts() {
			if c.Trace == r.Trace && r.Caller != [8]byte{} && (c.Caller == r.Caller || c.Above == r.Caller) {
				return true
			}
		}
	}
	return false
}

// during reports whether the call began while the request was open, up to the last
// byte of the reply.
func during(call, request *window.Node) bool {
	return request.Start() <= call.Start() && call.Start() <= request.End
}
