package tracectx

import "strings"

// extractJaeger reads uber-trace-id: {trace}:{span}:{parent}:{flags}
// (https://www.jaegertracing.io/sdk-migration/#propagation-format). Zeros to the left may be
// missing, the colons may be written as in URLs, and the parent is 0 if it is not
// known.
func extractJaeger(r *Reader) (Context, error) {
	text, err := r.one(uberTraceID)
	if err != nil {
		return Context{}, err
	}
	if strings.IndexByte(text, ':') < 0 {
		text = strings.NewReplacer("%3A", ":", "%3a", ":").Replace(text)
	}
	parts := strings.SplitN(text, ":", 5)
	if len(parts) != 4 {
		return Context{}, ErrMalformed
	}
	var c Context
	var flags [1]byte
	ok := padded(c.TraceID[:], parts[0]) && padded(c.SpanID[:], parts[1]) && padded(flags[:], parts[3]) &&
		c.SpanID != [8]byte{} && (parts[2] == "" || padded(c.ParentID[:], parts[2]))
	if !ok || !c.Valid() {
		return Context{}, ErrMalformed
	}
	c.setTrace(c.TraceID, parts[0])
	c.setSpan(c.SpanID, parts[1])
	c.sampled(flags[0]&3 != 0) // sampled, or debug
	return c, nil
}
