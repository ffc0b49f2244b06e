package kspan

import (
	"slices"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/conn"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Attributes of opaque exchanges, for which the semantic conventions have none.
const (
	KeyRequestSize  = "tcp.request.size"  // bytes
	KeyResponseSize = "tcp.response.size" // bytes
)

// Options say what goes on spans.
type Options struct {
	// Evidence adds the attributes of docs/evidence.md.
	Evidence bool
	// HideOpaque marks opaque spans as evidence only.
	HideOpaque bool
	// Context says which trace contexts and request ids are read; nil is all.
	Context *tracectx.Options
	// Seed distinguishes this host since its last boot from all others in span and
	// trace ids: its host and boot id.
	Seed string
}

// Builder makes spans of exchanges, in one list per process. It belongs to one
// goroutine.
type Builder struct {
	options   Options
	seed      uint64
	offset    int64 // from CLOCK_MONOTONIC to Unix time
	lists     map[uint32]ptrace.SpanSlice
	count     int
	malformed uint64
	contexts  *tracectx.Reader
	attrs     attributes // of the span under way
	scratch   scratch
}

// NewBuilder returns an empty Builder.
func NewBuilder(options *Options) *Builder {
	return &Builder{
		options: *options, seed: seedOf(options.Seed), lists: map[uint32]ptrace.SpanSlice{},
		contexts: tracectx.NewReader(options.Context), attrs: newAttributes(),
	}
}

// SetOffset says what to add to CLOCK_MONOTONIC for Unix time (ns). All spans
// until the next call use it.
func (b *Builder) SetOffset(offset int64) { b.offset = offset }

// Count returns the number of spans since the last Take.
func (b *Builder) Count() int { return b.count }

// Malformed returns the number of requests so far that carried the headers of a trace
// context, but no valid one.
func (b *Builder) Malformed() uint64 { return b.malformed }

// Take returns the spans made since the last call, by process id. The caller
// owns them.
func (b *Builder) Take() map[uint32]ptrace.SpanSlice {
	lists := b.lists
	b.lists = make(map[uint32]ptrace.SpanSlice, len(lists))
	b.count = 0
	return lists
}

// Add makes a span of e, which it does not keep.
func (b *Builder) Add(e *conn.Exchange) {
	pid := e.Request.At.PID
	list, ok := b.lists[pid]
	if !ok {
		list = ptrace.NewSpanSlice()
		b.lists[pid] = list
	}
	b.count++
	span := list.AppendEmpty()
	a := &b.attrs
	a.reset()
	b.describe(span, e)
	addMessages(a, e)
	addNetwork(a, e)
	a.PutInt(string(semconv.ThreadIDKey), int64(e.Request.At.TID))
	if e.Request.Comm != "" {
		a.PutStr(string(semconv.ThreadNameKey), e.Request.Comm)
	}
	if e.Retransmits > 0 {
		a.PutInt(evidence.KeyRetransmits, int64(e.Retransmits))
	}
	setStatus(span, a, e)
	found := b.carried(e)
	b.identify(span, e, found)
	addContext(a, span, found)
	if b.options.Evidence {
		b.addEvidence(e, found)
	}
	a.write(span.Attributes())
}

func (b *Builder) unix(mono uint64) int64 { return int64(mono) + b.offset }

func (b *Builder) timestamp(mono uint64) pcommon.Timestamp {
	return pcommon.Timestamp(b.unix(mono))
}

// describe sets name, kind and times.
func (b *Builder) describe(span ptrace.Span, e *conn.Exchange) {
	span.SetKind(ptrace.SpanKindClient)
	if e.Server() {
		span.SetKind(ptrace.SpanKindServer)
	}
	span.SetName(nameOf(e))
	span.SetStartTimestamp(b.timestamp(e.Request.Start))
	span.SetEndTimestamp(b.timestamp(max(e.End, e.Request.Start)))
}

// nameUnconnected is the name of the span of a connect that failed.
const nameUnconnected = "connect"

// nameOf is what the parser says, else the port of the server.
func nameOf(e *conn.Exchange) string {
	if e.Outcome == conn.Unconnected {
		return nameUnconnected
	}
	if e.RequestMessage != nil && e.RequestMessage.Name != "" {
		return e.RequestMessage.Name
	}
	server := e.Conn.Remote
	if e.Server() {
		server = e.Conn.Local
	}
	if !server.IsValid() {
		return "tcp"
	}
	return "tcp " + strconv.Itoa(int(server.Port()))
}

// addMessages adds what the parser understood of both messages.
func addMessages(a *attributes, e *conn.Exchange) {
	if e.RequestMessage != nil {
		a.putAll(e.RequestMessage.Attributes, "")
	}
	if m := e.ResponseMessage; m != nil {
		skip := ""
		if m.Status == protocol.StatusClientError && e.Server() {
			skip = string(semconv.ErrorTypeKey) // not this server's error
		}
		a.putAll(m.Attributes, skip)
	}
	if e.Opaque {
		a.PutStr(string(semconv.NetworkTransportKey), "tcp")
		a.PutInt(KeyRequestSize, int64(e.Request.Len))
		a.PutInt(KeyResponseSize, int64(e.Response.Len))
	}
}

// addNetwork adds both ends of the connection, and who of them is the server
// unless the request says it better.
func addNetwork(a *attributes, e *conn.Exchange) {
	local, remote := e.Conn.Local, e.Conn.Remote
	if !local.IsValid() || !remote.IsValid() {
		return
	}
	a.PutStr(string(semconv.NetworkLocalAddressKey), e.LocalText)
	a.PutInt(string(semconv.NetworkLocalPortKey), int64(local.Port()))
	a.PutStr(string(semconv.NetworkPeerAddressKey), e.RemoteText)
	a.PutInt(string(semconv.NetworkPeerPortKey), int64(remote.Port()))
	server, port := e.RemoteText, remote.Port()
	if e.Server() {
		server, port = e.LocalText, local.Port()
		a.putAbsent(string(semconv.ClientAddressKey), e.RemoteText)
	}
	a.putAbsent(string(semconv.ServerAddressKey), server)
	if !slices.Contains(a.keys, string(semconv.ServerPortKey)) {
		a.PutInt(string(semconv.ServerPortKey), int64(port))
	}
}
