package tracectx

import (
	"encoding/binary"
	"strings"
)

// maxTags is the longest x-datadog-tags that tracers write.
const maxTags = 512

// extractDatadog reads x-datadog-trace-id and x-datadog-parent-id, which are decimal
// numbers of 64 bits. The upper half of a trace id of 128 bits is the tag _dd.p.tid, in
// hexadecimal; a malformed one is ignored.
func extractDatadog(r *Reader) (Context, error) {
	text, err := r.one(datadogTraceID)
	if err != nil {
		return Context{}, err
	}
	var c Context
	low, ok := decimal(text)
	if !ok || low == 0 {
		return Context{}, ErrMalformed
	}
	binary.BigEndian.PutUint64(c.TraceID[8:], low)
	if tags := r.maybe(datadogTags); len(tags) <= maxTags {
		decode(c.TraceID[:8], tagOf(tags, "_dd.p.tid"))
	}
	c.setTrace(c.TraceID, text)
	parent, err := r.optional(datadogParentID)
	span, ok := decimal(parent)
	if err != nil || !ok && r.values[datadogParentID].count > 0 {
		return Context{}, ErrMalformed
	}
	c.setSpan(number(span), parent)
	priority := r.maybe(datadogPriority)
	c.sampled(priority == "1" || priority == "2")
	return c, nil
}

// tagOf returns the value of a key in a list such as a=b,c=d.
func tagOf(tags, key string) string {
	for tag := range strings.SplitSeq(tags, ",") {
		if k, v, _ := strings.Cut(tag, "="); strings.TrimSpace(k) == key {
			return v
		}
	}
	return ""
}
