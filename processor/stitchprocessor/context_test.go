package stitchprocessor

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
)

// carried is what the receiver says of headers such as "b3: x|x-request-id: y".
func carried(headers string) (found tracectx.Found) {
	options := tracectx.DefaultOptions()
	options.Custom = tracectx.CustomHeaders{TraceID: "x-acme-trace", SpanID: "x-acme-span", ParentID: "x-acme-parent"}
	tracectx.NewReader(options).Read(func(yield func(string, string) bool) {
		for line := range strings.SplitSeq(headers, "|") {
			name, value, _ := strings.Cut(line, ": ")
			if !yield(name, value) {
				return
			}
		}
	}, &found)
	return found
}

// carry puts headers on a request, which another thread moves than all others: no
// evidence but that of the headers tells where it belongs.
func carry(headers string, tid uint32) func(*evidence.Exchange) {
	return func(e *evidence.Exchange) {
		found := carried(headers)
		e.Context, e.RequestID = found.Contexts.String(), found.RequestID
		e.Request.TID, e.Response.TID = tid, tid+1
	}
}

// hop is a request of process 7, a call that it makes (of thread 30) and the server's end of that
// call in process 8, with the headers of each.
func hop(request, call string) ptrace.Traces {
	td := ptrace.NewTraces()
	meet := func(span ptrace.Span, local, peer int64) {
		for key, port := range map[string]int64{"local": local, "peer": peer} {
			span.Attributes().PutStr("network."+key+".address", "127.0.0.1")
			span.Attributes().PutInt("network."+key+".port", port)
		}
	}
	addSpan(td, 7, 1, true, carry(request, 10))
	addSpan(td, 7, 9, true, carry("", 20)) // another one at the same time
	meet(addSpan(td, 7, 2, false, carry(call, 30)), 40000, 80)
	meet(addSpan(td, 8, 3, true, func(e *evidence.Exchange) {
		carry(call, 40)(e)
		e.Request.Start, e.Request.End, e.Response.Start, e.Response.End = 2*second, 2*second, 3*second, 3*second
	}), 80, 40000)
	watermark(td, 7, 5*second)
	watermark(td, 8, 5*second)
	return td
}

func TestARequestOfAnySystemEndsInOneTree(t *testing.T) {
	const trace, span, next = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "00f067aa0ba902b8"
	const number, pinpoint = "0a0fe9d41488955146071100140705", "agent^1597822882452^2"
	proxy := func(headers string) [2]string { return [2]string{headers, headers} }
	seen := map[string]bool{}
	for name, headers := range map[string][2]string{
		"W3C through a proxy":                   proxy("traceparent: 00-" + trace + "-" + span + "-01"),
		"B3 through a proxy":                    proxy("b3: " + trace + "-" + span + "-1"),
		"B3 in several headers through a proxy": proxy("x-b3-traceid: " + trace + "|x-b3-spanid: " + span),
		"Jaeger through a proxy":                proxy("uber-trace-id: " + trace + ":" + span + ":0:1"),
		"Datadog through a proxy":               proxy("x-datadog-trace-id: 17|x-datadog-parent-id: 18"),
		"OpenTracing through a proxy":           proxy("ot-tracer-traceid: " + span + "|ot-tracer-spanid: " + span),
		"SkyWalking through a proxy":            proxy("sw8: 1-YS5iLmM=-ZC5lLmY=-3-c2hvcA==-aQ==-Lw==-cA=="),
		"SkyWalking 6 through a proxy":          proxy("sw6: 1-MS4yLjM=-NC41LjY=-0-5-2-IzE="),
		"Pinpoint names its span as the parent": {
			"pinpoint-traceid: " + pinpoint + "|pinpoint-spanid: -2|pinpoint-pspanid: 17",
			"pinpoint-traceid: " + pinpoint + "|pinpoint-spanid: 5|pinpoint-pspanid: -2",
		},
		"SOFATracer numbers its calls":   {"sofa-traceid: " + number + "|sofa-rpcid: 0.2", "sofa-traceid: " + number + "|sofa-rpcid: 0.2.1"},
		"EagleEye numbers its calls":     {"eagleeye-traceid: " + number + "|eagleeye-rpcid: 0", "eagleeye-traceid: " + number + "|eagleeye-rpcid: 0.3"},
		"a system of one's own does":     {"x-acme-trace: order-17|x-acme-span: a", "x-acme-trace: order-17|x-acme-span: b|x-acme-parent: a"},
		"X-Ray through a proxy":          proxy("x-amzn-trace-id: Root=1-5759e988-bd862e3fe1be46a994272793;Parent=" + span),
		"a load balancer's own trace id": proxy("x-amzn-trace-id: Root=1-5759e988-bd862e3fe1be46a994272793"),
		"Google through a proxy":         proxy("x-cloud-trace-context: " + trace + "/17;o=1"),
		"two at once, of which a proxy passes on one": {
			"traceparent: 00-" + trace + "-" + span + "-01|sw8: 1-YS5iLmM=-ZC5lLmY=-3-c2hvcA==-aQ==-Lw==-cA==",
			"sw8: 1-YS5iLmM=-ZC5lLmY=-3-c2hvcA==-aQ==-Lw==-cA==",
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := start(t, nil)
			p.send(hop(headers[0], headers[1]))
			time.Sleep(2 * time.Second)
			p.stop()
			found := carried(headers[0])
			first, ok := found.Contexts.First()
			require.True(t, ok, name)
			seen[first.Format.String()] = true
			spans := p.sink.spans()
			request, call, server := spans[pcommon.SpanID{1}], spans[pcommon.SpanID{2}], spans[pcommon.SpanID{3}]
			assert.Equal(t, pcommon.SpanID(first.SpanID), request.ParentSpanID(), name)
			assert.Equal(t, pcommon.SpanID{1}, call.ParentSpanID(), name)
			assert.Equal(t, pcommon.SpanID{2}, server.ParentSpanID(), name)
			assert.Equal(t, "tcp", server.Attributes().AsRaw()["stitch.method"], name)
			for id, s := range map[int]ptrace.Span{1: request, 2: call, 3: server} {
				assert.Equal(t, pcommon.TraceID(first.TraceID), s.TraceID(), "%s: %d", name, id)
				assert.NotContains(t, s.Attributes().AsRaw(), evidence.KeyContext)
			}
			method := "context"
			if first.SpanID == [8]byte{} {
				method = "request_id"
			}
			assert.Equal(t, method, call.Attributes().AsRaw()["stitch.method"], name)
			assert.NotEqual(t, request.TraceID(), spans[pcommon.SpanID{9}].TraceID(), name)
		})
	}
	assert.Len(t, seen, len(tracectx.Formats()), "no format is missing here")
}

