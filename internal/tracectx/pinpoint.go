package tracectx

import (
	"strconv"
	"strings"
)

// extractPinpoint reads Pinpoint-TraceID ({agent}^{start}^{number}), -SpanID and
// -pSpanID (https://pinpoint-apm.gitbook.io/pinpoint/want-a-quick-tour/techdetail).
// Span ids are signed decimal numbers of 64 bits; -1 is none. SpanID is the id that the callee's span
// will have, pSpanID that of the caller's.
func extractPinpoint(r *Reader) (Context, error) {
	trace, err := r.one(pinpointTraceID)
	if err != nil {
		return Context{}, err
	}
	id, ok := MapTrace(trace)
	span, hasSpan := signed(r.maybe(pinpointSpanID))
	if !ok || !hasSpan || !isPinpoint(trace) {
		return Context{}, ErrMalformed
	}
	var c Context
	c.setTrace(id, trace)
	c.setSpan(span, r.maybe(pinpointSpanID))
	c.ParentID, _ = signed(r.maybe(pinpointParentID))
	c.sampled(r.maybe(pinpointSampled) != "s0")
	return c, nil
}

// isPinpoint reports whether s has an agent, a time and a number.
func isPinpoint(s string) bool {
	agent, rest, _ := strings.Cut(s, "^")
	start, seq, _ := strings.Cut(rest, "^")
	_, isTime := decimal(start)
	_, isNumber := decimal(seq)
	return agent != "" && isTime && isNumber
}

// signed reads a span id; it reports false for none.
func signed(s string) (id [8]byte, ok bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n == -1 || n == 0 {
		return id, false
	}
	return number(uint64(n)), true
}
