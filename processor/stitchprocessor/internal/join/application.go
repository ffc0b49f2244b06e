package join

import (
	"hash/fnv"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
)

// MethodApplication is the method of a link between the kernel's span of a request and
// that of the SDK in the program which served it.
const MethodApplication = "application"

// containedConfidence is that of such a link if the request carried no context: it
// rests on times and names, or on the kernel's link of a call. An estimate; where
// that link is wrong this one is, too.
const containedConfidence = 0.99

const (
	maxUnmatched = 4096 // requests of a process that may yet get an SDK's span
	maxWaiting   = 4096 // SDK's spans that wait for the kernel's
)

// Application is what is known of a span of an SDK.
type Application struct {
	Of []*Process // it is of one of these

	ref      spanRef        // as the SDK says
	parent   pcommon.SpanID // likewise
	request  request
	consumes bool // it takes a message: that its trace begins here is as it should be
	awaits   bool // it waits for the SDK's span of its request
	gaveUp   bool // nothing more is waited for
	late     bool // nor the SDK's span of its request
}

// request is what both views of a request tell. Empty: not told.
type request struct {
	method, path string
	status       int64
}

// requestOf reads what the conventions of OpenTelemetry, Zipkin and Jaeger have names for.
func requestOf(span ptrace.Span) (r request) {
	for k, v := range span.Attributes().All() {
		switch k {
		case "http.request.method", "http.method":
			r.method = v.AsString()
		case "url.path", "http.target", "http.path":
			r.path, _, _ = strings.Cut(v.AsString(), "?")
		case "url.full", "http.url":
			if u, err := url.Parse(v.AsString()); err == nil && r.path == "" {
				r.path = u.Path
			}
		case "http.response.status_code", "http.status_code":
			r.status, _ = strconv.ParseInt(v.AsString(), 10, 64) // Zipkin's values are texts
		}
	}
	return r
}

// like reports whether two views may be of one request.
func (r request) like(other request) bool {
	return (r.method == "" || other.method == "" || r.method == other.method) &&
		(r.path == "" || other.path == "" || r.path == other.path) &&
		(r.status == 0 || other.status == 0 || r.status == other.status)
}

// call names a request by its process and the context that it carried.
type call struct {
	process *Process
	trace   pcommon.TraceID
	parent  pcommon.SpanID
}

// serving prepares for the SDK's view of a request that the kernel saw.
func (a *Assembler) serving(s *Span) {
	p := s.Process
	switch {
	case !s.Server:
		return
	case !s.WireParent.IsEmpty():
		a.heard(s)
	case p.instrumented && len(p.unmatched) < maxUnmatched:
		p.unmatched = append(p.unmatched, s)
		a.ask(s, askApplication)
		a.applying.push(s, a.now+a.config.ApplicationWait)
	case p.instrumented:
		a.Counts.Unmatched++
	}
	a.enterWaiting(p)
}

// heard remembers a request by its context. Of too many with the same one the latest are.
func (a *Assembler) heard(s *Span) {
	c := call{s.Process, s.WireTrace, s.WireParent}
	same := append(a.calls[c], s)
	if len(same) > maxCarried {
		a.Counts.Unmatched++
		same = slices.Delete(same, 0, 1)
	}
	a.calls[c] = same
}

// apply takes a span of an SDK.
func (a *Assembler) apply(s *Span) {
	s.App.ref, s.App.parent = spanRef{s.trace, s.id}, s.Data.ParentSpanID()
	s.App.consumes = s.Data.Kind() == ptrace.SpanKindConsumer
	s.WireTrace, s.WireFormat = s.trace, tracectx.W3C
	s.tree.wire = a.aliases.of(s.wire())
	a.name(s)
	if s.Server {
		a.view(s)
	} else {
		a.nest(s)
	}
}

// wait lets an SDK's span wait for the kernel's of its request.
func (a *Assembler) wait(s *Span) {
	for _, p := range s.App.Of {
		if len(p.waiting) < maxWaiting {
			p.waiting = append(p.waiting, s)
		} else {
			a.Counts.Unmatched++
		}
	}
}

// view takes the SDK's view of a request.
func (a *Assembler) view(s *Span) {
	s.App.request = requestOf(s.Data)
	for _, p := range s.App.Of {
		p.instrumented = true
	}
	if a.enter(s) {
		return
	}
	a.wait(s)
	a.expecting.push(s, a.now+a.config.PeerWait)
}

// enterWaiting tries again for the SDK's spans of a process that have no place yet.
func (a *Assembler) enterWaiting(p *Process) {
	p.waiting = slices.DeleteFunc(p.waiting, func(s *Span) bool {
		return s.released || s.App.gaveUp || s.parent != nil || a.enter(s)
	})
}

// enter puts the SDK's view of a request below the kernel's, if that is here.
func (a *Assembler) enter(s *Span) bool {
	if above := a.ids[s.App.parent]; above != nil && above.Server { // an agent has done it
		return a.enclose(above, s, 1)
	}
	for _, p := range s.App.Of {
		if k := named(a.calls[call{p, s.App.ref.trace, s.App.parent}], s); k != nil {
			return a.enclose(k, s, 1)
		}
		if k := named(a.calls[call{p, s.App.ref.trace, s.App.ref.span}], s); k != nil && encloses(k, s) {
			return a.enclose(k, s, 1) && s.unshare()
		}
		if !s.App.parent.IsEmpty() || !s.Server {
			continue
		}
		if k, confidence := a.around(p, s); k != nil {
			return a.enclose(k, s, confidence)
		}
	}
	return false
}

