package stitchprocessor

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// source makes the spans of an endless load, a batch at a time.
type source struct {
	batch func(s *source, td ptrace.Traces) // appends one, and moves now
	now   int64
	id    uint64
}

func (s *source) next() ptrace.Traces {
	td := ptrace.NewTraces()
	s.batch(s, td)
	return td
}

// span appends a span of its own trace to a slice.
func (s *source) span(to ptrace.SpanSlice, kind ptrace.SpanKind, start, end int64) ptrace.Span {
	s.id++
	span := to.AppendEmpty()
	var trace pcommon.TraceID
	binary.BigEndian.PutUint64(trace[:], s.id)
	span.SetTraceID(trace)
	span.SetSpanID(pcommon.SpanID(trace[:8]))
	span.SetKind(kind)
	span.SetName("GET /orders/{id}")
	span.SetStartTimestamp(pcommon.Timestamp(start))
	span.SetEndTimestamp(pcommon.Timestamp(end))
	at := span.Attributes()
	at.PutStr("http.request.method", "GET")
	at.PutStr("url.path", "/orders/17")
	at.PutInt("http.response.status_code", 200)
	return span
}

func scopeFor(td ptrace.Traces, service string, pid int) ptrace.ScopeSpans {
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", service)
	rs.Resource().Attributes().PutStr("host.id", "f00dcafe")
	rs.Resource().Attributes().PutInt("process.pid", int64(pid))
	return rs.ScopeSpans().AppendEmpty()
}

const (
	benchThreads = 100
	benchBatch   = 1 // requests of each thread in a batch
)

// kernelSpans are those of a program with a thread per request, which makes a call for
// each: 200,000 spans a second.
func kernelSpans(s *source, td ptrace.Traces) {
	scope := scopeFor(td, "shop", 7)
	for range benchBatch {
		for tid := range uint32(benchThreads) {
			io := uint32(s.now/int64(time.Millisecond)) * 4
			at := func(n int64) int64 { return s.now + n*100_000 + int64(tid)*1000 }
			kernelSpan(s, scope, ptrace.SpanKindClient, tid, io+1, at(2), at(7))
			kernelSpan(s, scope, ptrace.SpanKindServer, tid, io, at(1), at(8))
		}
		s.now += int64(time.Millisecond)
	}
	scope.Scope().Attributes().PutInt(evidence.KeyWatermark, s.now)
}

// kernelSpan is an exchange of a thread: a call is written and read right after one another, a
// request has the I/O of a call between.
func kernelSpan(s *source, to ptrace.ScopeSpans, kind ptrace.SpanKind, tid, io uint32, start, end int64) {
	span := s.span(to.Spans(), kind, start, end)
	e := evidence.Exchange{ConnID: uint64(tid), Ordinal: io}
	local, peer, last := int64(8080), int64(40000+tid), io+3
	if kind == ptrace.SpanKindClient {
		local, peer, last = int64(50000+tid), 5432, io+1
	}
	e.Request = evidence.Message{End: start, Point: evidence.Point{TID: tid + 1, IO: io + 4}, Seq: io * 100, Len: 100}
	e.Response = evidence.Message{Start: end - 1000, Point: evidence.Point{TID: tid + 1, IO: last + 4}, Seq: io * 500, Len: 500}
	e.Put(span)
	at := span.Attributes()
	at.PutStr("network.local.address", "10.0.0.1")
	at.PutInt("network.local.port", local)
	at.PutStr("network.peer.address", netip.AddrFrom4([4]byte{10, 0, 1, byte(tid)}).String())
	at.PutInt("network.peer.port", peer)
}

// plainSpans are those of so many services without evidence. Each has a hundred requests a second,
// which take a second and make a call each.
func plainSpans(services int) func(*source, ptrace.Traces) {
	return func(s *source, td ptrace.Traces) {
		for i := range services {
			scope := scopeFor(td, fmt.Sprint("shop", i), 0)
			call := s.span(scope.Spans(), ptrace.SpanKindClient, s.now-int64(700*time.Millisecond)+int64(i)*1000, s.now)
			call.Attributes().PutStr("server.address", "db")
			s.span(scope.Spans(), ptrace.SpanKindServer, s.now-int64(time.Second), s.now)
		}
		s.now += 10 * int64(time.Millisecond)
	}
}

// maxDecided is of how many plain spans the decisions are measured: those take some 0.4 ms each, however
// many services there are.
const maxDecided = 10_000

// BenchmarkOpen measures the life of spans of which so many are open at a time: they come, are
// decided on, and all leave at the end. cpu-ns/span is what that costs on one core, with what the
// garbage collector does meanwhile, B/span what is held beside the span itself when all are open.
// Of plain spans the calls are held, the requests pass; of many only the coming is measured.
func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("kernel, %d open", n), func(b *testing.B) {
			c := defaults()
			c.MaxSpans, c.SettleDelay, c.MaxWait = n, time.Hour, time.Hour
			benchOpen(b, c, n, kernelSpans, true)
		})
		b.Run(fmt.Sprintf("plain, %d open", n), func(b *testing.B) {
			c := defaults()
			c.Times.MaxSpans, c.MaxProcesses, c.MaxWait = n, n/openPerService, time.Hour
			benchOpen(b, c, n, plainSpans(n/openPerService), n <= maxDecided)
		})
	}
}

const (
	openPerService = 100
	// benchEpoch is when the load begins, Unix ns.
	benchEpoch = int64(1_700_000_000e9)
)

// life is what was measured of spans.
type life struct {
	cpu                    time.Duration
	spans, open            int
	before, arrived, state uint64 // bytes on the heap: without spans, with them, with what holds them
}

func benchOpen(b *testing.B, c *Config, n int, batch func(*source, ptrace.Traces), leave bool) {
	var l life
	for b.Loop() {
		l.live(c, n, batch, leave)
		if l.open != n {
			b.Fatalf("%d spans are open, not %d", l.open, n)
		}
	}
	b.ReportMetric(float64(l.cpu.Nanoseconds())/float64(l.spans), "cpu-ns/span")
	b.ReportMetric(float64(l.spans)/l.cpu.Seconds(), "spans/s/core")
	b.ReportMetric((float64(l.state)-float64(l.arrived))/float64(n), "B/span")
	b.ReportMetric(float64(l.arrived-l.before)/float64(n), "B/span-arrived")
}

// live lets the spans come, until so many are open, and leave if they shall.
func (l *life) live(c *Config, n int, batch func(*source, ptrace.Traces), leave bool) {
	from := &source{batch: batch, now: benchEpoch}
	l.before = heap()
	var fresh []ptrace.Traces
	for open := 0; open < n; {
		td := from.next()
		fresh = append(fresh, td)
		l.spans += td.SpanCount()
		open += held(td)
	}
	l.arrived = heap()
	e := newEngine(c, func(ptrace.Traces) {})
	for i, td := range fresh {
		began := cpuTime()
		e.consume(td, int64(i)*int64(time.Millisecond))
		l.cpu += cpuTime() - began
		fresh[i] = ptrace.Traces{}
	}
	l.open, l.state = e.held(), heap()
	began := cpuTime()
	if leave {
		e.flush(from.now)
	}
	l.cpu += cpuTime() - began
	runtime.KeepAlive(e)
}

// held is how many spans of a batch are held: requests without evidence pass.
func held(td ptrace.Traces) int {
	n := 0
	for _, rs := range td.ResourceSpans().All() {
		for _, span := range rs.ScopeSpans().At(0).Spans().All() {
			if evident(span) || parentless(span) {
				n++
			}
		}
	}
	return n
}

// heap is how many bytes are in use, after a collection.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
