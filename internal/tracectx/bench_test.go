package tracectx_test

import (
	"testing"

	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
)

func BenchmarkRead(b *testing.B) {
	plain := []string{"host", "shop.example", "accept", "*/*", "user-agent", "curl", "cookie", "a=b"}
	for name, kv := range map[string][]string{
		"no context":   nil,
		"w3c":          {"traceparent", good},
		"b3 multi":     {"x-b3-traceid", b3Trace, "x-b3-spanid", b3Span, "x-b3-sampled", "1"},
		"sw8":          {"sw8", "1-" + b64("a12ff60b5807463899fa151fba6ce5ee.35.16057737735330015") + "-" + b64("a12ff60b5807463899fa151fba6ce5ee.36.16057737735330014") + "-3-eA==-eA==-eA==-eA=="},
		"sofa":         {"sofa-traceid", "0a0fe9d41488955146071100140705", "sofa-rpcid", "0.2.1"},
		"three of one": {"traceparent", good, "x-amzn-trace-id", "Root=1-67891233-abcdef012345678912345678", "b3", b3Trace + "-" + b3Span, "x-request-id", "4bf92f35-77b3-4da6"},
	} {
		b.Run(name, func(b *testing.B) {
			r := tracectx.NewReader(nil)
			request := headers(append(plain[:len(plain):len(plain)], kv...)...)
			var found tracectx.Found
			b.ReportAllocs()
			for b.Loop() {
				r.Read(request, &found)
			}
			if (found.Contexts.Len() == 0) != (kv == nil) {
				b.Fatal("not read")
			}
		})
	}
}

func BenchmarkText(b *testing.B) {
	found := read("traceparent", good, "eagleeye-traceid", "0a0fe9d41488955146071100140705", "eagleeye-rpcid", "0.2.1")
	text := found.Contexts.String()
	b.ReportAllocs()
	for b.Loop() {
		var cs tracectx.Contexts
		if cs.Parse(text) != nil || cs.String() != text {
			b.Fatal("not the same")
		}
	}
}
