package tracectx

// extractOTTracer reads ot-tracer-traceid and ot-tracer-spanid, hexadecimal numbers of
// 64 (the trace's also of 128) bits, as the basic tracers of OpenTracing write them.
func extractOTTracer(r *Reader) (Context, error) {
	trace, err := r.one(otTraceID)
	if err != nil {
		return Context{}, err
	}
	var c Context
	span, err := r.one(otSpanID)
	if err != nil || !padded(c.TraceID[:], trace) || !padded(c.SpanID[:], span) || c.SpanID == [8]byte{} {
		return Context{}, ErrMalformed
	}
	c.setTrace(c.TraceID, trace)
	c.setSpan(c.SpanID, span)
	c.sampled(isYes(r.maybe(otSampled)))
	return c, c.check()
}

// isYes reads a boolean.
func isYes(s string) bool { return s == "1" || s == "true" || s == "True" || s == "TRUE" }
