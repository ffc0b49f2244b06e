package shard

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/http1"
)

// TestEveryContextReachesItsSpan sends requests with the headers of each system, as
// bytes, through the whole of the receiver's core.
func TestEveryContextReachesItsSpan(t *testing.T) {
	const trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	long := trace + ":" + span
	requests := []struct{ headers, context string }{
		{"Traceparent: 00-" + trace + "-" + span + "-01", "w3c:" + long + ":01"},
		{"B3: " + trace + "-" + span + "-1", "b3:" + long + ":01"},
		{"X-B3-TraceId: " + trace + "|X-B3-SpanId: " + span + "|X-B3-Sampled: 1", "b3:" + long + ":01"},
		{"Uber-Trace-Id: " + trace + "%3A" + span + "%3A0%3A1", "jaeger:" + long + ":01"},
		{"x-datadog-trace-id: 11803532876627986230|x-datadog-parent-id: 67667974448284343|x-datadog-tags: _dd.p.tid=4bf92f3577b34da6", "datadog:" + long + ":00::11803532876627986230:67667974448284343"},
		{"ot-tracer-traceid: " + trace + "|ot-tracer-spanid: " + span + "|ot-tracer-sampled: true", "ottracer:" + long + ":01"},
		{"sw8: 1-YS5iLmM=-ZC5lLmY=-3-c2hvcA==-aQ==-Lw==-cA==", "sw8:"},
		{"sw6: 1-MS4yLjM=-NC41LjY=-0-5-2-IzE=", "sw6:"},
		{"Pinpoint-TraceID: agent^1597822882452^2|Pinpoint-SpanID: -2|Pinpoint-pSpanID: 17", "pinpoint:"},
		{"SOFA-TraceId: 0a0fe9d41488955146071100140705|SOFA-RpcId: 0.2.1", "sofa:000a0fe9d41488955146071100140705:"},
		{"EagleEye-TraceId: 0a0fe9d41488955146071100140705|EagleEye-RpcId: 9.1", "eagleeye:000a0fe9d41488955146071100140705:"},
		{"X-Acme-Trace: " + trace + "|X-Acme-Span: " + span, "custom:" + long + ":00"},
		{"X-Amzn-Trace-Id: Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=" + span + ";Sampled=1", "xray:" + long + ":01::1-4bf92f35-77b34da6a3ce929d0e0e4736"},
		{"X-Cloud-Trace-Context: " + trace + "/67667974448284343;o=1", "google:" + long + ":01:::67667974448284343"},
	}
	options := tracectx.DefaultOptions()
	options.Custom = tracectx.CustomHeaders{TraceID: "x-acme-trace", SpanID: "x-acme-span"}
	run(t, func(w *world) {
		w.options.Conn.Protocols = []protocol.Protocol{http1.Protocol()}
		w.options.Conn.Parser = &protocol.Options{ContextHeaders: tracectx.NewReader(options).HeaderNames()}
		w.options.Span.Context = options
	}, func(w *world) {
		s := w.accept()
		for _, r := range requests {
			s.Read(w.thread, "GET / HTTP/1.1\r\nHost: shop\r\nX-Request-ID: 9f1c-77\r\n"+strings.ReplaceAll(r.headers, "|", "\r\n")+"\r\n\r\n")
			s.Write(w.thread, "HTTP/1.1 204 No Content\r\n\r\n")
		}
		s.Read(w.thread, "GET / HTTP/1.1\r\nB3: x\r\n\r\n")
		s.Write(w.thread, "HTTP/1.1 204 No Content\r\n\r\n")
		spans := w.flush()[0].ResourceSpans().At(0).ScopeSpans().At(0).Spans()
		require.Equal(t, len(requests)+1, spans.Len())
		seen := map[string]bool{}
		for i, r := range requests {
			sp := spans.At(i)
			var e evidence.Exchange
			require.True(t, e.Read(sp))
			assert.Equal(t, "9f1c-77", e.RequestID)
			assert.True(t, strings.HasPrefix(e.Context, r.context), "%s: %s", r.headers, e.Context)
			var contexts tracectx.Contexts
			require.NoError(t, contexts.Parse(e.Context))
			first := contexts.All()[0]
			assert.Equal(t, first.TraceID, [16]byte(sp.TraceID()))
			assert.Equal(t, first.SpanID, [8]byte(sp.ParentSpanID()))
			format, _ := sp.Attributes().Get(evidence.KeyContextFormat)
			assert.Equal(t, first.Format.String(), format.Str())
			seen[format.Str()] = true
		}
		assert.Len(t, seen, len(tracectx.Formats()), "no format is missing here")
		w.assertStats(func(s Stats) uint64 { return s.BadContexts }, 1)
	})
}
