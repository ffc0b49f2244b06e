package tracectx

import "strings"

// extractB3 reads b3, else the headers X-B3-*
// (https://github.com/openzipkin/b3-propagation). A decision without ids ("b3: 0")
// is no context.
func extractB3(r *Reader) (Context, error) {
	single, err := r.one(b3)
	if err == nil {
		return parseB3(single)
	}
	trace, terr := r.one(b3TraceID)
	span, serr := r.one(b3SpanID)
	switch {
	case err == ErrMalformed: //nolint:errorlint // one returns the sentinels themselves
		return Context{}, ErrMalformed
	case r.values[b3TraceID].count+r.values[b3SpanID].count == 0:
		return Context{}, ErrNone
	case terr != nil || serr != nil:
		return Context{}, ErrMalformed
	}
	state := r.maybe(b3Sampled)
	if r.maybe(b3Flags) == "1" {
		state = "d"
	}
	return contextB3(trace, span, r.maybe(b3ParentID), state)
}

// parseB3 reads {trace}-{span}[-{state}[-{parent}]], or a state alone.
func parseB3(text string) (Context, error) {
	if text == "0" || text == "1" || text == "d" {
		return Context{}, ErrNone
	}
	parts := strings.SplitN(text, "-", 5)
	if len(parts) < 2 || len(parts) > 4 {
		return Context{}, ErrMalformed
	}
	var state, parent string
	if len(parts) > 2 {
		state = parts[2]
		if state != "0" && state != "1" && state != "d" {
			return Context{}, ErrMalformed
		}
	}
	if len(parts) > 3 {
		parent = parts[3]
		if parent == "" {
			return Context{}, ErrMalformed
		}
	}
	return contextB3(parts[0], parts[1], parent, state)
}

// contextB3 takes ids of 64 bits, the trace's also of 128, in lower case. Without a
// state the decision is left to the callee.
func contextB3(trace, span, parent, state string) (Context, error) {
	var c Context
	id := c.TraceID[:]
	if len(trace) == 16 {
		id = id[8:]
	}
	if !decode(id, trace) || !decode(c.SpanID[:], span) || c.SpanID == [8]byte{} ||
		parent != "" && !decode(c.ParentID[:], parent) {
		return Context{}, ErrMalformed
	}
	c.setTrace(c.TraceID, trace)
	c.sampled(state == "1" || state == "d" || strings.EqualFold(state, "true"))
	return c, c.check()
}

// check returns ErrMalformed if c has no trace id.
func (c *Context) check() error {
	if !c.Valid() {
		return ErrMalformed
	}
	return nil
}
