package tracectx_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
)

// fuzz reads requests in which the values of some headers are anything, and demands
// that whatever comes out is within its bounds and survives being written down.
func fuzz(f *testing.F, names []string, seeds ...string) {
	for _, seed := range seeds {
		f.Add(seed, seed, seed)
	}
	reader := tracectx.NewReader(&tracectx.Options{
		Formats:    tracectx.Formats(),
		Custom:     tracectx.CustomHeaders{TraceID: "x-trace", SpanID: "x-span", ParentID: "x-parent"},
		RequestIDs: []string{"x-request-id"},
	})
	f.Fuzz(func(t *testing.T, a, b, c string) {
		var found tracectx.Found
		values := [...]string{a, b, c}
		var kv []string
		for i, name := range names {
			kv = append(kv, name, values[i%3])
		}
		reader.Read(headers(kv...), &found)
		require.LessOrEqual(t, len(found.RequestID), 128)
		for _, c := range found.Contexts.All() {
			require.True(t, c.Valid())
			require.LessOrEqual(t, len(c.RawTrace), 128)
			require.LessOrEqual(t, len(c.RawSpan), 128)
			require.True(t, tracectx.ValidTracestate(c.State))
		}
		text := found.Contexts.String()
		require.Less(t, len(text), 3072)
		if text == "" {
			return
		}
		var again tracectx.Contexts
		require.NoError(t, again.Parse(text), text)
		require.Equal(t, text, again.String())
	})
}

func FuzzW3C(f *testing.F) {
	fuzz(f, []string{"traceparent", "tracestate"}, good, "rojo=1 ,\t congo=2", "cc-"+trace+"-"+span+"-01-x", ",,,=")
}

func FuzzB3Single(f *testing.F) {
	fuzz(f, []string{"b3"}, b3Trace+"-"+b3Span+"-1-"+b3Parent, b3Trace[16:]+"-"+b3Span, "0", "d", "-")
}

func FuzzB3Multi(f *testing.F) {
	fuzz(f, []string{"x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled"}, b3Trace, b3Span, "0.1.2", "1")
}

func FuzzJaeger(f *testing.F) {
	fuzz(f, []string{"uber-trace-id"}, trace+":"+span+":0:1", "1%3A2%3a0%3A1", ":::")
}

func FuzzDatadog(f *testing.F) {
	fuzz(f, []string{"x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-tags"}, "11803532876627986230", "0", "_dd.p.tid="+trace[:16])
}

func FuzzXRay(f *testing.F) {
	fuzz(f, []string{"x-amzn-trace-id"}, "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", "Self=1;Root=", ";;==")
}

func FuzzGoogle(f *testing.F) {
	fuzz(f, []string{"x-cloud-trace-context"}, trace+"/1;o=1", trace, "/;")
}

func FuzzOTTracer(f *testing.F) {
	fuzz(f, []string{"ot-tracer-traceid", "ot-tracer-spanid", "ot-tracer-sampled"}, trace, span, "true")
}

func FuzzSkyWalking(f *testing.F) {
	fuzz(f, []string{"sw8", "sw6"}, "1-"+b64("a.b.c")+"-"+b64("d.e.f")+"-3-"+strings.Repeat("eA==-", 3)+"eA==", "1-MS4y-MS4z-0-5-2-IzE=", "-------")
}

func FuzzPinpoint(f *testing.F) {
	fuzz(f, []string{"pinpoint-traceid", "pinpoint-spanid", "pinpoint-pspanid"}, "node.test.app^1597822882452^2", "-1844674407370955141", "-1")
}

func FuzzSOFA(f *testing.F) {
	fuzz(f, []string{"sofa-traceid", "sofa-rpcid"}, "0a0fe9d41488955146071100140705", "0.2.1", "..")
}

func FuzzSOFATracer(f *testing.F) {
	fuzz(f, []string{"new_rpc_trace_context"}, "tcid=0a2c7e3f1533812677021100116644&spid=0&pspid=&sample=false&", "tcid%3Da%26spid%3D0.1", "&=&")
}

func FuzzEagleEye(f *testing.F) {
	fuzz(f, []string{"eagleeye-traceid", "eagleeye-rpcid"}, "0a0fe9d41488955146071100140705", "9.1.3", ".")
}

func FuzzCustom(f *testing.F) {
	fuzz(f, []string{"x-trace", "x-span", "x-parent", "x-request-id"}, trace, "4bf92f35-77b3-4da6-a3ce-929d0e0e4736", "a/b%:c")
}

func FuzzParse(f *testing.F) {
	f.Add("w3c:" + trace + ":" + span + ":01")
	f.Add("sofa:" + trace + ":" + span + ":01:" + b3Parent + ":a%3ab:0.1 b3:" + b3Trace + ":" + b3Span + ":00")
	f.Fuzz(func(t *testing.T, text string) {
		var cs tracectx.Contexts
		if cs.Parse(text) == nil {
			require.Equal(t, text, cs.String())
		}
	})
}
