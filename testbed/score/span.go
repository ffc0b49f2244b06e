package score

import (
	"net/netip"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// KeyReleased is the resource attribute in which whoever records released spans
// notes when they came: Unix ns. It is optional.
const KeyReleased = "testbed.released"

// Instance is one life of a process on a host.
type Instance struct {
	Host    string // host.id
	PID     int64  // process.pid
	Created string // process.creation.time
}

// Span is what scoring needs to know of a span.
type Span struct {
	Trace         pcommon.TraceID
	ID, Parent    pcommon.SpanID
	Kind          ptrace.SpanKind
	Start, End    int64 // Unix ns
	Instance      Instance
	Local, Peer   netip.AddrPort
	Token         truth.Token    // zero: none
	Ambiguous     bool           // several tokens: not judged
	Candidate     pcommon.SpanID // of a span link: not sure enough for a parent
	Method        string         // of the parent or the candidate
	Confidence    float64
	HasConfidence bool
	Released      int64 // Unix ns, 0: not known
}

// Incoming reports whether s is the receiving end of a request or message.
func (s *Span) Incoming() bool {
	return s.Kind == ptrace.SpanKindServer || s.Kind == ptrace.SpanKindConsumer
}

// Outgoing reports whether s is the sending end of a request or message.
func (s *Span) Outgoing() bool {
	return s.Kind == ptrace.SpanKindClient || s.Kind == ptrace.SpanKindProducer
}

// Measured returns the tokens of answered requests that are not of the warm-up,
// for Options.Only.
func Measured(log []truth.Request) map[truth.Token]bool { return answered(log, truth.PhaseRun) }

// WarmUp returns the tokens of answered requests of the warm-up, for Options.Only.
func WarmUp(log []truth.Request) map[truth.Token]bool { return answered(log, truth.PhaseWarm) }

func answered(log []truth.Request, phase string) map[truth.Token]bool {
	out := map[truth.Token]bool{}
	for _, r := range log {
		if r.Phase == phase && r.Error == "" {
			out[r.Token] = true
		}
	}
	return out
}

// Append appends the spans of td to spans and calls each, if not nil, with the
// place of every one of them.
func Append(spans []Span, td ptrace.Traces, each func(at int, span ptrace.Span)) []Span {
	for _, rs := range td.ResourceSpans().All() {
		base := resource(rs.Resource().Attributes())
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				s := base
				s.read(span)
				spans = append(spans, s)
				if each != nil {
					each(len(spans)-1, span)
				}
			}
		}
	}
	return spans
}

func resource(a pcommon.Map) Span {
	var s Span
	if v, ok := a.Get("host.id"); ok {
		s.Instance.Host = v.AsString()
	}
	if v, ok := a.Get("process.pid"); ok {
		s.Instance.PID = v.Int()
	}
	if v, ok := a.Get("process.creation.time"); ok {
		s.Instance.Created = v.AsString()
	}
	if v, ok := a.Get(KeyReleased); ok {
		s.Released = v.Int()
	}
	return s
}

func (s *Span) read(span ptrace.Span) {
	s.Trace, s.ID, s.Parent, s.Kind = span.TraceID(), span.SpanID(), span.ParentSpanID(), span.Kind()
	s.Start, s.End = int64(span.StartTimestamp()), int64(span.EndTimestamp())
	var err error
	s.Token, err = truth.OfSpan(span)
	s.Ambiguous = err != nil
	a := span.Attributes()
	s.Local, s.Peer = address(a, "network.local."), address(a, "network.peer.")
	s.claim(a)
	if !s.Parent.IsEmpty() {
		return
	}
	for _, l := range span.Links().All() {
		if s.claim(l.Attributes()) {
			s.Candidate = l.SpanID()
			return
		}
	}
}

// claim reads how a parent was found, and reports whether a says so.
func (s *Span) claim(a pcommon.Map) bool {
	method, ok := a.Get(evidence.KeyMethod)
	if ok {
		s.Method = method.Str()
	}
	if v, ok := a.Get(evidence.KeyConfidence); ok {
		s.Confidence, s.HasConfidence = v.Double(), true
	}
	return ok
}

func address(a pcommon.Map, prefix string) netip.AddrPort {
	host, ok1 := a.Get(prefix + "address")
	port, ok2 := a.Get(prefix + "port")
	if !ok1 || !ok2 {
		return netip.AddrPort{}
	}
	addr, err := netip.ParseAddr(host.Str())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(port.Int()))
}
