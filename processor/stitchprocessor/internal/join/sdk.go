package join

import (
	"encoding/hex"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// maxCarried bounds the calls of one trace that are remembered by it, and the spans of
// one name.
const maxCarried = 256

// spanRef names a span as its program does.
type spanRef struct {
	trace pcommon.TraceID
	span  pcommon.SpanID
}

// sdkSpans is what is remembered of the spans of SDKs.
type sdkSpans struct {
	named   map[spanRef][]*Span         // two if both ends of a call have one id
	seeking map[spanRef][]*Span         // those that wait for the span with this name
	began   map[pcommon.TraceID]*Span   // the first root of a trace
	carried map[pcommon.TraceID][]*Span // the kernel's spans of calls that carry a trace on
}

func newSDKSpans() sdkSpans {
	return sdkSpans{
		named: map[spanRef][]*Span{}, seeking: map[spanRef][]*Span{},
		began: map[pcommon.TraceID]*Span{}, carried: map[pcommon.TraceID][]*Span{},
	}
}

// of reports whether s, of the kernel or an SDK, may be of one process with a span of
// an SDK.
func (s *Span) of(sdk *Span) bool {
	if s.App == nil {
		return slices.Contains(sdk.App.Of, s.Process)
	}
	return slices.ContainsFunc(s.App.Of, func(p *Process) bool { return slices.Contains(sdk.App.Of, p) })
}

// lookUp returns the SDK's span with this name in the process of s. Of the two ends of
// a call in one process it is the server's, if server is set, else the client's.
func (a *Assembler) lookUp(ref spanRef, s *Span, server bool) (found *Span) {
	for _, sdk := range a.sdk.named[ref] {
		if sdk != s && s.of(sdk) && (found == nil || sdk.Server == server) {
			found = sdk
		}
	}
	return found
}

// name makes a span of an SDK known by its name, and gives it what waited for it.
func (a *Assembler) name(s *Span) {
	ref := s.App.ref
	if len(a.sdk.named[ref]) < maxCarried {
		a.sdk.named[ref] = append(a.sdk.named[ref], s)
	} else {
		a.Counts.Unmatched++
	}
	if s.App.parent.IsEmpty() && a.sdk.began[ref.trace] == nil {
		a.sdk.began[ref.trace] = s
	}
	for _, child := range a.sdk.seeking[ref] {
		if !child.released && child.parent == nil && a.lookUp(ref, child, true) == s {
			a.hang(child, s)
			a.answer(child, askLocal)
		}
	}
	for _, call := range a.sdk.carried[ref.trace] {
		if call.WireParent == ref.span && a.lookUp(ref, call, false) == s {
			a.move(call, s)
		}
	}
}

// move puts a call below the SDK's span of it.
func (a *Assembler) move(call, s *Span) {
	if call.released {
		return
	}
	if call.parent != nil {
		a.uproot(call)
	}
	a.hang(call, s)
	a.answer(call, askApplication)
}

// nest puts a span of an SDK that is no server's below its parent.
func (a *Assembler) nest(s *Span) {
	ref := spanRef{s.App.ref.trace, s.App.parent}
	switch above := a.lookUp(ref, s, true); {
	case s.App.parent.IsEmpty():
		a.restore(s)
	case above != nil:
		a.hang(s, above)
		a.answer(s, askLocal)
		return
	case s.Data.Kind() == ptrace.SpanKindUnspecified: // it may be a server's
		if a.enter(s) {
			return
		}
		a.wait(s)
		a.sdk.seeking[ref] = append(a.sdk.seeking[ref], s)
	default:
		a.sdk.seeking[ref] = append(a.sdk.seeking[ref], s)
	}
	a.expecting.push(s, a.now+a.config.PeerWait)
}

// calling remembers a call that carries a trace on, and puts it below the SDK's span
// of it.
func (a *Assembler) calling(s *Span) {
	if s.Server || !s.explicit || s.Foreign {
		return
	}
	if len(a.sdk.carried[s.WireTrace]) < maxCarried {
		a.sdk.carried[s.WireTrace] = append(a.sdk.carried[s.WireTrace], s)
	} else {
		a.Counts.Unmatched++
	}
	if sdk := a.lookUp(spanRef{s.WireTrace, s.WireParent}, s, false); sdk != nil {
		a.move(s, sdk)
	}
}

// dropSDK forgets a span.
func (a *Assembler) dropSDK(s *Span) {
	if s.App == nil {
		drop(a.sdk.carried, s.WireTrace, s)
		return
	}
	drop(a.sdk.named, s.App.ref, s)
	if a.sdk.began[s.App.ref.trace] == s {
		delete(a.sdk.began, s.App.ref.trace)
	}
}

// drop takes s out of a list in m. A list without any goes.
func drop[K comparable](m map[K][]*Span, key K, s *Span) {
	all, ok := m[key]
	if !ok {
		return
	}
	if all = slices.DeleteFunc(all, func(other *Span) bool { return other == s }); len(all) == 0 {
		delete(m, key)
	} else {
		m[key] = all
	}
}

// dressApplication writes what was decided on a span of an SDK. A parent that the SDK
// named itself needs no reason.
func (s *Span) dressApplication() {
	attrs := s.Data.Attributes()
	if s.id != s.App.ref.span {
		s.Data.SetSpanID(s.id)
		attrs.PutStr(evidence.KeySharedID, hex.EncodeToString(s.App.ref.span[:]))
	}
	switch {
	case s.parent != nil:
		s.Data.SetParentSpanID(s.visibleParent())
		if s.method != "" {
			attrs.PutStr(evidence.KeyMethod, s.method)
			attrs.PutDouble(evidence.KeyConfidence, s.confidence)
		}
	case s.rare().candidate != nil:
		s.linkCandidate()
	}
}
