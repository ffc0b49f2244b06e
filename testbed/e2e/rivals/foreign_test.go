package rivals_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
)

// Zipkin's libraries give both ends of a call one span id, and tell of no process but
// its name; Jaeger's may say of no span what kind it is. Between the kernel's spans
// they stand like those of OpenTelemetry.
func TestTheSpansOfZipkinAndJaegerInterleaveWithThoseOfTheKernel(t *testing.T) {
	for _, actor := range []string{"zipkin", "jaeger"} {
		t.Run(actor, func(t *testing.T) {
			middle := rig.StartActor(t, actor, "UPSTREAM="+rig.StartDelay(t), "OTEL_SERVICE_NAME=Middle")
			front := rig.StartActor(t, actor, "UPSTREAM="+middle.Address, "OTEL_SERVICE_NAME=Front")
			r := rig.Start(t, rig.Options{PIDs: []int{middle.PID, front.PID}, Foreign: true})
			for _, p := range []*rig.Process{middle, front} {
				p.Say(t, "%s", map[string]string{"zipkin": r.Zipkin, "jaeger": r.Jaeger}[actor])
				require.Equal(t, "ready", p.Line(t))
			}
			rig.Ask(t, front.Address, 1, 1, 1) // that there are such spans is known by the first
			require.Eventually(t, func() bool { return len(r.Spans()) == 8 }, patience, tick)
			asked := rig.Measured(rig.Ask(t, front.Address, 2, 4, 200))
			require.Eventually(t, func() bool { return len(r.Spans()) == 8*201 }, patience, tick)

			spans := r.Spans()
			whole := 0
			for _, last := range spans.Of(middle.PID).Clients() {
				if asked[last.Token] && chained(last, spans) {
					whole++
				}
			}
			t.Logf("whole and in order: %d of 200 with 4 in flight", whole)
			assert.GreaterOrEqual(t, whole, 180)
			assert.LessOrEqual(t, len(spans.Strangers()), swapped, "below another request: %v", spans.Strangers())
			assert.Len(t, spans.ByID(), len(spans), "no two have one id")
		})
	}
}

// chained reports whether last is the kernel's span of the last call of a request, and
// above it are, in one trace, the kernel's and the program's spans in turn: its call,
// its request, and the same of the service before.
func chained(last *rig.Span, all rig.Spans) bool {
	byID := all.ByID()
	at := last
	for i, kernel := range []bool{true, false, false, true, true, false, false, true} {
		if at == nil || at.Trace != last.Trace || ofKernel(at) != kernel {
			return false
		}
		if request := i%4 > 1; at.Kind != ptrace.SpanKindUnspecified && request != (at.Kind == ptrace.SpanKindServer) {
			return false
		}
		at = byID[at.Parent]
	}
	return at == nil
}

// ofKernel reports whether a span has the ends of its connection.
func ofKernel(s *rig.Span) bool { return s.Text("network.peer.port") != "" }
