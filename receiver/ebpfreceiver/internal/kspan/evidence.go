package kspan

import (
	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/conn"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/stream"
)

// scratch is reused for every span.
type scratch struct {
	exchange evidence.Exchange
	found    tracectx.Found
}

// addEvidence writes what is known of how e came about.
func (b *Builder) addEvidence(e *conn.Exchange, found *tracectx.Found) {
	x := &b.scratch.exchange
	request, response := x.Request.Handoffs[:0], x.Response.Handoffs[:0]
	*x = evidence.Exchange{
		ConnID: e.Conn.ID, Ordinal: e.Ordinal, Context: found.Contexts.String(), RequestID: found.RequestID,
		Lossy: e.Lossy, Opaque: e.Opaque, Hidden: b.hidden(e),
	}
	if e.Opened && !e.Server() {
		x.Connect, x.ConnectTime = point(&e.Conn.At), b.unix(e.Conn.Time)
	}
	x.Request.Handoffs, x.Response.Handoffs = request, response
	b.message(&x.Request, &e.Request)
	if e.Response.Ops > 0 {
		b.message(&x.Response, &e.Response)
	}
	x.PutInto(&b.attrs)
}

// hidden says that e serves as evidence only: nothing of it could be read.
func (b *Builder) hidden(e *conn.Exchange) bool {
	return b.options.HideOpaque && e.Opaque && e.ResponseMessage == nil
}

func (b *Builder) message(to *evidence.Message, from *stream.Message) {
	handoffs := to.Handoffs
	for i := range from.Handoffs {
		handoffs = append(handoffs, b.handoff(&from.Handoffs[i]))
	}
	*to = evidence.Message{
		Start: b.unix(from.Start), End: b.unix(from.End), Point: point(&from.At),
		Seq: from.Seq, Len: from.Len, Ops: from.Ops, Waited: waited(from.Waited), Handoffs: handoffs,
	}
}

func point(p *event.Point) evidence.Point {
	return evidence.Point{TID: p.TID, IO: p.IO, Tick: p.Tick, Goid: p.Goid, GoidParent: p.GoidParent}
}

func (b *Builder) handoff(h *event.Handoff) evidence.Handoff {
	return evidence.Handoff{
		Time: b.unix(h.Time), Address: h.Address, SourceTID: h.SourceTID, SourceIO: h.SourceIO,
		WakerTID: h.WakerTID, Source: evidence.Kind(h.SourceKind), Edge: evidence.Edge(h.Edge), Hops: h.Hops,
	}
}

// waitedShift is the distance between the Waited flags of an event and those of
// the evidence, which are in the same order.
const waitedShift = 8

func waited(f event.Flags) evidence.Waited { return evidence.Waited(f >> waitedShift) }
