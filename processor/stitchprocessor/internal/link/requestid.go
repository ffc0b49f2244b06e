package link

import "github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"

// requestIDKind: the call carries the request id (X-Request-ID and the like) of a
// request of the process, and no other request has it. Programs pass it on so that
// logs can be found; they do so from wherever the call is made, which makes it an
// identity, but they may also make one up. An estimate, which certain links of calls
// with an id correct.
var requestIDKind = Kind{Name: "request_id", Class: Identity, Trust: window.Likely, Precision: 0.99}

// minRequestID is the shortest id that is taken for unique: a counter is not.
const minRequestID = 8

// sameRequestID waits until every request that was open is known: two requests with
// one id, as a caller that asks twice sends them, say nothing.
func sameRequestID(l *Linker, c *window.Node) {
	if len(c.RequestID()) < minRequestID {
		return
	}
	if with := l.p.WithID(c.RequestID()); len(with) == 1 && during(c, with[0]) {
		l.claim(c, window.Claim{
			Parent: with[0], Kind: RequestID, Score: l.trust.estimated(RequestID), Trust: requestIDKind.Trust,
		})
	}
}
