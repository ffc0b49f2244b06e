package evidence

import "net/netip"

// Kind is what a thread last did: the end of the connection and the direction.
type Kind uint8

// Kinds of messages.
const (
	None        Kind = iota
	ServerRead       // a request came in
	ServerWrite      // its reply went out
	ClientWrite      // a call went out
	ClientRead       // its reply came in
	Unknown          // on a connection whose role is not known
)

// Edge is how one thread handed something to another.
type Edge uint8

// Kinds of handoff edges.
const (
	NoEdge Edge = iota
	Futex       // woken on the futex word it waited on
	FD          // woken by a write to an eventfd, pipe or socketpair
	FDRead      // read such an fd that had been written while it was awake
	Clone       // created by the other thread
	Exit        // joined the other thread
)

// Waited is a set of the things that a thread slept on since its previous I/O.
type Waited uint8

// Members of Waited.
const (
	WaitedFutex Waited = 1 << iota
	WaitedPoll
	WaitedEpoll
	WaitedSleep
	WaitedFD
)

// Point is a place in the life of a thread.
type Point struct {
	TID  uint32
	IO   uint32 // ordinal of this I/O among all socket I/O of the thread, from 1
	Tick uint32 // returns from epoll_wait on this thread so far
	// Goid and GoidParent are the goroutine and its creator; zero if not Go.
	Goid, GoidParent uint64
}

// Handoff says that the thread of a message was woken, created or signalled by
// another one, which was (or which continued the work of one which was) at the
// message that is the SourceIO-th I/O of thread SourceTID.
type Handoff struct {
	Time      int64  // Unix ns, of the last hop
	Address   uint64 // futex word or identity of the file
	SourceTID uint32
	SourceIO  uint32
	WakerTID  uint32 // thread of the last hop
	Source    Kind
	Edge      Edge
	Hops      uint8 // threads between source and waker; 0: they are the same
}

// Message is the evidence of one request or response.
//
// Start and End are Unix ns: enter of the first write to exit of the last one,
// or exit of the first read to exit of the last one. Point is that of the last
// segment for a message read and of the first segment for a message written:
// the moment from which, or until which, it can have caused or been caused.
type Message struct {
	Start, End int64
	Point
	Seq      uint32 // TCP position of the first byte
	Len      uint32 // bytes, modulo 2^32
	Ops      uint32 // system calls; 0 means 1
	Waited   Waited
	Handoffs []Handoff
}

// Exchange is the evidence of one kernel span: a request and its response on
// one connection. Response.Start is zero when there was none.
type Exchange struct {
	ConnID  uint64
	Ordinal uint32 // exchanges before this one on the connection
	// Local and Peer are the ends of the connection, from network.local.* and
	// network.peer.*.
	Local, Peer netip.AddrPort
	// Connect is who opened the connection and when: on the first exchange of a
	// client connection whose connect was seen, else zero. Connect.IO is the last
	// I/O of the thread before it: connect has no ordinal of its own.
	Connect     Point
	ConnectTime int64

	Request, Response Message

	Context   string // the text of tracectx.Contexts
	RequestID string
	Lossy     bool
	Opaque    bool
	Hidden    bool
	// Decided says that a stitch processor has decided on the span: there is a
	// KeyParent, which is Parent. Both are read only.
	Decided bool
	Parent  string
}
