package stitchprocessor

import (
	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/join"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// context takes what a request carried, as the text of the evidence says, else as the
// ids of the span do.
func (s *shard) context(held *join.Span, n *window.Node, text string) {
	if s.contexts.Parse(text) != nil {
		if parent := held.Data.ParentSpanID(); !parent.IsEmpty() && !held.Data.TraceID().IsEmpty() {
			held.WireTrace, held.WireParent, held.WireFormat = held.Data.TraceID(), parent, tracectx.W3C
			c := window.Context{Trace: held.WireTrace, Caller: parent, Format: uint8(tracectx.W3C)}
			wireOf(n).Contexts = []window.Context{c}
		}
		return
	}
	all := s.contexts.All()
	first := &all[0]
	held.WireTrace, held.WireParent = first.TraceID, first.SpanID
	held.WireFormat, held.Foreign = first.Format, first.Foreign()
	c := wireOf(n)
	for i := range all {
		c.Contexts = append(c.Contexts, identity(&all[i]))
	}
	if c.RequestID == "" && first.SpanID == [8]byte{} {
		c.RequestID = string(first.TraceID[:])
	}
}

// wireOf returns what the request of a node carried, to be filled in.
func wireOf(n *window.Node) *window.Carried {
	if n.Carried == nil {
		n.Carried = &window.Carried{}
	}
	return n.Carried
}

func identity(c *tracectx.Context) window.Context {
	return window.Context{Trace: c.TraceID, Caller: c.SpanID, Above: c.ParentID, Format: uint8(c.Format)}
}
