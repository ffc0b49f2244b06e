package rivals_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// interleaved is what a request through two gateways with an instrumented server
// between them has to look like: service and kind, each below the one before.
var interleaved = []struct {
	service string
	kind    ptrace.SpanKind
}{
	{"gateway", ptrace.SpanKindServer},
	{"gateway", ptrace.SpanKindClient},
	{"kernel", ptrace.SpanKindServer},
	{"passer", ptrace.SpanKindServer},
	{"passer", ptrace.SpanKindClient},
	{"kernel", ptrace.SpanKindClient},
	{"gateway", ptrace.SpanKindServer},
	{"gateway", ptrace.SpanKindClient},
}

// OBI #364 and #2732: a tracer and an SDK in one program tell of each request twice,
// as siblings, in two traces, or one of the two is dropped. Here the spans of an
// SDK in the middle stand between those of the kernel.
func TestTheSpansOfAnSDKInterleaveWithThoseOfTheKernel(t *testing.T) {
	backend := rig.StartBackend(t)
	back := rig.StartPython(t, "gateway.py", "UPSTREAM="+backend.Address)
	middle := rig.StartActor(t, "instrumented", "UPSTREAM="+back.Address, "OTEL_SERVICE_NAME=kernel")
	front := rig.StartPython(t, "gateway.py", "UPSTREAM="+middle.Address)
	r := rig.Start(t, rig.Options{PIDs: []int{back.PID, middle.PID, front.PID}})
	middle.Say(t, "%s", r.OTLP)
	require.Equal(t, "ready", middle.Line(t))
	rig.Ask(t, front.Address, 1, 1, 1) // that there is an SDK is known by its first spans
	require.Eventually(t, func() bool { return len(ofSDK(r.Spans())) == 2 }, patience, tick)

	alone := rig.Measured(rig.Ask(t, front.Address, 2, 1, 100))
	require.Eventually(t, func() bool { return len(ofSDK(r.Spans())) == 202 }, patience, tick)
	together := rig.Measured(rig.Ask(t, front.Address, 3, 4, 400))
	require.Eventually(t, func() bool { return len(ofSDK(r.Spans())) == 1002 }, patience, tick)
	r.Settle(t, 0)
	spans := r.Spans()
	last := spans.Clients().Of(back.PID)
	whole := countInterleaved(last, alone, spans)
	t.Logf("whole and in order: %d of 100 one by one, %d of 400 with 4 in flight", whole, countInterleaved(last, together, spans))
	assert.Equal(t, 100, whole, "one by one:\n%s", spans.List())
	assert.GreaterOrEqual(t, countInterleaved(last, together, spans), 388, "97 % with 4 in flight")
	assert.LessOrEqual(t, len(spans.Strangers()), swapped, "below another request: %v", spans.Strangers())
}

// countInterleaved counts the requests that end in one of last and are interleaved.
func countInterleaved(last rig.Spans, only map[truth.Token]bool, all rig.Spans) int {
	n, byID := 0, all.ByID()
	for _, s := range last {
		if only[s.Token] && isInterleaved(s, byID) {
			n++
		}
	}
	return n
}

// isInterleaved reports whether last and what is above it are interleaved, in one
// trace.
func isInterleaved(last *rig.Span, byID map[pcommon.SpanID]*rig.Span) bool {
	at := last
	for i := len(interleaved) - 1; i >= 0; i-- {
		if at == nil || at.Service != interleaved[i].service || at.Kind != interleaved[i].kind || at.Trace != last.Trace {
			return false
		}
		at = byID[at.Parent]
	}
	return at == nil
}

// ofSDK are the spans without a connection.
func ofSDK(s rig.Spans) rig.Spans {
	return s.Where(func(span *rig.Span) bool { return span.Service == "passer" })
}
