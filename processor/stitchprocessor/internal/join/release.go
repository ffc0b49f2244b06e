package join

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
)

// release lets the tree of root go as one batch, with one trace id: that of a
// parent which has left, else one from the wire, else the root's own.
func (a *Assembler) release(root *Span, r Reason) {
	trace, format := root.trace, tracectx.Unknown
	switch {
	case root.parent != nil:
		trace, format = root.parent.trace, root.parent.format
	case !root.tree.wire.trace.IsEmpty():
		trace, format = root.tree.wire.trace, root.tree.wire.format
	}
	if a.outSize > 0 && a.outSize+int(root.tree.size) > a.config.BatchSize {
		a.Hand()
	}
	members := a.members[:0]
	root.walk(func(s *Span) { members = append(members, s) })
	settled := r == Settled
	for _, s := range members {
		s.trace, s.format = trace, format
		a.dress(s, &settled)
	}
	a.Counts.Traces[r]++
	a.Counts.Spans[r] += len(members)
	for _, s := range members {
		a.let(s)
	}
	for _, s := range members {
		s.released = true // all of them, before anybody is told
	}
	for _, s := range members {
		a.gone(s)
	}
	clear(members)
	a.members = members[:0]
}

// dress writes the verdicts on a span's data. settled is taken by the first one
// that is visible: the root, unless that is hidden.
func (a *Assembler) dress(s *Span, settled *bool) {
	if s.Hidden && !a.config.Fragments {
		a.Counts.Hidden++
		return
	}
	if a.config.Fragments && s.App == nil {
		s.seal()
	}
	d := s.Data
	d.SetTraceID(s.trace)
	attrs := d.Attributes()
	a.aliases.note(s)
	if s.App != nil {
		s.dressApplication()
		*settled = *settled && s.parent != nil
		return
	}
	switch {
	case s.explicit:
		d.SetParentSpanID(s.WireParent)
		attrs.PutStr(evidence.KeyMethod, MethodContext)
		attrs.PutDouble(evidence.KeyConfidence, 1)
	case s.parent != nil:
		d.SetParentSpanID(s.visibleParent())
		attrs.PutStr(evidence.KeyMethod, s.method)
		attrs.PutDouble(evidence.KeyConfidence, s.confidence)
	case s.rare().candidate != nil:
		s.linkCandidate()
	}
	if *settled {
		attrs.PutBool(evidence.KeySettled, true)
		*settled = false
	}
}

// linkCandidate leaves a span link to what may be the parent.
func (s *Span) linkCandidate() {
	l := s.Data.Links().AppendEmpty()
	l.SetTraceID(s.aside.candidate.root().finalTrace())
	l.SetSpanID(s.aside.candidate.visible())
	l.Attributes().PutStr(evidence.KeyMethod, s.method)
	l.Attributes().PutDouble(evidence.KeyConfidence, s.confidence)
}

// finalTrace is the trace id that the tree of a root has, or would have now.
func (s *Span) finalTrace() pcommon.TraceID {
	if !s.released && s.tree != nil && !s.tree.wire.trace.IsEmpty() {
		return s.tree.wire.trace
	}
	return s.trace
}

// finalWire is that trace id with how it was written.
func (s *Span) finalWire() wire {
	if root := s.root(); !s.released && root.tree != nil {
		return root.tree.wire
	}
	return wire{s.trace, s.format}
}

// visible is the id of s, or of the nearest parent that is not hidden.
func (s *Span) visible() pcommon.SpanID {
	for s.Hidden && !s.released {
		if s.explicit {
			return s.WireParent
		}
		if s.parent == nil {
			return pcommon.SpanID{}
		}
		s = s.parent
	}
	return s.id
}

func (s *Span) visibleParent() pcommon.SpanID { return s.parent.visible() }

// let takes the data out of a span and puts it into the output.
func (a *Assembler) let(s *Span) {
	if s.Hidden && !a.config.Fragments {
		s.id = s.visible() // late children go there
	} else {
		a.put(s)
	}
}

func (a *Assembler) put(s *Span) {
	g := s.Group
	if g.batch != a.batch {
		rs := a.out.ResourceSpans().AppendEmpty()
		g.Resource.CopyTo(rs.Resource())
		rs.SetSchemaUrl(g.ResourceSchema)
		ss := rs.ScopeSpans().AppendEmpty()
		g.Scope.CopyTo(ss.Scope())
		ss.SetSchemaUrl(g.ScopeSchema)
		g.out, g.batch = ss.Spans(), a.batch
	}
	s.Data.MoveTo(g.out.AppendEmpty())
	a.outSize++
}

// gone ends the life of a span as a held one. What refers to it finds its ids.
func (a *Assembler) gone(s *Span) {
	s.Data, s.Group, s.open = ptrace.Span{}, nil, 0 // nobody waits for an answer any more
	a.held--
	if s.tree != nil {
		a.trees.giveBack(s.tree)
	}
	s.parent, s.first, s.next, s.tree = nil, nil, nil, nil
	if s.aside == nil {
		return
	}
	dependents := s.aside.dependents
	s.aside.candidate, s.aside.dependents = nil, nil
	for _, d := range dependents {
		a.answer(d, askCandidate)
	}
}

// Hand hands the output over, if there is any.
func (a *Assembler) Hand() {
	if a.outSize == 0 {
		return
	}
	out := a.out
	a.out, a.outSize = ptrace.NewTraces(), 0
	a.batch++
	a.emit(out)
}
