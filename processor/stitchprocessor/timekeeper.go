package stitchprocessor

import (
	"cmp"
	"slices"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/times"
)

// methodTimes is what stitch.method says of a link that times alone made.
const methodTimes = "times"

// timekeeper links calls by times. It has one owner and reads no clock: times are ns of
// any origin, and must not go back.
type timekeeper struct {
	config   *Config
	emit     func(ptrace.Traces)
	services map[uint64]*timedService
	held     []*timedCall // by arrival, released ones included
	waiting  int
	out      ptrace.Traces
	places   map[*timedJob]ptrace.SpanSlice // in out
	counts   timesCounts
}

// timesCounts is what happened since it was read last.
type timesCounts struct {
	links, low, deadline, full int
	causes                     [times.Causes]int
	requests, services         int
}

// timedService is one service with calls that wait.
type timedService struct {
	id     uint64
	engine *times.Engine
	latest int64 // end of a span, Unix ns
	seen   int64 // ns, when something came last
	calls  int
}

// timedCall is a held call.
type timedCall struct {
	span     ptrace.Span
	service  *timedService
	job      *timedJob // whose resource and scope it leaves under
	arrived  int64
	released bool
}

func newTimekeeper(c *Config, emit func(ptrace.Traces)) *timekeeper {
	return &timekeeper{config: c, emit: emit, services: map[uint64]*timedService{}, out: ptrace.NewTraces(), places: map[*timedJob]ptrace.SpanSlice{}}
}

// consume takes a job.
func (k *timekeeper) consume(j *timedJob) {
	s := k.service(j.service, j.now)
	all := j.requests
	for _, span := range j.calls.All() {
		c := &timedCall{span: span, service: s, job: j, arrived: j.now}
		if k.waiting >= k.config.Times.MaxSpans {
			k.counts.full++
			k.release(c)
			continue
		}
		k.waiting++
		s.calls++
		k.held = append(k.held, c)
		all = append(all, times.Span{
			Ref: c, Kind: callKind(span), Start: timeOf(span.StartTimestamp()), End: timeOf(span.EndTimestamp()),
		})
	}
	slices.SortStableFunc(all, func(a, b times.Span) int { return cmp.Compare(a.End, b.End) })
	for i := range all {
		s.latest = max(s.latest, all[i].End)
		s.engine.Add(all[i])
	}
	k.send()
}

func (k *timekeeper) service(id uint64, now int64) *timedService {
	s := k.services[id]
	if s == nil {
		if len(k.services) >= k.config.MaxProcesses {
			k.evict()
		}
		c := times.DefaultConfig()
		c.MaxWait, c.Seed = k.config.MaxWait.Nanoseconds(), k.config.Times.Seed
		c.MaxCalls = min(c.MaxCalls, k.config.Times.MaxSpans)
		s = &timedService{id: id, engine: times.New(c, k.decided)}
		k.services[id] = s
	}
	s.seen = now
	return s
}

// decided takes the decisions of the engines.
func (k *timekeeper) decided(d times.Decision) {
	c := d.Call.(*timedCall)
	if c.released {
		return // it could not wait
	}
	if d.Request == nil {
		k.counts.causes[d.Cause]++
		k.settle(c)
		return
	}
	r := d.Request.(requestRef)
	switch {
	case d.Probability >= k.config.MinConfidence:
		k.counts.links++
		c.span.SetTraceID(r.trace)
		c.span.SetParentSpanID(r.span)
		c.span.Attributes().PutStr(evidence.KeyMethod, methodTimes)
		c.span.Attributes().PutDouble(evidence.KeyConfidence, d.Probability)
	case k.config.LowConfidence == LowConfidenceLink:
		k.counts.low++
		link := c.span.Links().AppendEmpty()
		link.SetTraceID(r.trace)
		link.SetSpanID(r.span)
		link.Attributes().PutStr(evidence.KeyMethod, methodTimes)
		link.Attributes().PutDouble(evidence.KeyConfidence, d.Probability)
	default:
		k.counts.low++
	}
	k.settle(c)
}

// settle releases a call that was waiting.
func (k *timekeeper) settle(c *timedCall) {
	k.waiting--
	c.service.calls--
	k.release(c)
}

// release puts a call into the next batch.
func (k *timekeeper) release(c *timedCall) {
	c.released = true
	spans, ok := k.places[c.job]
	if !ok {
		rs := k.out.ResourceSpans().AppendEmpty()
		c.job.resource.CopyTo(rs)
		ss := rs.ScopeSpans().AppendEmpty()
		c.job.scope.CopyTo(ss)
		spans = ss.Spans()
		k.places[c.job] = spans
	}
	c.span.MoveTo(spans.AppendEmpty())
}

// send hands on what was released.
func (k *timekeeper) send() {
	if k.out.ResourceSpans().Len() > 0 {
		k.emit(k.out)
		k.out = ptrace.NewTraces()
		clear(k.places)
	}
}

// tick lets time pass. A service's own time goes on with its spans; only if none have come for
// half of max_wait it goes on with the clock, since exporters send in bursts.
func (k *timekeeper) tick(now int64) {
	wait := k.config.MaxWait.Nanoseconds()
	for len(k.held) > 0 && (k.held[0].released || k.held[0].arrived+wait <= now) {
		if c := k.held[0]; !c.released {
			k.counts.deadline++
			k.settle(c)
		}
		k.held[0] = nil
		k.held = k.held[1:]
	}
	for _, s := range k.sorted() {
		if s.calls > 0 && s.seen+wait/2 <= now {
			s.engine.Advance(s.latest + now - s.seen)
		}
		if s.calls == 0 && s.seen+processIdle <= now {
			k.drop(s)
		}
	}
	k.send()
}

// flush decides and releases everything.
func (k *timekeeper) flush() {
	for _, s := range k.sorted() {
		s.engine.Flush()
		k.drop(s)
	}
	k.send()
}

func (k *timekeeper) drop(s *timedService) {
	k.tally(s)
	delete(k.services, s.id)
}

// sorted returns the services in an order that does not change from run to run.
func (k *timekeeper) sorted() []*timedService {
	out := make([]*timedService, 0, len(k.services))
	for _, s := range k.services {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *timedService) int { return cmp.Compare(a.id, b.id) })
	return out
}

// evict forgets the service not heard of for longest.
func (k *timekeeper) evict() {
	s := slices.MinFunc(k.sorted(), func(a, b *timedService) int { return cmp.Compare(a.seen, b.seen) })
	k.counts.services++
	s.engine.Flush()
	k.drop(s)
}

func (k *timekeeper) tally(s *timedService) {
	k.counts.requests += s.engine.Counts().Requests
}

// reset returns the counts and starts anew.
func (k *timekeeper) reset() timesCounts {
	for _, s := range k.services {
		k.tally(s)
	}
	c := k.counts
	k.counts = timesCounts{}
	return c
}
