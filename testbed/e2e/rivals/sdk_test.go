package rivals_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
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

	log := rig.Ask(t, front.Address, 2, 4, 100)
	require.Eventually(t, func() bool { return len(ofSDK(r.Spans())) == 202 }, patience, tick)
	r.Settle(t, 0)
	spans := r.Spans()
	whole := 0
	byID := spans.ByID()
	only := rig.Measured(log)
	for _, last := range spans.Clients().Of(back.PID) {
		if only[last.Token] && isInterleaved(last, byID) {
			whole++
		}
	}
	assert.Equal(t, 100, len(only))
	assert.GreaterOrEqual(t, whole, 98, "whole and in order, of 100 requests:\n%s", spans.List())
	t.Logf("%d of 100 requests are whole", whole)
	assert.LessOrEqual(t, spans.LargestTrace(), len(interleaved))
	assert.Empty(t, spans.Strangers())
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
