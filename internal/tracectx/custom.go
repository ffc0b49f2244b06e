package tracectx

// extractCustom reads the headers that the configuration names. Ids may be any text:
// see MapTrace and MapSpan.
func extractCustom(r *Reader) (Context, error) {
	trace, err := r.one(customTraceID)
	if err != nil {
		return Context{}, err
	}
	id, ok := MapTrace(trace)
	if !ok {
		return Context{}, ErrMalformed
	}
	var c Context
	c.setTrace(id, trace)
	span, err := r.optional(customSpanID)
	spanID, ok := MapSpan(trace, span)
	if err != nil || !ok && r.values[customSpanID].count > 0 {
		return Context{}, ErrMalformed
	}
	c.setSpan(spanID, span)
	if parent := r.maybe(customParentID); parent != "" && c.SpanID != [8]byte{} {
		c.ParentID, _ = MapSpan(trace, parent)
	}
	c.sampled(isYes(r.maybe(customSampled)))
	return c, nil
}
