package stitchprocessor

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
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
	return recordWith(nil, p, clients, requests)
}

// recordWith is record of a program whose requests carry headers.
func recordWith(headers func(*sim.Record) string, p program, clients, requests int) (all []delivery, spans int) {
	w := sim.New(1)
	w.Agent().Headers = headers
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
				benchSpans(b, defaults(), all, spans)
			})
		}
	}
}

// BenchmarkSelfCheck measures what it costs where all calls carry a context.
func BenchmarkSelfCheck(b *testing.B) {
	all, spans := recordWith(instrumented, threadPerRequest(3), 64, 5000)
	for _, on := range []bool{false, true} {
		b.Run(fmt.Sprint(on), func(b *testing.B) {
			c := defaults()
			c.SelfCheck.Enabled = on
			benchSpans(b, c, all, spans)
		})
	}
}

func benchSpans(b *testing.B, c *Config, all []delivery, spans int) {
	b.ReportAllocs()
	var used time.Duration
	for b.Loop() {
		b.StopTimer()
		fresh := copyOf(all)
		runtime.GC()
		b.StartTimer()
		before := cpuTime()
		e := newEngine(c, func(ptrace.Traces) {})
		for _, d := range fresh {
			e.consume(d.td, d.now)
		}
		e.flush(0)
		used += cpuTime() - before
	}
	n := float64(b.N) * float64(spans)
	b.ReportMetric(float64(used.Nanoseconds())/n, "cpu-ns/span")
	b.ReportMetric(n/used.Seconds(), "spans/s/core")
}

// BenchmarkHeldByTimes measures the memory of a call that waits to be linked by times. How
// much that is depends on how many requests it may belong to.
func BenchmarkHeldByTimes(b *testing.B) {
	for _, open := range []int{1, 10, 90} {
		b.Run(fmt.Sprintf("%d requests open", open), func(b *testing.B) {
			all, spans := busyService(190, 50, open)
			c := defaults()
			c.MaxWait = time.Hour
			var before, arrived, held uint64
			waiting := 0
			for b.Loop() {
				before = heap()
				fresh := copyOf(all)
				arrived = heap()
				e := collect(c)
				for i := range fresh {
					e.consume(fresh[i].td, fresh[i].now)
				}
				clear(fresh)
				held = heap()
				waiting = e.times.waiting
				runtime.KeepAlive(e)
			}
			if waiting < spans/2 {
				b.Fatal("too few are held: ", waiting)
			}
			b.ReportMetric(float64(arrived-before)/float64(spans), "B/span-arrived")
			b.ReportMetric(float64(held-before)/float64(waiting), "B/span-held")
		})
	}
}

// busyService returns requests, each with calls one after the other, of which so many are open
// at a time, without evidence and parents.
func busyService(requests, calls, open int) (all []delivery, spans int) {
	const call = int64(time.Millisecond)
	every := int64(calls) * call / int64(open)
	for i := range requests {
		td := ptrace.NewTraces()
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", "busy")
		to := rs.ScopeSpans().AppendEmpty().Spans()
		at := second + int64(i)*every
		for k := range calls {
			plainSpan(to, ptrace.SpanKindClient, at+int64(k)*call, at+int64(k+1)*call-1)
		}
		plainSpan(to, ptrace.SpanKindServer, at, at+int64(calls)*call)
		all = append(all, delivery{td, at + int64(calls)*call})
		spans += calls
	}
	return all, spans
}

func plainSpan(to ptrace.SpanSlice, kind ptrace.SpanKind, start, end int64) {
	span := to.AppendEmpty()
	span.SetKind(kind)
	span.SetName("GET")
	span.SetSpanID(pcommon.SpanID{byte(to.Len()), byte(start), byte(start >> 8), byte(start >> 16), byte(start >> 24)})
	span.SetTraceID(pcommon.TraceID{byte(kind), byte(start)})
	span.SetStartTimestamp(pcommon.Timestamp(start))
	span.SetEndTimestamp(pcommon.Timestamp(end))
}
