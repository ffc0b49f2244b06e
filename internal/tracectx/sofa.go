package tracectx

import "strings"

// extractSOFA reads what SOFARPC and SOFATracer (https://github.com/sofastack/sofa-tracer)
// put on HTTP requests: SOFA-TraceId and SOFA-RpcId; the older rpc_trace_context.sofaTraceId
// and .sofaRpcId; new_rpc_trace_context, a list tcid=…&spid=…&pspid=…&sample=…, perhaps
// written as in URLs; or X-B3-* with a span id that is dotted.
//
// The id of a call is the same at both ends, and tells its parent: the second call
// made for 0.1 is 0.1.2.
func extractSOFA(r *Reader) (Context, error) {
	for _, pair := range [...][2]header{{sofaTraceID, sofaRPCID}, {sofaOldTraceID, sofaOldRPCID}} {
		trace, err := r.one(pair[0])
		if rpc, rerr := r.optional(pair[1]); err == nil && rerr == nil {
			return contextOfRPC(trace, rpc, "", true)
		}
	}
	if text, err := r.one(sofaContext); err == nil {
		return parseSOFA(text)
	}
	if span := r.maybe(b3SpanID); isDotted(span) && len(span) < 16 {
		return contextOfRPC(r.maybe(b3TraceID), span, r.maybe(b3ParentID), isYes(r.maybe(b3Sampled)))
	}
	return Context{}, r.absent(sofaTraceID, sofaOldTraceID, sofaContext)
}

// absent is ErrNone if none of these headers is there, else ErrMalformed.
func (r *Reader) absent(headers ...header) error {
	for _, h := range headers {
		if r.values[h].count > 0 {
			return ErrMalformed
		}
	}
	return ErrNone
}

// maxPairs bounds the list of new_rpc_trace_context, which has baggage, too.
const maxPairs = 64

func parseSOFA(text string) (Context, error) {
	if strings.IndexByte(text, '=') < 0 {
		text = strings.NewReplacer("%3D", "=", "%3d", "=", "%26", "&").Replace(text)
	}
	if strings.Count(text, "&") > maxPairs {
		return Context{}, ErrMalformed
	}
	var trace, span, parent string
	sampled := false
	for pair := range strings.SplitSeq(text, "&") {
		switch key, v, _ := strings.Cut(pair, "="); key {
		case "tcid":
			trace = v
		case "spid":
			span = v
		case "pspid":
			parent = v
		case "sample":
			sampled = isYes(v)
		}
	}
	return contextOfRPC(trace, span, parent, sampled)
}

// contextOfRPC takes ids of any text, of which those of calls are usually dotted.
// Without one the context names no span.
func contextOfRPC(trace, span, parent string, sampled bool) (Context, error) {
	id, ok := MapTrace(trace)
	if !ok {
		return Context{}, ErrMalformed
	}
	var c Context
	c.setTrace(id, trace)
	if span != "" && !c.setDotted(trace, span) {
		return Context{}, ErrMalformed
	}
	if c.ParentID == [8]byte{} && parent != "" {
		var above Context
		above.setDotted(trace, parent)
		c.ParentID = above.SpanID
	}
	c.sampled(sampled)
	return c, nil
}