func TestAnSDKStaysTheParentOfItsCall(t *testing.T) {
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	synctest.Test(t, func(t *testing.T) {
		p := start(t, nil)
		p.send(hop("b3: "+trace+"-00f067aa0ba902b7-1", "b3: "+trace+"-00f067aa0ba902b8-1-00f067aa0ba902b7"))
		time.Sleep(2 * time.Second)
		p.stop()
		call := p.sink.spans()[pcommon.SpanID{2}]
		assert.Equal(t, "00f067aa0ba902b8", call.ParentSpanID().String(), "Zipkin's span of the call")
		assert.EqualValues(t, 1, p.count("links", "method", "context"), "which is the request's")
	})
}

func TestRequestIDs(t *testing.T) {
	play := func(t *testing.T, call string, change func(*Config), more ...string) map[pcommon.SpanID]ptrace.Span {
		p := start(t, change)
		td := hop("x-request-id: 9f1c7a80", call)
		for i, headers := range more {
			addSpan(td, 7, byte(100+i), true, carry(headers, uint32(50+i)))
		}
		p.send(td)
		time.Sleep(2 * time.Second)
		p.stop()
		return p.sink.spans()
	}
	for name, tt := range map[string]struct {
		call   string
		change func(*Config)
		more   []string
		linked bool
	}{
		"a call with the id of a request is made for it":      {call: "x-request-id: 9f1c7a80", linked: true},
		"also if it has it under another name":                {call: "x-correlation-id: 9f1c7a80", linked: true},
		"however many other requests there are":               {call: "x-request-id: 9f1c7a80", more: []string{"x-request-id: 1", "x-request-id: 2", ""}, linked: true},
		"but not if two of them have it":                      {call: "x-request-id: 9f1c7a80", more: []string{"x-request-id: 9f1c7a80"}},
		"nor if the id is the call's own":                     {call: "x-request-id: 9f1c7a81"},
		"nor if the method is switched off":                   {call: "x-request-id: 9f1c7a80", change: func(c *Config) { c.Disable = []string{"request_id"} }},
		"contexts that are switched off leave request ids on": {call: "x-request-id: 9f1c7a80", change: func(c *Config) { c.Disable = []string{"context"} }, linked: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			call := play(t, tt.call, tt.change, tt.more...)[pcommon.SpanID{2}]
			want := pcommon.SpanID{}
			if tt.linked {
				want = pcommon.SpanID{1}
				assert.Equal(t, "request_id", call.Attributes().AsRaw()["stitch.method"], name)
				assert.InDelta(t, 0.99, call.Attributes().AsRaw()["stitch.confidence"], 0.01, name)
			}
			assert.Equal(t, want, call.ParentSpanID(), name)
		})
	}
}

// TestMalformedContextsAreNone lets spans of other agents say anything.
func TestMalformedContextsAreNone(t *testing.T) {
	for i, text := range []string{"w3c:", "x", strings.Repeat("w3c:1 ", 10_000), "sofa:\x00:::", "::::::::"} {
		td := ptrace.NewTraces()
		addSpan(td, 7, 1, true, func(e *evidence.Exchange) { e.Context, e.RequestID = text, text })
		assert.Empty(t, methods(offline(t, defaults(), []delivery{{td: td}})), fmt.Sprint(i))
	}
}
