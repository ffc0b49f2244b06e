package join

import (
	"math"
	"slices"
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

// Application is a server span of an SDK.
type Application struct {
	Of []*Process // it is of one of these

	parent  pcommon.SpanID // as the SDK says
	request request
	gaveUp  bool // nothing more is waited for
}

// request is what both views of a request tell. Empty: not told.
type request struct {
	method, path string
	status       int64
}

func requestOf(span ptrace.Span) (r request) {
	for k, v := range span.Attributes().All() {
		switch k {
		case "http.request.method", "http.method":
			r.method = v.Str()
		case "url.path", "http.target":
			r.path, _, _ = strings.Cut(v.Str(), "?")
		case "http.response.status_code", "http.status_code":
			r.status = v.Int()
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
		a.calls[call{p, s.WireTrace, s.WireParent}] = s
	case p.instrumented && len(p.unmatched) < maxUnmatched:
		p.unmatched = append(p.unmatched, s)
		a.ask(s, askApplication)
		a.applying.push(s, a.now+a.config.ApplicationWait)
	case p.instrumented:
		a.Counts.Unmatched++
	}
	a.enterWaiting(p)
}

// apply takes the SDK's view of a request.
func (a *Assembler) apply(s *Span) {
	s.App.parent, s.App.request = s.Data.ParentSpanID(), requestOf(s.Data)
	s.WireTrace, s.WireFormat = s.trace, tracectx.W3C
	s.tree.wire = s.wire()
	for _, p := range s.App.Of {
		p.instrumented = true
	}
	if a.enter(s) {
		return
	}
	for _, p := range s.App.Of {
		if len(p.waiting) < maxWaiting {
			p.waiting = append(p.waiting, s)
		} else {
			a.Counts.Unmatched++
		}
	}
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
		if !s.App.parent.IsEmpty() {
			if k := a.calls[call{p, s.trace, s.App.parent}]; k != nil {
				return a.enclose(k, s, 1)
			}
			continue
		}
		if k, confidence := a.around(p, s); k != nil {
			return a.enclose(k, s, confidence)
		}
	}
	return false
}

func (a *Assembler) enclose(k, s *Span, confidence float64) bool {
	if k.enclosing || !a.hang(s, k) {
		return false
	}
	k.enclosing = true
	s.method, s.confidence = MethodApplication, confidence
	a.Counts.Applications++
	a.answer(k, askApplication)
	a.answer(s, askLocal)
	return true
}

// around returns the request without a context during which an SDK's span began and
// ended: the one that made a call in the trace of that, else the only one, once all
// that it may be are known. One that the span fills better contradicts.
func (a *Assembler) around(p *Process, s *Span) (*Span, float64) {
	p.unmatched = slices.DeleteFunc(p.unmatched, func(k *Span) bool { return k.released })
	var told, only *Span
	taken := false // one that has an SDK's span may have the wrong one: nothing is left over for sure
	n, tightest := 0, int64(math.MaxInt64)
	for _, k := range p.unmatched {
		if !encloses(k, s) {
			continue
		}
		if k.enclosing {
			taken = true
			continue
		}
		tightest = min(tightest, margin(k, s))
		switch w := k.root().tree.wire; {
		case w.trace == s.trace:
			told = k
		case w.trace.IsEmpty():
			only = k
			n++
		}
	}
	known := s.App.gaveUp || p.watermark > s.Start+clockSlack
	switch {
	case told != nil && margin(told, s) <= tightest+tight:
		return told, containedConfidence
	case told == nil && n == 1 && !taken && known && margin(only, s) <= tightest+tight:
		return only, containedConfidence
	case s.App.gaveUp && tightest < math.MaxInt64:
		a.Counts.Rejected[Ambiguous]++
	}
	return nil, 0
}

// tight is how much better the times of a request must fit to contradict. ns.
const tight = int64(20e3)

// encloses reports whether the SDK's span s may be a view of the request k.
func encloses(k, s *Span) bool {
	return k.Start <= s.Start+clockSlack && s.End <= k.End+clockSlack && s.App.request.like(requestOf(k.Data))
}

// margin is how much longer the request k is than the SDK's span within, at both ends. ns.
func margin(k, s *Span) int64 { return max(s.Start-k.Start, 0) + max(k.End-s.End, 0) }

// leave lets an SDK's span go that found no place.
func (a *Assembler) leave(s *Span) {
	s.App.gaveUp = true
	if !s.released && s.parent == nil {
		a.enter(s)
	}
	a.answer(s, askLocal)
}

// giveUpApplications closes questions that have been open for too long.
func (a *Assembler) giveUpApplications() {
	for s := a.applying.due(a.now); s != nil; s = a.applying.due(a.now) {
		a.answer(s, askApplication)
	}
}

func (a *Assembler) dropCall(s *Span) {
	c := call{s.Process, s.WireTrace, s.WireParent}
	if a.calls[c] == s {
		delete(a.calls, c)
	}
}
