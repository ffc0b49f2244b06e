package stitchprocessor

import (
	"math"
	"slices"
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	conventions "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/times"
)

// timedJob is what is linked by times of one service under one resource and scope: its
// calls without a parent, which it owns, and what there is to know of its requests.
type timedJob struct {
	service  uint64
	resource ptrace.ResourceSpans // resource and schema URL only
	scope    ptrace.ScopeSpans    // scope and schema URL only
	calls    ptrace.SpanSlice
	requests []times.Span
	now      int64 // ns, when it came in
}

// requestRef is what a call needs of its request.
type requestRef struct {
	trace pcommon.TraceID
	span  pcommon.SpanID
}

// picker takes calls without a parent out of what passes, if their service has requests.
// It is what all callers of ConsumeTraces share, and does little.
type picker struct {
	limit   int   // services
	wait    int64 // ns in which a service can show that it has requests
	exclude []string

	mu       sync.Mutex
	services map[uint64]*seenService
	evicted  int // services that made room
}

// seenService is what the picker knows of a service.
type seenService struct {
	since, last   int64 // ns
	serves, calls bool  // it has requests; it has calls without a parent
}

func newPicker(c *Config) *picker {
	return &picker{limit: c.MaxProcesses, wait: c.MaxWait.Nanoseconds(), exclude: c.Times.Exclude, services: map[uint64]*seenService{}}
}

// pick returns the calls to be linked, taken out of td, and the requests of their services.
func (p *picker) pick(td ptrace.Traces, now int64) (jobs []timedJob) {
	td.ResourceSpans().RemoveIf(func(rs ptrace.ResourceSpans) bool {
		if p.excluded(rs.Resource()) {
			return false
		}
		took := false
		id := lazyID{resource: rs.Resource()}
		rs.ScopeSpans().RemoveIf(func(ss ptrace.ScopeSpans) bool {
			if !p.concerned(ss.Spans(), &id, now) {
				return false
			}
			j := timedJob{service: id.get(), calls: ptrace.NewSpanSlice(), requests: requestsOf(ss.Spans()), now: now}
			ss.Spans().RemoveIf(func(span ptrace.Span) bool {
				if !parentless(span) {
					return false
				}
				span.MoveTo(j.calls.AppendEmpty())
				return true
			})
			j.resource, j.scope = heads(rs, ss)
			jobs = append(jobs, j)
			took = true
			return ss.Spans().Len() == 0
		})
		return took && rs.ScopeSpans().Len() == 0
	})
	return jobs
}

// excluded reports whether a service's spans are to be left alone.
func (p *picker) excluded(r pcommon.Resource) bool {
	if len(p.exclude) == 0 {
		return false
	}
	name, ok := r.Attributes().Get(string(conventions.ServiceNameKey))
	return ok && slices.Contains(p.exclude, name.AsString())
}

// giveBack puts the calls back into td.
func (j *timedJob) giveBack(td ptrace.Traces) {
	if j.calls.Len() == 0 {
		return
	}
	rs := td.ResourceSpans().AppendEmpty()
	j.resource.MoveTo(rs)
	ss := rs.ScopeSpans().AppendEmpty()
	j.scope.MoveTo(ss)
	j.calls.MoveAndAppendTo(ss.Spans())
}

// lazyID is the identity of a service, found when it is needed.
type lazyID struct {
	resource pcommon.Resource
	id       uint64
	known    bool
}

// get returns a hash of all that the resource says: what one process sends has one resource.
func (l *lazyID) get() uint64 {
	if l.known {
		return l.id
	}
	h := uint64(14695981039346656037) // FNV-1a
	mix := func(s string) {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
		h *= 1099511628211
	}
	for k, v := range l.resource.Attributes().All() {
		mix(k)
		mix(v.AsString())
	}
	l.id, l.known = h, true
	return h
}

// concerned reports whether a service has calls to be linked. One that never serves has
// none, but that shows only after a while.
func (p *picker) concerned(spans ptrace.SpanSlice, id *lazyID, now int64) bool {
	serves, calls := false, false
	for _, span := range spans.All() {
		serves = serves || span.Kind() == ptrace.SpanKindServer
		calls = calls || parentless(span)
	}
	if !serves && !calls {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.services[id.get()]
	if s == nil {
		if len(p.services) >= p.limit {
			p.evict()
		}
		s = &seenService{since: now}
		p.services[id.get()] = s
	}
	s.last, s.serves, s.calls = now, s.serves || serves, s.calls || calls
	if s.serves {
		return s.calls
	}
	return now < s.since+p.wait
}

// evict forgets the service not heard of for longest.
func (p *picker) evict() {
	oldest, last := uint64(0), int64(math.MaxInt64)
	for id, s := range p.services {
		if s.last < last || s.last == last && id < oldest {
			oldest, last = id, s.last
		}
	}
	delete(p.services, oldest)
	p.evicted++
}

// takeEvicted returns how many services made room, and resets the count.
func (p *picker) takeEvicted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.evicted
	p.evicted = 0
	return n
}

func parentless(span ptrace.Span) bool {
	return span.Kind() == ptrace.SpanKindClient && span.ParentSpanID().IsEmpty() && !evident(span)
}

func requestsOf(spans ptrace.SpanSlice) (out []times.Span) {
	for _, span := range spans.All() {
		if span.Kind() == ptrace.SpanKindServer {
			out = append(out, times.Span{
				Ref: requestRef{trace: span.TraceID(), span: span.SpanID()}, Server: true, Kind: span.Name(),
				Start: timeOf(span.StartTimestamp()), End: timeOf(span.EndTimestamp()),
			})
		}
	}
	return out
}

// timeOf is a timestamp that cannot overflow.
func timeOf(t pcommon.Timestamp) int64 { return int64(min(t, pcommon.Timestamp(maxWatermark))) }

// The attributes that may tell whom a call went to, the best first.
const (
	keyPeerService   = string(conventions.ServicePeerNameKey)
	keyServerAddress = string(conventions.ServerAddressKey)
	keyPeerAddress   = string(conventions.NetworkPeerAddressKey)
)

// callKind is what calls are alike in: whom they went to, and for what.
func callKind(span ptrace.Span) string {
	for _, key := range [...]string{"peer.service", keyPeerService, keyServerAddress, keyPeerAddress} {
		if v, ok := span.Attributes().Get(key); ok {
			return v.AsString() + " " + span.Name()
		}
	}
	return span.Name()
}
