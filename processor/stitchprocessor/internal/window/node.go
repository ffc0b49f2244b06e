package window

import (
	"slices"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/slab"
)

// State is how far the question for the parent of a call has come. For a server
// span it stays Undecided: its parent is not in this process.
type State uint8

// States of a node.
const (
	Undecided State = iota
	Linked          // Parent is set
	Orphan          // given up
)

// Carried is what a request carried on the wire.
type Carried struct {
	// Contexts are its trace contexts, the one that decides first.
	Contexts []Context
	// RequestID is an id that proxies pass on, or a trace id without a caller.
	RequestID string
}

// Connect is a call of connect.
type Connect struct {
	evidence.Point
	Time int64 // Unix ns
}

// Context is a trace context on the wire.
type Context struct {
	Trace  [16]byte
	Caller [8]byte // the caller's span; zero if it is not named
	Above  [8]byte // the parent of that, likewise
	Format uint8   // how it was written
}

// Node is one span of the process with its evidence. Fields are set before Add
// and not changed afterwards, but for those under "verdict", which belong to the
// solver, and Note, which belongs to the linker.
type Node struct {
	// Ref is the caller's own handle on the span.
	Ref     any
	Process *Process

	ConnID uint64
	// Peer tells whom: equal ends of connections have equal ones. See PeerOf.
	Peer uint64
	// Operation tells what is asked for, apart from whom: equal questions have equal ones.
	Operation uint64
	// Connect is where and when connect was called. Nil unless this is the first
	// exchange of a connection whose connect was seen.
	Connect *Connect
	// Carried is what the request carried. Nil: nothing, as nearly always.
	Carried *Carried

	Request, Response Message
	// End is when the span ended, Unix ns. It starts with Request.Start.
	End int64
	// Arrived is when the span came in, on the caller's clock, in ns.
	Arrived int64

	Ordinal uint32 // exchanges before this one on the connection
	// Children is how many calls are taken to belong to it. It is part of the verdict.
	Children int32
	Server   bool // a request that was read here, else a call that was made
	Opaque   bool
	Lossy    bool

	indexed  bool
	resolved bool // no longer among the undecided calls

	// Verdict.
	State      State
	Kind       Kind
	Disputed   bool // decisive evidence contradicted itself
	Parent     *Node
	Confidence float64
	Claims     []Claim

	// Note is what the linker remembers of this node.
	Note Note
	// Twin is the same span in a window of its own. See Blind.
	Twin *Node

	// until is, of an undecided call, when it can be given up, of a server the latest
	// Answered among the servers up to this one.
	until   int64
	pending *pending // nil for most
}

// pending is what waits for a node, and what it waits for.
type pending struct {
	blocks []*Node  // requests whose owner waits for the decision on this call
	awaits []uint64 // messages, by key
	first  [1]*Node // room for blocks: most have one
}

// waits returns what the node waits for and what waits for it, to be changed.
func (n *Node) waits() *pending {
	if n.pending == nil {
		n.pending = n.memory().pending.Next()
	}
	return n.pending
}

// awaited are the keys of the messages that the node waits for.
func (n *Node) awaited() []uint64 {
	if n.pending == nil {
		return nil
	}
	return n.pending.awaits
}

// Block notes that the owner of request waits for the decision on this call.
func (n *Node) Block(request *Node) {
	w := n.waits()
	if w.blocks == nil {
		w.blocks = w.first[:0]
	}
	w.blocks = append(w.blocks, request)
}

// Unblock returns the requests whose owner waited, and forgets them.
func (n *Node) Unblock() []*Node {
	if n.pending == nil {
		return nil
	}
	blocks := n.pending.blocks
	n.pending.blocks = nil
	return blocks
}

// Note is scratch space of the link rules.
type Note struct {
	Turn    *Turn    // what an event loop is taken to have made this call for. Nil: nothing
	Led     *Led     // what this request led to. Nil: nothing that is known
	Fits    [2]*Node // requests that this call may belong to best, as of the last look
	ToldAt  int64    // when a thread told an event loop of this call, Unix ns
	WokenAt int64    // when a thread woke the one that replied to do so, Unix ns
	Free    int64    // since when the thread that made this call was free to do so, Unix ns
	Woke    int64    // when what was read first made its thread wake another one, Unix ns
	Loop    uint32   // thread of the event loop that was told of this call
	Told    uint32   // turn in which it was
	WokenBy uint32   // thread that woke the one that replied
	Place   int32    // in the queue of an event loop's requests, or of its calls
	Tries   uint8    // times that the decision on this call was put off
	Retries uint8    // times the rules ran again because something came late
	Walks   uint8    // times its thread's I/O was walked for a call that was ripe
	Waited  bool     // for its connection
	Doubt   bool     // a reply may have been due to this call or to another one
	Swapped bool     // it may have changed places with another one
	Counted bool     // it has been taken into account what such calls follow
}

// Turn is what an event loop is taken to have made a call for, if it has lag 0 or 1.
type Turn struct {
	Labels   [2]*Node // request that the call belongs to
	Previous [2]*Node // call whose reply led to this one
	Before   *Node    // call that the same read had led to before this one, without a lag
	Taken    int64    // place among those that waited for a connection
	// Prompt is 1 for the first thing that was written after the request, which was the last
	// one read in its turn, and 2 for what followed; 0 for others.
	Prompt uint8
	Timed  bool // nothing had been read in its turn
	// Certainty is that of Labels, as the linker understands it.
	Certainty [2]uint8
}

