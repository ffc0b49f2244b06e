package kspan

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/conn"
)

// Bits of Span.flags beyond those of W3C (opentelemetry-proto, SpanFlags).
const (
	flagHasRemote = 0x100 // whether the parent is remote is known
	flagIsRemote  = 0x200
)

func seedOf(text string) uint64 { return xxh3.HashString(text) }

// identify sets trace and span id, parent and flags. found is what the request
// carried.
//
// The ids are hashes of host, boot, connection, position and time of the request
// and of the side that this process is on: unique, and the same whenever this
// exchange is seen.
func (b *Builder) identify(span ptrace.Span, e *conn.Exchange, found *tracectx.Found) {
	var key [29]byte
	binary.LittleEndian.PutUint64(key[0:], e.Conn.ID)
	binary.LittleEndian.PutUint64(key[8:], e.Request.Start)
	binary.LittleEndian.PutUint32(key[16:], e.Request.Seq)
	binary.LittleEndian.PutUint32(key[20:], e.Ordinal)
	binary.LittleEndian.PutUint32(key[24:], e.Request.At.PID)
	key[28] = byte(e.Conn.Role)
	trace := xxh3.Hash128Seed(key[:], b.seed)
	id := xxh3.HashSeed(key[:], b.seed^trace.Hi)
	var spanID pcommon.SpanID
	binary.BigEndian.PutUint64(spanID[:], max(id, 1))
	span.SetSpanID(spanID)

	if context, ok := found.Contexts.First(); ok {
		span.SetTraceID(context.TraceID)
		span.SetParentSpanID(context.SpanID)
		span.TraceState().FromRaw(context.State)
		flags := uint32(context.Flags)
		if e.Server() {
			flags |= flagHasRemote | flagIsRemote
		}
		span.SetFlags(flags)
		return
	}
	var traceID pcommon.TraceID
	binary.BigEndian.PutUint64(traceID[:8], trace.Hi)
	binary.BigEndian.PutUint64(traceID[8:], max(trace.Lo, 1))
	span.SetTraceID(traceID)
}

// carried reads what the headers of the request carry, into scratch.
func (b *Builder) carried(e *conn.Exchange) *tracectx.Found {
	found := &b.scratch.found
	if e.RequestMessage == nil || len(e.RequestMessage.Headers) == 0 {
		*found = tracectx.Found{}
		return found
	}
	b.contexts.Read(func(yield func(name, value string) bool) {
		for _, h := range e.RequestMessage.Headers {
			if !yield(h.Name, h.Value) {
				return
			}
		}
	}, found)
	if found.Malformed {
		b.malformed++
	}
	return found
}

// addContext says which format gave the trace id, and how others call the trace.
func addContext(a *attributes, span ptrace.Span, found *tracectx.Found) {
	first, ok := found.Contexts.First()
	if !ok {
		return
	}
	a.PutStr(evidence.KeyContextFormat, first.Format.String())
	var raw []string
	for i := range found.Contexts.All() {
		c := &found.Contexts.All()[i]
		if pcommon.TraceID(c.TraceID) != span.TraceID() || c.RawTrace != "" {
			raw = append(raw, c.Format.String()+":"+c.WrittenTrace())
		}
	}
	if raw != nil {
		a.putStrings(evidence.KeyContextRaw, raw)
	}
}
