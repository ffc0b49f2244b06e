package evidence

// Keys of span attributes. Zero values are left out. The suffixes under
// Request and Response are the same; see docs/evidence.md for the meaning.
const (
	// Prefix is shared by every evidence attribute, and by nothing else.
	Prefix = "evidence."

	KeyConnID      = "evidence.conn.id"
	KeyConnOrdinal = "evidence.conn.ordinal"

	KeyConnectTime   = "evidence.connect.time"
	KeyConnectTID    = "evidence.connect.tid"
	KeyConnectIO     = "evidence.connect.io"
	KeyConnectTick   = "evidence.connect.tick"
	KeyConnectGoid   = "evidence.connect.goid"
	KeyConnectParent = "evidence.connect.goid_parent"

	KeyRequestEnd      = "evidence.request.end"
	KeyRequestSeq      = "evidence.request.seq"
	KeyRequestLen      = "evidence.request.len"
	KeyRequestTID      = "evidence.request.tid"
	KeyRequestIO       = "evidence.request.io"
	KeyRequestOps      = "evidence.request.ops"
	KeyRequestTick     = "evidence.request.tick"
	KeyRequestGoid     = "evidence.request.goid"
	KeyRequestParent   = "evidence.request.goid_parent"
	KeyRequestWaited   = "evidence.request.waited"
	KeyRequestHandoffs = "evidence.request.handoffs"

	KeyResponseStart    = "evidence.response.start"
	KeyResponseSeq      = "evidence.response.seq"
	KeyResponseLen      = "evidence.response.len"
	KeyResponseTID      = "evidence.response.tid"
	KeyResponseIO       = "evidence.response.io"
	KeyResponseOps      = "evidence.response.ops"
	KeyResponseTick     = "evidence.response.tick"
	KeyResponseGoid     = "evidence.response.goid"
	KeyResponseParent   = "evidence.response.goid_parent"
	KeyResponseWaited   = "evidence.response.waited"
	KeyResponseHandoffs = "evidence.response.handoffs"

	// KeyContext is the trace contexts found in the request on the wire.
	KeyContext = "evidence.context"
	// KeyRequestID is an id in the request which proxies pass on unchanged.
	KeyRequestID = "evidence.request_id"
	// KeyLossy marks an exchange in which bytes or events are known to be missing.
	KeyLossy = "evidence.lossy"
	// KeyOpaque marks an exchange told by changes of direction alone.
	KeyOpaque = "evidence.opaque"
	// KeyHidden marks a span that serves as evidence only: the stitch processor
	// drops it on release and gives its children to its parent.
	KeyHidden = "evidence.hidden"
	// KeyParent says that a stitch processor has decided on this span. It is the id, in
	// hexadecimal, of the span of the same host that caused it, empty if none is known.
	KeyParent = "evidence.parent"
)

// KeyWatermark is a key of *scope* attributes: every server span of this process
// that began before the time it states (Unix nanoseconds) has been delivered.
const KeyWatermark = "evidence.watermark"

// KeyCalls is one, too: every client span of this host that began before the time it
// states has been delivered, in this batch or an earlier one.
const KeyCalls = "evidence.calls"

// Keys of what the request on the wire said, which outlive the evidence.
const (
	// KeyContextFormat names the format of the context that gave the trace id.
	KeyContextFormat = "trace.context.format"
	// KeyContextRaw lists how other systems call this trace, where that differs from
	// the trace id: a format and an id each, with a colon between.
	KeyContextRaw = "trace.context.raw"
	// KeySharedID is the id, in hexadecimal, that a server's span had in common with the
	// client's span of the call.
	KeySharedID = "trace.span.shared"
)

// Keys of kernel facts. They say nothing about causes, so they are no evidence and
// stay.
const (
	// KeyRetransmits counts the TCP segments that this host had to send again for an
	// exchange.
	KeyRetransmits = "tcp.retransmits"
	// KeyFailed is true if the connection could not be made, or broke.
	KeyFailed = "tcp.failed"
)

// Keys of what the stitch processor says, which outlive the evidence.
const (
	// KeyMethod names the kind of evidence that decided a span's parent.
	KeyMethod = "stitch.method"
	// KeyConfidence is the probability (0..1) that this parent is right.
	KeyConfidence = "stitch.confidence"
	// KeySettled is true on the root of a trace that nothing can join any more.
	KeySettled = "stitch.settled"
	// KeyClockSkew is on the server span of a request from another host: how far this
	// host's clock is ahead of the caller's (ns), as their requests tell.
	KeyClockSkew = "stitch.clock_skew"
)
