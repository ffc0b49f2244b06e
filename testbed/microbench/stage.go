package microbench

// Stage is a set of benchmarks of one package.
type Stage struct {
	Name    string
	Package string // below the module's root
	Pattern string // as for go test -bench
	Time    string // as for go test -benchtime
}

// Stages returns what is measured, in the order of a request's way.
func Stages() []Stage {
	const receiver = "receiver/ebpfreceiver/internal/"
	const brief = "0.3s"
	return []Stage{
		{"hooks", receiver + "probe", "^BenchmarkCalls$", "1x"},
		{"decode", receiver + "event", "^BenchmarkDecode$", brief},
		{"shard", receiver + "shard", "^Benchmark(Inlet|Worker|Request)$/^(evidence)?$", brief},
		{"stream", receiver + "stream", "^BenchmarkSegment$", brief},
		{"conn", receiver + "conn", "^BenchmarkExchange$", brief},
		{"protocol http", receiver + "protocol/http1", "^BenchmarkExchange$", brief},
		{"protocol redis", receiver + "protocol/redis", "^BenchmarkExchange$", brief},
		{"protocol postgres", receiver + "protocol/postgres", "^BenchmarkExchange$", brief},
		{"kspan", receiver + "kspan", "^BenchmarkSpan$", brief},
		{"stitch", "processor/stitchprocessor", "^BenchmarkSpans$/^.*,_8_in_flight$", "3x"},
		{"stitch memory", "processor/stitchprocessor", "^BenchmarkOpen$/^kernel,_10000_open$", "1x"},
		{"tailhook", "exporter/tailhook", "^BenchmarkHook$", "1s"},
	}
}