// Turn returns what an event loop made the call for, to be read.
func (n *Node) Turn() Turn {
	if n.Note.Turn == nil {
		return Turn{}
	}
	return *n.Note.Turn
}

// Turned returns the same, to be changed.
func (n *Node) Turned() *Turn {
	if n.Note.Turn == nil {
		n.Note.Turn = n.memory().turns.Next()
	}
	return n.Note.Turn
}

// Led is what is known of the calls that a request led to.
type Led struct {
	Made []*Node  // that are known to belong to it
	Late []uint64 // operations of those that ended after it

	first [2]*Node // room for Made: most have no more
}

// memory is where what most nodes have of these comes from, many at a time. What has left is
// emptied: beside it lies what is still in use, and must not keep others alive.
type memory struct {
	turns   slab.Of[Turn]
	led     slab.Of[Led]
	pending slab.Of[pending]
}

// memory returns that of the window, or some of its own for a node that is in none.
func (n *Node) memory() *memory {
	if n.Process == nil {
		return &memory{}
	}
	return &n.Process.memory
}

// forget lets go of all that n knew: others may still point here, or lie beside it, and the
// chain of memory is to end with n.
func (n *Node) forget() {
	if n.Note.Turn != nil {
		*n.Note.Turn = Turn{}
	}
	if n.Note.Led != nil {
		*n.Note.Led = Led{}
	}
	if n.pending != nil {
		*n.pending = pending{}
	}
	n.Process, n.Ref, n.Parent, n.Claims, n.pending, n.Note = nil, nil, nil, nil, nil, Note{}
}

// Made returns the calls that are known to belong to the request, as far as the linker
// keeps them.
func (n *Node) Made() []*Node {
	if n.Note.Led == nil {
		return nil
	}
	return n.Note.Led.Made
}

// Late returns the operations of the calls of the request that ended after it.
func (n *Node) Late() []uint64 {
	if n.Note.Led == nil {
		return nil
	}
	return n.Note.Led.Late
}

// Led returns what is known of the calls of the request, to be changed.
func (n *Node) Led() *Led {
	if n.Note.Led == nil {
		led := n.memory().led.Next()
		led.Made = led.first[:0]
		n.Note.Led = led
	}
	return n.Note.Led
}

// Nodes makes nodes, many of which come and leave together. It has one owner.
type Nodes struct{ slab slab.Of[Node] }

// New makes a node of a span's evidence. It keeps copies of the handoff lists
// of e, no other memory of it. Times that cannot be are brought into range. The
// caller sets Ref, Arrived, Operation and Carried.
func (s *Nodes) New(e *evidence.Exchange, server bool, end int64) *Node {
	return s.slab.Next().describe(e, server, end)
}

// NewNode makes a single node, like Nodes.New.
func NewNode(e *evidence.Exchange, server bool, end int64) *Node {
	return new(Node).describe(e, server, end)
}

func (n *Node) describe(e *evidence.Exchange, server bool, end int64) *Node {
	n.Server, n.Opaque, n.Lossy = server, e.Opaque, e.Lossy
	n.ConnID, n.Ordinal, n.Peer = e.ConnID, e.Ordinal, PeerOf(e.Peer)
	n.End = plausible(end)
	if t := plausible(e.ConnectTime); t != 0 {
		n.Connect = &Connect{e.Connect, t}
	}
	in, out := evidence.ClientWrite, evidence.ClientRead
	if server {
		in, out = evidence.ServerRead, evidence.ServerWrite
	}
	n.Request, n.Response = n.message(&e.Request, in), n.message(&e.Response, out)
	return n
}

// Blind returns a node of the same span, undecided, that has nothing of what its request
// carried: no context, no request id. It is n's Twin from now on, and shares no memory
// with it that changes. It is in no window.
func (n *Node) Blind() *Node {
	t := &Node{
		Server: n.Server, Opaque: n.Opaque, Lossy: n.Lossy,
		ConnID: n.ConnID, Ordinal: n.Ordinal, Peer: n.Peer, Operation: n.Operation,
		Connect: n.Connect,
		Request: n.Request, Response: n.Response, End: n.End, Arrived: n.Arrived,
	}
	for _, m := range [...]*Message{&t.Request, &t.Response} {
		m.Node, m.Handoffs = t, slices.Clone(m.Handoffs)
	}
	n.Twin = t
	return t
}

// Start is when the first byte of the request moved, Unix ns.
func (n *Node) Start() int64 { return n.Request.Start }

// HasResponse reports whether the second message exists.
func (n *Node) HasResponse() bool { return n.Response.Start != 0 }

// Answered is when the response began, or the end of the span if there was none.
func (n *Node) Answered() int64 {
	if n.HasResponse() {
		return n.Response.Start
	}
	return n.End
}

// Contexts returns the trace contexts that the request carried.
func (n *Node) Contexts() []Context {
	if n.Carried == nil {
		return nil
	}
	return n.Carried.Contexts
}

// RequestID returns the request id that it carried, or nothing.
func (n *Node) RequestID() string {
	if n.Carried == nil {
		return ""
	}
	return n.Carried.RequestID
}

// Contradicts reports whether n and other are of different traces: both carry a
// context of one format, and they have no trace id in common. Contexts of different
// formats say nothing about each other.
func (n *Node) Contradicts(other *Node) bool {
	found := false
	for _, a := range n.Contexts() { // nearly always none
		for _, b := range other.Contexts() {
			if a.Trace == b.Trace {
				return false
			}
			found = found || a.Format == b.Format
		}
	}
	return found
}
