package stitchprocessor

import (
	"encoding/hex"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/join"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// takeVerdict takes off a span what the stitch processor of an agent has decided on it,
// beside its parent.
func takeVerdict(span ptrace.Span, parent string) *join.Verdict {
	attrs := span.Attributes()
	v := &join.Verdict{Parent: spanID(parent), Confidence: 1}
	if m, ok := attrs.Get(evidence.KeyMethod); ok {
		v.Method = m.Str()
	}
	if c, ok := attrs.Get(evidence.KeyConfidence); ok {
		v.Confidence = c.Double()
	}
	if s, ok := attrs.Get(evidence.KeySettled); ok {
		v.Settled = s.Bool()
	}
	takeCandidate(span, v)
	attrs.Remove(evidence.KeyParent)
	attrs.Remove(evidence.KeySettled)
	return v
}

// takeCandidate takes the span link to the candidate that was not sure enough.
func takeCandidate(span ptrace.Span, v *join.Verdict) {
	span.Links().RemoveIf(func(l ptrace.SpanLink) bool {
		m, ok := l.Attributes().Get(evidence.KeyMethod)
		if !ok || !v.Parent.IsEmpty() {
			return false
		}
		v.Candidate, v.Method = l.SpanID(), m.Str()
		if c, ok := l.Attributes().Get(evidence.KeyConfidence); ok {
			v.Confidence = c.Double()
		}
		return true
	})
}

// contextOf takes what a request carried. The parent of a span on which an agent has
// decided says nothing of that, unless the agent says so.
func (s *shard) contextOf(held *join.Span, n *window.Node, text string) {
	v := held.Verdict
	if v != nil && text == "" && (v.Method != join.MethodContext || !v.Parent.IsEmpty()) {
		return
	}
	s.context(held, n, text)
	if v != nil {
		v.Explicit = !held.WireParent.IsEmpty() && held.Data.ParentSpanID() == held.WireParent
	}
}

// spanID reads an id in hexadecimal. Anything else is none.
func spanID(text string) (id pcommon.SpanID) {
	if n, err := hex.Decode(id[:], []byte(text[:min(len(text), 2*len(id))])); err != nil || n != len(id) {
		return pcommon.SpanID{}
	}
	return id
}
