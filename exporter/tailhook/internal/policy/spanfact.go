package policy

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/trace"
)

// ofSpans is a condition that resources do not meet.
type ofSpans struct{}

func (ofSpans) onResource(pcommon.Resource) bool { return false }

// status asks for spans with one of some status codes, a bit each.
type status struct {
	ofSpans
	codes uint8
}

func (s *status) onSpan(v *view) (bool, error) {
	return s.codes>>v.span.Status().Code()&1 != 0, nil
}

func statusCodes(names ...string) (set uint8, ok bool) {
	for _, n := range names {
		switch n {
		case "OK":
			set |= 1 << ptrace.StatusCodeOk
		case "ERROR":
			set |= 1 << ptrace.StatusCodeError
		case "UNSET":
			set |= 1 << ptrace.StatusCodeUnset
		default:
			return 0, false
		}
	}
	return set, true
}

// sampledFlag asks for spans whose context was sampled.
type sampledFlag struct{ ofSpans }

func (sampledFlag) onSpan(v *view) (bool, error) {
	return byte(v.span.Flags())&byte(trace.FlagsSampled) != 0, nil
}

// traceState asks for an entry of the tracestate.
type traceState struct {
	ofSpans
	key    string
	values oneOf
}

// maxEntry bounds key and value of an entry together (W3C Trace Context).
const maxEntry = 256

func newTraceState(key string, values []string) *traceState {
	set := newOneOf(values)
	for v := range set {
		if len(key)+len(v) >= maxEntry {
			delete(set, v)
		}
	}
	return &traceState{key: key, values: set}
}

func (t *traceState) onSpan(v *view) (bool, error) {
	raw := v.span.TraceState().AsRaw()
	if raw == "" {
		return false, nil
	}
	parsed, err := trace.ParseTraceState(raw)
	if err != nil {
		return false, nil
	}
	_, ok := t.values[parsed.Get(t.key)]
	return ok, nil
}
