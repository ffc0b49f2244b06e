// Package tree prints traces as trees for people: one line a span, indented below
// its parent, with how the link was found and how sure it is.
package tree

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// Span is one line of a tree.
type Span struct {
	ID, Parent pcommon.SpanID
	Service    string
	Kind, Name string
	Start      time.Time
	Duration   time.Duration
	Failed     bool
	Method     string  // how the parent was found; empty: it has none
	Confidence float64 // 0 to 1
	Detail     string  // path or statement

	children []*Span
}

// Trace is the spans that share a trace id.
type Trace struct {
	ID    pcommon.TraceID
	Spans []*Span
}

// Collect sorts the spans of td into traces, oldest first.
func Collect(td ptrace.Traces) []*Trace {
	byID := map[pcommon.TraceID]*Trace{}
	var out []*Trace
	for _, rs := range td.ResourceSpans().All() {
		service := "unknown"
		if v, ok := rs.Resource().Attributes().Get("service.name"); ok {
			service = v.Str()
		}
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				t := byID[s.TraceID()]
				if t == nil {
					t = &Trace{ID: s.TraceID()}
					byID[s.TraceID()] = t
					out = append(out, t)
				}
				t.Spans = append(t.Spans, newSpan(service, s))
			}
		}
	}
	for _, t := range out {
		slices.SortStableFunc(t.Spans, func(a, b *Span) int { return a.Start.Compare(b.Start) })
	}
	slices.SortStableFunc(out, func(a, b *Trace) int { return a.Spans[0].Start.Compare(b.Spans[0].Start) })
	return out
}

func newSpan(service string, s ptrace.Span) *Span {
	out := &Span{
		ID: s.SpanID(), Parent: s.ParentSpanID(), Service: service,
		Kind: strings.ToLower(s.Kind().String()), Name: s.Name(),
		Start:    s.StartTimestamp().AsTime(),
		Duration: s.EndTimestamp().AsTime().Sub(s.StartTimestamp().AsTime()),
		Failed:   s.Status().Code() == ptrace.StatusCodeError,
	}
	text := func(key string) string {
		v, ok := s.Attributes().Get(key)
		if !ok {
			return ""
		}
		return v.AsString()
	}
	out.Method = text(evidence.KeyMethod)
	if v, ok := s.Attributes().Get(evidence.KeyConfidence); ok {
		out.Confidence = v.Double()
	}
	out.Detail = cmp.Or(text("url.path"), text("db.query.text"))
	return out
}

// roots links the spans of t and returns those whose parent is not among them.
func (t *Trace) roots() []*Span {
	byID := map[pcommon.SpanID]*Span{}
	for _, s := range t.Spans {
		byID[s.ID] = s
		s.children = nil
	}
	var roots []*Span
	for _, s := range t.Spans {
		if parent := byID[s.Parent]; parent != nil && parent != s {
			parent.children = append(parent.children, s)
		} else {
			roots = append(roots, s)
		}
	}
	return roots
}

// Roots is how many spans have no parent in t: one, if t hangs together.
func (t *Trace) Roots() int { return len(t.roots()) }

// Print writes t to w.
func Print(w io.Writer, t *Trace) error {
	services := map[string]bool{}
	for _, s := range t.Spans {
		services[s.Service] = true
	}
	p := &printer{w: w}
	p.line("trace %s  %s, %s", t.ID, count(len(t.Spans), "span"), count(len(services), "service"))
	for _, root := range t.roots() {
		p.span(root, "", "")
	}
	return p.err
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) span(s *Span, first, rest string) {
	what := first + s.Service + "  " + s.Kind + " " + s.Name
	if s.Detail != "" && s.Detail != s.Name {
		what += "  " + clip(s.Detail, 40)
	}
	how := ""
	if s.Method != "" {
		how = fmt.Sprintf("  by %s, %.1f %% sure", s.Method, 100*s.Confidence)
	}
	if s.Failed {
		how += "  FAILED"
	}
	p.line("  %-72s %10s%s", what, s.Duration.Round(time.Microsecond), how)
	for i, child := range s.children {
		if i == len(s.children)-1 {
			p.span(child, rest+"└─ ", rest+"   ")
		} else {
			p.span(child, rest+"├─ ", rest+"│  ")
		}
	}
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
