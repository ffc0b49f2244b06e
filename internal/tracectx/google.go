package tracectx

import "strings"

// extractGoogle reads X-Cloud-Trace-Context: {32 digits}[/{decimal number}][;o={options}]
// (https://cloud.google.com/trace/docs/trace-context#legacy-http-header).
func extractGoogle(r *Reader) (Context, error) {
	text, err := r.one(cloudTrace)
	if err != nil {
		return Context{}, err
	}
	text, options, _ := strings.Cut(text, ";")
	trace, span, hasSpan := strings.Cut(text, "/")
	var c Context
	if len(trace) != 32 || !padded(c.TraceID[:], trace) {
		return Context{}, ErrMalformed
	}
	c.setTrace(c.TraceID, trace)
	if hasSpan {
		n, ok := decimal(span)
		if !ok {
			return Context{}, ErrMalformed
		}
		c.setSpan(number(n), span)
	}
	c.sampled(options == "o=1" || options == "o=3")
	return c, c.check()
}
