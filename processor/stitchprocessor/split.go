package stitchprocessor

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	conventions "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// instance identifies a process instance: threads, goroutines and connections are
// only comparable within one.
type instance struct {
	host, created string
	pid           int64
}

// job is the spans of one process instance under one resource and scope. It owns them.
type job struct {
	instance  instance
	resource  ptrace.ResourceSpans // resource and schema URL only
	scope     ptrace.ScopeSpans    // scope and schema URL only
	spans     ptrace.SpanSlice
	watermark int64
	calls     int64 // of the host; see evidence.KeyCalls
	now       int64 // ns, when it came in
}

// The attributes of an instance, as semantic conventions name them.
const (
	keyHostID  = string(conventions.HostIDKey)
	keyPID     = string(conventions.ProcessPIDKey)
	keyCreated = string(conventions.ProcessCreationTimeKey)
	keyService = string(conventions.ServiceNameKey)
)

// split takes the spans with evidence out of td and returns them as jobs. What is
// left in td passes on. unidentified counts spans that are left because their
// resource names no process.
func split(td ptrace.Traces, now int64) (jobs []job, unidentified int) {
	td.ResourceSpans().RemoveIf(func(rs ptrace.ResourceSpans) bool {
		id, known := instanceOf(rs.Resource())
		took := false
		rs.ScopeSpans().RemoveIf(func(ss ptrace.ScopeSpans) bool {
			if !known {
				unidentified += count(ss.Spans())
				return false
			}
			j := job{instance: id, spans: ptrace.NewSpanSlice(), watermark: take(ss.Scope(), evidence.KeyWatermark), now: now}
			j.calls = take(ss.Scope(), evidence.KeyCalls)
			takeEvident(ss.Spans(), j.spans)
			if j.spans.Len() == 0 && j.watermark == 0 {
				return false
			}
			took = true
			j.resource, j.scope = heads(rs, ss)
			jobs = append(jobs, j)
			return ss.Spans().Len() == 0
		})
		return took && rs.ScopeSpans().Len() == 0
	})
	return jobs, unidentified
}

func instanceOf(r pcommon.Resource) (instance, bool) {
	pid, ok := r.Attributes().Get(keyPID)
	if !ok || pid.Type() != pcommon.ValueTypeInt || pid.Int() <= 0 {
		return instance{}, false
	}
	id := instance{pid: pid.Int()}
	if v, ok := r.Attributes().Get(keyHostID); ok {
		id.host = v.AsString()
	}
	if v, ok := r.Attributes().Get(keyCreated); ok {
		id.created = v.AsString()
	}
	return id, true
}

// evident reports whether a span carries evidence, cheaply.
func evident(span ptrace.Span) bool {
	v, ok := span.Attributes().Get(evidence.KeyRequestTID)
	return ok && v.Type() == pcommon.ValueTypeInt && uint32(v.Int()) != 0 &&
		(span.Kind() == ptrace.SpanKindServer || span.Kind() == ptrace.SpanKindClient)
}

func count(spans ptrace.SpanSlice) int {
	n := 0
	for _, span := range spans.All() {
		if evident(span) {
			n++
		}
	}
	return n
}

// takeEvident moves the spans with evidence from one slice to another.
func takeEvident(from, to ptrace.SpanSlice) {
	n := count(from)
	if n == from.Len() {
		from.MoveAndAppendTo(to)
		return
	}
	to.EnsureCapacity(n)
	from.RemoveIf(func(span ptrace.Span) bool {
		if !evident(span) {
			return false
		}
		span.MoveTo(to.AppendEmpty())
		return true
	})
}

// take takes a watermark off a scope. It is true of the order in which spans arrive here,
// and of no other one.
func take(scope pcommon.InstrumentationScope, key string) int64 {
	t := timeIn(scope, key)
	scope.Attributes().Remove(key)
	return t
}

// watermarkOf is the watermark of a scope, or 0.
func watermarkOf(scope pcommon.InstrumentationScope) int64 {
	return timeIn(scope, evidence.KeyWatermark)
}

func timeIn(scope pcommon.InstrumentationScope, key string) int64 {
	v, ok := scope.Attributes().Get(key)
	if !ok {
		return 0
	}
	return max(v.Int(), 0)
}

// heads copies the resource and the scope, without spans.
func heads(rs ptrace.ResourceSpans, ss ptrace.ScopeSpans) (ptrace.ResourceSpans, ptrace.ScopeSpans) {
	r, s := ptrace.NewResourceSpans(), ptrace.NewScopeSpans()
	rs.Resource().CopyTo(r.Resource())
	r.SetSchemaUrl(rs.SchemaUrl())
	ss.Scope().CopyTo(s.Scope())
	s.SetSchemaUrl(ss.SchemaUrl())
	return r, s
}

// shard returns which of n workers owns the instance.
func (i instance) shard(n int) int {
	h := uint64(14695981039346656037) // FNV-1a
	mix := func(b byte) { h = (h ^ uint64(b)) * 1099511628211 }
	for _, s := range [...]string{i.host, i.created} {
		for k := range len(s) {
			mix(s[k])
		}
		mix(0)
	}
	for k := 0; k < 64; k += 8 {
		mix(byte(i.pid >> k))
	}
	return int(h % uint64(n))
}
