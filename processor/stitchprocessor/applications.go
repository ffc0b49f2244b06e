package stitchprocessor

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	conventions "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/join"
)

// registry knows the processes that the kernel tells of by the names that SDKs may have
// for them. It may be used by all at once. A nil one knows nobody.
type registry struct {
	mu        sync.RWMutex
	processes map[string][]*join.Process
}

// maxNamesakes bounds the processes that one name stands for.
const maxNamesakes = 64

func newRegistry(c *Config) *registry {
	if c.disables(join.MethodApplication) {
		return nil
	}
	return &registry{processes: map[string][]*join.Process{}}
}

func (r *registry) add(names []string, p *join.Process) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		if len(r.processes[name]) < maxNamesakes {
			r.processes[name] = append(r.processes[name], p)
		}
	}
}

func (r *registry) remove(names []string, p *join.Process) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		left := slices.DeleteFunc(slices.Clone(r.processes[name]), func(other *join.Process) bool { return other == p })
		if r.processes[name] = left; len(left) == 0 {
			delete(r.processes, name)
		}
	}
}

// find returns the processes that a resource may be of, by the surest name that is
// known. The slice is nobody's to change.
func (r *registry) find(resource pcommon.Resource) []*join.Process {
	if r == nil {
		return nil
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.processes) == 0 {
		return nil
	}
	for _, name := range names(resource) {
		if found := r.processes[name]; found != nil {
			return found
		}
	}
	return nil
}

// names are what a resource calls its process, the surest one first: a pid within
// a container may be another one than the host's.
func names(resource pcommon.Resource) (out []string) {
	attrs := resource.Attributes()
	text := func(key string) string {
		v, ok := attrs.Get(key)
		if !ok {
			return ""
		}
		return v.AsString()
	}
	if pid, err := strconv.ParseInt(text(keyPID), 10, 64); err == nil {
		for _, host := range []string{text(keyHostID), text(string(conventions.HostNameKey))} {
			if host != "" {
				out = append(out, "process "+host+" "+strconv.FormatInt(pid, 10))
			}
		}
	}
	for _, key := range []string{string(conventions.ContainerIDKey), string(conventions.K8SPodUIDKey), string(conventions.ServiceNameKey)} {
		if v := text(key); v != "" {
			out = append(out, key+" "+strings.ToLower(v)) // as Zipkin's libraries do
		}
	}
	return out
}

// takeApplications takes the spans that SDKs in known processes made out of td,
// as messages. What is left in td passes on.
func takeApplications(td ptrace.Traces, known *registry, now int64) (out []message) {
	td.ResourceSpans().RemoveIf(func(rs ptrace.ResourceSpans) bool {
		of := known.find(rs.Resource())
		if of == nil {
			return false
		}
		rs.ScopeSpans().RemoveIf(func(ss ptrace.ScopeSpans) bool {
			var group *join.Group
			ss.Spans().RemoveIf(func(span ptrace.Span) bool {
				if evident(span) {
					return false
				}
				if group == nil {
					group = groupOf(heads(rs, ss))
				}
				out = append(out, message{action: actAdd, span: applicationSpan(span, group, of, now)})
				return true
			})
			return group != nil && ss.Spans().Len() == 0
		})
		return rs.ScopeSpans().Len() == 0
	})
	return out
}

func applicationSpan(span ptrace.Span, group *join.Group, of []*join.Process, now int64) *join.Span {
	data := ptrace.NewSpan()
	span.MoveTo(data)
	return &join.Span{
		Data: data, Group: group, Process: of[0], Server: data.Kind() == ptrace.SpanKindServer, App: &join.Application{Of: of}, Arrived: now,
		Start: int64(data.StartTimestamp()), End: int64(data.EndTimestamp()),
	}
}

func groupOf(rs ptrace.ResourceSpans, ss ptrace.ScopeSpans) *join.Group {
	return &join.Group{
		Resource: rs.Resource(), ResourceSchema: rs.SchemaUrl(),
		Scope: ss.Scope(), ScopeSchema: ss.SchemaUrl(),
	}
}
