package rig

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/testbed/score"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// Span is a released span.
type Span struct {
	score.Span
	Service    string
	Name       string
	Attributes map[string]any
	Status     ptrace.StatusCode
}

// Text is an attribute as text, empty if there is none.
func (s *Span) Text(key string) string {
	v, ok := s.Attributes[key]
	if !ok {
		return ""
	}
	return fmt.Sprint(v)
}

// String tells the span in one line, for failures.
func (s *Span) String() string {
	what := cmp.Or(s.Text("url.full"), s.Text("url.path")+"?"+s.Text("url.query"))
	if q := s.Text("db.query.text"); q != "" {
		what = q
	}
	return fmt.Sprintf("%s %s/%d %s %s %s, parent %s by %q", s.ID, s.Service, s.Instance.PID, s.Kind, s.Name, what, s.Parent, s.Method)
}

// Spans is a set of spans, for questions.
type Spans []*Span

// Spans returns everything that has come out of the pipeline so far.
func (r *Rig) Spans() Spans { return Read(r.Released()) }

// Read turns td into Spans, oldest first.
func Read(td ptrace.Traces) Spans {
	var out Spans
	var services []string
	for _, rs := range td.ResourceSpans().All() {
		v, _ := rs.Resource().Attributes().Get("service.name")
		for _, ss := range rs.ScopeSpans().All() {
			for range ss.Spans().Len() {
				services = append(services, v.AsString())
			}
		}
	}
	spans := score.Append(nil, td, func(at int, span ptrace.Span) {
		out = append(out, &Span{Service: services[at], Name: span.Name(), Attributes: span.Attributes().AsRaw(), Status: span.Status().Code()})
	})
	for i := range spans {
		out[i].Span = spans[i]
	}
	slices.SortStableFunc(out, func(a, b *Span) int { return cmp.Compare(a.Start, b.Start) })
	return out
}

// Where returns the spans that satisfy f.
func (s Spans) Where(f func(*Span) bool) Spans {
	var out Spans
	for _, span := range s {
		if f(span) {
			out = append(out, span)
		}
	}
	return out
}

// Of returns the spans of a process.
func (s Spans) Of(pid int) Spans {
	return s.Where(func(span *Span) bool { return span.Instance.PID == int64(pid) })
}

// Kind returns the spans of a kind.
func (s Spans) Kind(k ptrace.SpanKind) Spans {
	return s.Where(func(span *Span) bool { return span.Kind == k })
}

// Servers and Clients return those that answered requests and that made calls.
func (s Spans) Servers() Spans { return s.Kind(ptrace.SpanKindServer) }

// Clients returns the spans of calls.
func (s Spans) Clients() Spans { return s.Kind(ptrace.SpanKindClient) }

// Containing returns the spans one of whose attributes holds text.
func (s Spans) Containing(text string) Spans {
	return s.Where(func(span *Span) bool {
		for _, v := range span.Attributes {
			if str, ok := v.(string); ok && strings.Contains(str, text) {
				return true
			}
		}
		return false
	})
}

// ByID finds the spans by their ids.
func (s Spans) ByID() map[pcommon.SpanID]*Span {
	out := make(map[pcommon.SpanID]*Span, len(s))
	for _, span := range s {
		out[span.ID] = span
	}
	return out
}

// Traces groups the spans by trace.
func (s Spans) Traces() map[pcommon.TraceID]Spans {
	out := map[pcommon.TraceID]Spans{}
	for _, span := range s {
		out[span.Trace] = append(out[span.Trace], span)
	}
	return out
}

// LargestTrace is the number of spans in the largest trace.
func (s Spans) LargestTrace() int {
	largest := 0
	for _, trace := range s.Traces() {
		largest = max(largest, len(trace))
	}
	return largest
}

// Score judges the spans by their tokens. only may be nil for all.
func (s Spans) Score(only map[truth.Token]bool) *score.Result {
	spans := make([]score.Span, len(s))
	for i := range s {
		spans[i] = s[i].Span
	}
	return score.Score(spans, score.Options{Only: only})
}

// List tells the spans, one a line, for failures.
func (s Spans) List() string {
	var b strings.Builder
	for _, span := range s[:min(len(s), 40)] {
		fmt.Fprintln(&b, span)
	}
	return b.String()
}

// Sound asserts what must hold of every trace, whatever happened: ids are unique,
// parents exist unless the context came from outside, no span is its own
// ancestor, none begins before its parent, and none is a child of a request that
// had been answered when it began, unless the work had been handed over before.
func (s Spans) Sound(t testing.TB) {
	t.Helper()
	byID := s.ByID()
	assert.Len(t, byID, len(s), "span ids are unique")
	for _, span := range s {
		parent := byID[span.Parent]
		if span.Parent.IsEmpty() || parent == nil && span.Method == "context" {
			continue
		}
		if !assert.NotNil(t, parent, "the parent of %v is nowhere", span) {
			continue
		}
		assert.Equal(t, parent.Trace, span.Trace, "%v\n%v", parent, span)
		slack := int64(0)
		if parent.Instance != span.Instance {
			slack = clockSlack
		}
		assert.LessOrEqual(t, parent.Start-slack, span.Start, "child before its parent:\n%v\n%v", parent, span)
		if parent.Incoming() && !detached[span.Method] {
			assert.GreaterOrEqual(t, parent.End, span.Start, "child of an answered request:\n%v\n%v", parent, span)
		}
		assert.True(t, rooted(span, byID), "a span is its own ancestor: %v", span)
	}
}

// detached are the methods that prove that work was handed over before the reply.
var detached = map[string]bool{"clone": true, "submit": true, "isolated": true}

// clockSlack (ns) is how far the clocks of two processes may seem apart: times are
// turned into Unix time batch by batch.
const clockSlack = 1e6

func rooted(span *Span, byID map[pcommon.SpanID]*Span) bool {
	for range len(byID) {
		if span = byID[span.Parent]; span == nil {
			return true
		}
	}
	return false
}

// Only returns the tokens of the answered requests of a log that began in
// [from, to] and were answered by then (Unix ns).
func Only(log []truth.Request, from, to int64) map[truth.Token]bool {
	out := map[truth.Token]bool{}
	for _, r := range log {
		if r.Error == "" && r.Start >= from && r.End <= to {
			out[r.Token] = true
		}
	}
	return out
}

// Tokens are those of set, for messages.
func Tokens(set map[truth.Token]bool) []truth.Token { return slices.Sorted(maps.Keys(set)) }

// Strangers tells every span whose parent carries the token of another request.
func (s Spans) Strangers() []string {
	byID := s.ByID()
	var out []string
	for _, span := range s {
		if parent := byID[span.Parent]; parent != nil && parent.Token != 0 && span.Token != 0 && parent.Token != span.Token {
			out = append(out, fmt.Sprintf("%v\n  below %v", span, parent))
		}
	}
	return out
}
