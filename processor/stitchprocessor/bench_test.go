package stitchprocessor

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/sim"
)

// delivery is one batch of an agent, with its time.
type delivery struct {
	td  ptrace.Traces
	now int64
}

// record runs a program and keeps what the agent delivers.
func record(p program, clients, requests int) (all []delivery, spans int) {
	w := sim.New(1)
	load := &sim.Load{World: w, Target: p(w), Clients: clients, Requests: requests, Think: time.Millisecond}
	w.Agent().Deliver = func(td ptrace.Traces) {
		all = append(all, delivery{td, w.Now()})
		spans += td.SpanCount()
	}
	load.Start()
	for load.Done < requests {
		w.Run(time.Second)
	}
	w.Run(time.Second)
	w.Close()
	return all, spans
}

func copyOf(all []delivery) []delivery {
	out := make([]delivery, len(all))
	for i, d := range all {
		out[i] = delivery{ptrace.NewTraces(), d.now}
		d.td.CopyTo(out[i].td)
	}
	return out
}

// BenchmarkSpans measures the whole way of a span: evidence, window, claims, decision,
// trace, release. One goroutine does it all here, so ns/span is the cost on one core.
func BenchmarkSpans(b *testing.B) {
	for _, bb := range []struct {
		name    string
		program program
	}{
		{"thread per request", threadPerRequest(3)},
		{"waiting pool", waitingPool},
		{"proxy", proxy},
		{"loop with lag", sequential(2, true)},
		{"Go", goDirect(2, false)},
		{"tiers", tiers(false)},
	} {
		for _, clients := range []int{8, 256} {
			b.Run(fmt.Sprintf("%s, %d in flight", bb.name, clients), func(b *testing.B) {
				all, spans := record(bb.program, clients, 5000)
				b.ReportAllocs()
				var used time.Duration
				for b.Loop() {
					b.StopTimer()
					fresh := copyOf(all)
					runtime.GC()
					b.StartTimer()
					before := cpuTime()
					e := newEngine(defaults(), func(ptrace.Traces) {})
					for _, d := range fresh {
						e.consume(d.td, d.now)
					}
					e.flush(0)
					used += cpuTime() - before
				}
				n := float64(b.N) * float64(spans)
				b.ReportMetric(float64(used.Nanoseconds())/n, "cpu-ns/span")
				b.ReportMetric(n/used.Seconds(), "spans/s/core")
			})
		}
	}
}