// unshare gives an id of its own to a server's span which has that of the client's, as
// Zipkin's do: by ids, what is between the two would be above and below one span.
func (s *Span) unshare() bool {
	h := fnv.New64a()
	_, _ = h.Write(s.App.ref.trace[:]) // never fails
	_, _ = h.Write(s.App.ref.span[:])
	h.Sum(s.id[:0])
	return true
}

// named returns the request which carried the context that an SDK's span names. If several
// did, as when a call is repeated, times have to tell.
func named(requests []*Span, s *Span) (found *Span) {
	if len(requests) == 1 {
		return requests[0]
	}
	second := int64(math.MaxInt64)
	for _, k := range requests {
		switch m := margin(k, s); {
		case !encloses(k, s):
		case found == nil || m < margin(found, s):
			if found != nil {
				second = margin(found, s)
			}
			found = k
		default:
			second = min(second, m)
		}
	}
	if found == nil || margin(found, s) > second-tight || found.rare().view != nil {
		return nil
	}
	return found
}

func (a *Assembler) enclose(k, s *Span, confidence float64) bool {
	if k.rare().view != nil || !a.hang(s, k) {
		return false
	}
	k.more().view = s
	s.method, s.confidence = MethodApplication, confidence
	a.Counts.Applications++
	a.answer(k, askApplication)
	a.answer(s, askLocal)
	a.viewed(k)
	return true
}

// around returns the request without a context during which an SDK's span began and
// ended: the one that its calls belong to, or, if none of them tells, the only one, once
// all that it may be are known. It is no other one's, and fits better than any other one.
func (a *Assembler) around(p *Process, s *Span) (*Span, float64) {
	p.unmatched = slices.DeleteFunc(p.unmatched, func(k *Span) bool { return k.released })
	t := a.hear(s)
	var told, only *Span
	taken := false // one that has an SDK's span may have the wrong one: nothing is left over for sure
	n, tightest := 0, int64(math.MaxInt64/2)
	for _, k := range p.unmatched {
		switch {
		case !encloses(k, s):
		case k.rare().view != nil:
			taken = true
		case k == t.request:
			told = k
		default:
			tightest = min(tightest, margin(k, s))
			only = k
			n++
		}
	}
	known := s.App.gaveUp || p.watermark > s.Start+clockSlack
	switch {
	case told != nil && !t.disputed && margin(told, s) <= tightest-t.needs():
		return told, containedConfidence
	case t.request == nil && n == 1 && !taken && known && only.root().tree.wire.trace.IsEmpty():
		return only, containedConfidence
	case s.App.gaveUp && (told != nil || n > 0):
		a.Counts.Rejected[Ambiguous]++
	}
	return nil, 0
}

// needs is by how much the request that calls tell must fit better than others, in ns. One
// that is told for certain may even fit a little worse.
func (t *testimony) needs() int64 {
	if t.confidence >= certain {
		return -tight
	}
	return tight
}

// certain is the confidence beyond which evidence needs no other one.
const certain = 0.999

// tight is what times can tell apart, ns: by so much a request must fit better than
// any other one.
const tight = int64(20e3)

// encloses reports whether the SDK's span s may be a view of the request k. It begins
// within, as far as clocks tell, and ends so, or a little later: some write the reply
// before they end the span. Of one that has left only the times are known.
func encloses(k, s *Span) bool {
	after := min(max((s.End-s.Start)/4, tight), clockSlack)
	return k.Start <= s.Start+tight && s.End <= k.End+after && (k.released || s.App.request.like(requestOf(k.Data)))
}

// margin is how much longer the request k is than the SDK's span within, at both ends, in
// ns. What sticks out counts more: it asks for a reason.
func margin(k, s *Span) int64 {
	return apart(s.Start-k.Start) + apart(k.End-s.End)
}

func apart(d int64) int64 { return max(d, -4*d) }

// leave lets an SDK's span go that found no place.
func (a *Assembler) leave(s *Span) {
	s.App.gaveUp = true
	if ref := (spanRef{s.App.ref.trace, s.App.parent}); !s.App.parent.IsEmpty() && !s.Server {
		drop(a.sdk.seeking, ref, s)
	}
	switch {
	case s.released || s.parent != nil:
	case s.Server:
		a.enter(s)
	case s.App.parent.IsEmpty():
		a.restore(s)
		return // it may still wait for another one
	}
	a.answer(s, askLocal)
}

// giveUpApplications closes questions that have been open for too long.
func (a *Assembler) giveUpApplications() {
	for s := a.applying.due(a.now); s != nil; s = a.applying.due(a.now) {
		a.answer(s, askApplication)
		if s.App != nil {
			s.App.late = true
			a.restore(s)
		}
	}
}

func (a *Assembler) dropCall(s *Span) {
	if s.Server && !s.WireParent.IsEmpty() {
		drop(a.calls, call{s.Process, s.WireTrace, s.WireParent}, s)
	}
}
