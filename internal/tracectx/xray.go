package tracectx

import "strings"

// maxFields bounds the fields of X-Amzn-Trace-Id: applications may add their own.
const maxFields = 32

// extractXRay reads X-Amzn-Trace-Id: Root=1-{8 digits}-{24 digits};Parent={16
// digits};Sampled=1, in any order
// (https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader).
// A load balancer sets Root alone, which names no span, and Self, which is its
// own and no part of the trace.
func extractXRay(r *Reader) (Context, error) {
	text, err := r.one(amznTraceID)
	if err != nil {
		return Context{}, err
	}
	if strings.Count(text, ";") >= maxFields {
		return Context{}, ErrMalformed
	}
	root, ok1 := fieldOf(text, "Root")
	parent, ok2 := fieldOf(text, "Parent")
	sampled, ok3 := fieldOf(text, "Sampled")
	switch {
	case !ok1 || !ok2 || !ok3:
		return Context{}, ErrMalformed
	case root == "":
		return Context{}, ErrNone // Self alone
	}
	var c Context
	ok := len(root) == 35 && root[:2] == "1-" && root[10] == '-' &&
		decode(c.TraceID[:4], root[2:10]) && decode(c.TraceID[4:], root[11:])
	if !ok || parent != "" && (!decode(c.SpanID[:], parent) || c.SpanID == [8]byte{}) {
		return Context{}, ErrMalformed
	}
	c.setTrace(c.TraceID, root)
	c.sampled(sampled == "1")
	return c, c.check()
}

// fieldOf returns the value of a key in a list such as a=b;c=d, or nothing. It
// reports false if the key comes twice.
func fieldOf(text, key string) (value string, ok bool) {
	for field := range strings.SplitSeq(text, ";") {
		k, v, _ := strings.Cut(strings.TrimSpace(field), "=")
		if k == key && value != "" {
			return "", false
		}
		if k == key {
			value = v
		}
	}
	return value, true
}
