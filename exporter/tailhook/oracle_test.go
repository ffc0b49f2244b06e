package tailhook

import (
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// shop is a system of services that export as SDKs do: each sends the spans that
// have ended every five seconds, at a phase of its own. A request passes from
// service to service; each may ask a database, which has no tracing.
type shop struct {
	r     *rand.Rand
	start time.Time
	out   []export
}

// export is a span and the time at which it arrives.
type export struct {
	at      time.Time
	service int
	trace   int
	fill    func(ptrace.Span)
}

const (
	shopServices = 6
	shopFlush    = 5 * time.Second
)

// request makes the spans of one trace, some of which fail, and returns whether
// any does.
func (s *shop) request(trace int, begin time.Time) (failed bool) {
	v := &visit{shop: s, trace: trace, broken: -1}
	if s.r.IntN(10) == 0 {
		v.broken = s.r.IntN(8)
	}
	v.serve(0, 0, begin)
	return v.failed
}

// visit is one request on its way.
type visit struct {
	*shop
	trace  int
	spans  int // ids are given in the order of starts
	broken int // number of the span that fails
	failed bool
}

// serve is what one service does for a request. It returns when it answers.
func (v *visit) serve(service, parent int, at time.Time) time.Time {
	me := v.next()
	t := at.Add(v.pause())
	if v.r.IntN(2) == 0 {
		query, end := v.next(), t.Add(v.pause())
		v.add(query, me, service, ptrace.SpanKindClient, "SELECT", t, end)
		t = end
	}
	for callee := service + 1; callee < shopServices && callee <= service+2; callee++ {
		if v.r.IntN(2) == 0 {
			continue
		}
		call := v.next()
		end := v.serve(callee, call, t.Add(time.Millisecond)).Add(time.Millisecond)
		v.add(call, me, service, ptrace.SpanKindClient, "GET", t, end)
		t = end
	}
	end := t.Add(v.pause())
	v.add(me, parent, service, ptrace.SpanKindServer, "GET /", at, end)
	return end
}

func (v *visit) next() int {
	v.spans++
	return v.spans
}

func (v *visit) add(span, parent, service int, kind ptrace.SpanKind, name string, start, end time.Time) {
	fails := span == v.broken
	v.failed = v.failed || fails
	v.out = append(v.out, export{at: v.flush(service, end), service: service, trace: v.trace, fill: func(s ptrace.Span) {
		s.SetTraceID(id(v.trace + 1))
		s.SetSpanID(pcommon.SpanID{byte(span), byte(v.trace), byte(v.trace >> 8), byte(v.trace >> 16)})
		if parent > 0 {
			s.SetParentSpanID(pcommon.SpanID{byte(parent), byte(v.trace), byte(v.trace >> 8), byte(v.trace >> 16)})
		}
		s.SetKind(kind)
		s.SetName(name)
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(end))
		if fails {
			s.Status().SetCode(ptrace.StatusCodeError)
		}
	}})
}

// pause is mostly short.
func (s *shop) pause() time.Duration {
	return time.Duration(s.r.ExpFloat64() * float64(20*time.Millisecond))
}

// flush is when a service next exports after a time.
func (s *shop) flush(service int, after time.Time) time.Time {
	phase := time.Duration(service) * shopFlush / shopServices
	n := (after.Sub(s.start)-phase)/shopFlush + 1
	return s.start.Add(phase + n*shopFlush)
}

// arrivals are the exports, those of one service and moment in one call.
func (s *shop) arrivals() arrivals {
	sort.SliceStable(s.out, func(i, j int) bool { return s.out[i].at.Before(s.out[j].at) })
	return func(yield func(time.Duration, ptrace.Traces) bool) {
		for out := s.out; len(out) > 0; {
			at, service := out[0].at, out[0].service
			td := ptrace.NewTraces()
			rs := td.ResourceSpans().AppendEmpty()
			rs.Resource().Attributes().PutStr("service.name", string(rune('a'+service)))
			ss := rs.ScopeSpans().AppendEmpty()
			rest := slices.IndexFunc(out, func(e export) bool { return !e.at.Equal(at) || e.service != service })
			if rest < 0 {
				rest = len(out)
			}
			for _, e := range out[:rest] {
				e.fill(ss.Spans().AppendEmpty())
			}
			out = out[rest:]
			if !yield(at.Sub(s.start), td) {
				return
			}
		}
	}
}

// openShop returns a shop that has had so many requests, 50 a second, and which of
// them failed.
func openShop(requests int) (s *shop, failed map[pcommon.TraceID]bool) {
	s = &shop{r: rand.New(rand.NewPCG(1, 2)), start: time.Unix(1_700_000_000, 0)}
	failed = map[pcommon.TraceID]bool{}
	for n := range requests {
		failed[id(n+1)] = s.request(n, s.start.Add(time.Duration(n)*20*time.Millisecond))
	}
	return s, failed
}

func TestDecisionsAreThoseOfAnOracleThatSawEverySpan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const traces = 20_000
		s, failed := openShop(traces)
		j := newJury()
		r := start(t, j, func(c *Config) { c.DecisionWait, c.CompleteWait = 30*time.Second, 2*time.Second })
		j.feed(t, r.hook, s.arrivals())
		r.close()
		differ := j.differ(failed)
		assert.LessOrEqual(t, differ, traces/1000, "decisions that differ")
		early := r.count("tailhook_traces_decided", "reason", "complete")
		assert.Greater(t, early, int64(traces*8/10), "most traces leave early")
		t.Logf("%d of %d decisions differ, %d traces complete, last span to decision: p50 %v, p99 %v",
			differ, traces, early, j.quantile(0.5), j.quantile(0.99))
	})
}
