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
			n.Context = window.Context{Trace: held.WireTrace, Caller: parent, Format: uint8(tracectx.W3C)}
		}
		return
	}
	all := s.contexts.All()
	first := &all[0]
	held.WireTrace, held.WireParent = first.TraceID, first.SpanID
	held.WireFormat, held.Foreign = first.Format, first.Foreign()
	n.Context = identity(first)
	for i := range all[1:] {
		n.Aliases = append(n.Aliases, identity(&all[1+i]))
	}
	if n.RequestID == "" && n.Caller == [8]byte{} {
		n.RequestID = string(n.Trace[:])
	}
}

func identity(c *tracectx.Context) window.Context {
	return window.Context{Trace: c.TraceID, Caller: c.SpanID, Above: c.ParentID, Format: uint8(c.Format)}
}
