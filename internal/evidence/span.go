package evidence

import (
	"net/netip"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Keys of the semantic conventions that evidence relies on.
const (
	keyLocalAddress = "network.local.address"
	keyLocalPort    = "network.local.port"
	keyPeerAddress  = "network.peer.address"
	keyPeerPort     = "network.peer.port"
)

// side names the attributes of a request or of a response.
type side struct{ seq, len, tid, io, ops, tick, goid, parent, waited, handoffs string }

var (
	requestSide = side{
		KeyRequestSeq, KeyRequestLen, KeyRequestTID, KeyRequestIO, KeyRequestOps,
		KeyRequestTick, KeyRequestGoid, KeyRequestParent, KeyRequestWaited, KeyRequestHandoffs,
	}
	responseSide = side{
		KeyResponseSeq, KeyResponseLen, KeyResponseTID, KeyResponseIO, KeyResponseOps,
		KeyResponseTick, KeyResponseGoid, KeyResponseParent, KeyResponseWaited, KeyResponseHandoffs,
	}
)

// Put writes e to the attributes of span, apart from Local and Peer, which are
// ordinary semantic conventions that the span has anyway. Request.Start and
// Response.End are the span's own start and end and are not repeated.
func (e *Exchange) Put(span ptrace.Span) {
	e.PutInto(span.Attributes())
}

// Sink takes attributes. A pcommon.Map is one.
type Sink interface {
	PutStr(key, value string)
	PutInt(key string, value int64)
	PutBool(key string, value bool)
}

var _ Sink = pcommon.Map{}

// PutInto is Put for whoever gathers attributes elsewhere.
func (e *Exchange) PutInto(a Sink) {
	putInt(a, KeyConnID, int64(e.ConnID))
	putInt(a, KeyConnOrdinal, int64(e.Ordinal))
	if e.ConnectTime != 0 {
		putInt(a, KeyConnectTime, e.ConnectTime)
		putInt(a, KeyConnectTID, int64(e.Connect.TID))
		putInt(a, KeyConnectIO, int64(e.Connect.IO))
		putInt(a, KeyConnectTick, int64(e.Connect.Tick))
		putInt(a, KeyConnectGoid, int64(e.Connect.Goid))
		putInt(a, KeyConnectParent, int64(e.Connect.GoidParent))
	}
	putInt(a, KeyRequestEnd, e.Request.End)
	e.Request.put(a, &requestSide)
	if e.Response.Start != 0 {
		putInt(a, KeyResponseStart, e.Response.Start)
		e.Response.put(a, &responseSide)
	}
	if e.Context != "" {
		a.PutStr(KeyContext, e.Context)
	}
	if e.RequestID != "" {
		a.PutStr(KeyRequestID, e.RequestID)
	}
	putBool(a, KeyLossy, e.Lossy)
	putBool(a, KeyOpaque, e.Opaque)
	putBool(a, KeyHidden, e.Hidden)
}

func (m *Message) put(a Sink, k *side) {
	a.PutInt(k.seq, int64(m.Seq)) // zero is a position like any other
	putInt(a, k.len, int64(m.Len))
	putInt(a, k.tid, int64(m.TID))
	putInt(a, k.io, int64(m.IO))
	if m.Ops > 1 {
		a.PutInt(k.ops, int64(m.Ops))
	}
	putInt(a, k.tick, int64(m.Tick))
	putInt(a, k.goid, int64(m.Goid))
	putInt(a, k.parent, int64(m.GoidParent))
	putInt(a, k.waited, int64(m.Waited))
	if len(m.Handoffs) > 0 {
		var room [MaxHandoffs * handoffText]byte
		a.PutStr(k.handoffs, string(AppendHandoffs(room[:0], m.Handoffs)))
	}
}

// Read fills e with the evidence on span, keeping the capacity of its handoff
// lists, and reports whether span carries any (a TID on the request). A
// malformed handoff list is read as far as it is well formed.
func (e *Exchange) Read(span ptrace.Span) bool {
	e.reset()
	var at ends
	for k, v := range span.Attributes().All() {
		if isEvidence(k) {
			e.readKey(k, v)
		} else {
			at.read(k, v)
		}
	}
	e.Local = netip.AddrPortFrom(parse(at.local), at.localPort)
	e.Peer = netip.AddrPortFrom(parse(at.peer), at.peerPort)
	return e.close(span)
}

func (e *Exchange) reset() {
	*e = Exchange{
		Request:  Message{Handoffs: e.Request.Handoffs[:0]},
		Response: Message{Handoffs: e.Response.Handoffs[:0]},
	}
}

// close takes what is not in the attributes, and reports whether these were evidence.
func (e *Exchange) close(span ptrace.Span) bool {
	e.Request.Start, e.Response.End = int64(span.StartTimestamp()), 0
	if e.Response.Start != 0 {
		e.Response.End = int64(span.EndTimestamp())
	}
	return e.Request.TID != 0
}

// ends are the two ends of a connection, as attributes tell.
type ends struct {
	local, peer         string
	localPort, peerPort uint16
}

func (at *ends) read(k string, v pcommon.Value) {
	switch k {
	case keyLocalAddress:
		at.local = v.Str()
	case keyPeerAddress:
		at.peer = v.Str()
	case keyLocalPort:
		at.localPort = uint16(v.Int())
	case keyPeerPort:
		at.peerPort = uint16(v.Int())
	}
}

// parse returns the address that a text is, or none.
func parse(text string) netip.Addr {
	addr, _ := netip.ParseAddr(text)
	return addr.Unmap()
}

// Prefixes of the keys of a message after that of evidence. The suffixes are the same for both.
const (
	requestPrefix  = "request."
	responsePrefix = "response."
)

// isEvidence reports whether k is the key of evidence. Every attribute of every span is
// asked: up to 16 bytes that are compared with a constant in place are two instructions;
// strings.HasPrefix is a call.
func isEvidence(k string) bool {
	return len(k) >= len(Prefix) && k[:len(Prefix)] == Prefix
}

// readKey takes an attribute of which isEvidence is true.
func (e *Exchange) readKey(k string, v pcommon.Value) {
	rest := k[len(Prefix):]
	if n := len(requestPrefix); len(rest) > n && rest[:len(requestPrefix)] == requestPrefix { // as in isEvidence
		e.Request.read(rest[n:], v)
		return
	}
	if n := len(responsePrefix); len(rest) > n && rest[:len(responsePrefix)] == responsePrefix {
		e.Response.read(rest[n:], v)
		return
	}
	switch k {
	case KeyConnID:
		e.ConnID = uint64(v.Int())
	case KeyConnOrdinal:
		e.Ordinal = uint32(v.Int())
	case KeyConnectTime:
		e.ConnectTime = v.Int()
	case KeyConnectTID:
		e.Connect.TID = uint32(v.Int())
	case KeyConnectIO:
		e.Connect.IO = uint32(v.Int())
	case KeyConnectTick:
		e.Connect.Tick = uint32(v.Int())
	case KeyConnectGoid:
		e.Connect.Goid = uint64(v.Int())
	case KeyConnectParent:
		e.Connect.GoidParent = uint64(v.Int())
	case KeyContext:
		e.Context = v.Str()
	case KeyRequestID:
		e.RequestID = v.Str()
	case KeyLossy:
		e.Lossy = v.Bool()
	case KeyOpaque:
		e.Opaque = v.Bool()
	case KeyHidden:
		e.Hidden = v.Bool()
	case KeyParent:
		e.Decided, e.Parent = true, v.Str()
	}
}

// read takes an attribute by the suffix of its key. Suffixes are constants here, which
// makes this a jump, not a search.
func (m *Message) read(suffix string, v pcommon.Value) {
	switch suffix {
	case "start":
		m.Start = v.Int()
	case "end":
		m.End = v.Int()
	case "seq":
		m.Seq = uint32(v.Int())
	case "len":
		m.Len = uint32(v.Int())
	case "tid":
		m.TID = uint32(v.Int())
	case "io":
		m.IO = uint32(v.Int())
	case "ops":
		m.Ops = uint32(v.Int())
	case "tick":
		m.Tick = uint32(v.Int())
	case "goid":
		m.Goid = uint64(v.Int())
	case "goid_parent":
		m.GoidParent = uint64(v.Int())
	case "waited":
		m.Waited = Waited(v.Int())
	case "handoffs":
		m.Handoffs, _ = ParseHandoffs(m.Handoffs, v.Str())
	}
}

// Remove takes every evidence attribute off span.
func Remove(span ptrace.Span) {
	span.Attributes().RemoveIf(func(k string, _ pcommon.Value) bool {
		return isEvidence(k)
	})
}

// Reduce takes off span what the stitch processor of a gateway has no use for, once
// that of an agent has decided. What stays tells connection, positions, thread and
// context.
func Reduce(span ptrace.Span) {
	span.Attributes().RemoveIf(func(k string, _ pcommon.Value) bool {
		switch k {
		case KeyRequestTID, KeyRequestSeq, KeyRequestLen, KeyResponseStart, KeyResponseSeq, KeyResponseLen,
			KeyContext, KeyHidden:
			return false
		}
		return isEvidence(k)
	})
}

func putInt(a Sink, key string, v int64) {
	if v != 0 {
		a.PutInt(key, v)
	}
}

func putBool(a Sink, key string, v bool) {
	if v {
		a.PutBool(key, true)
	}
}
