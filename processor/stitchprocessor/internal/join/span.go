package join

import (
	"net/netip"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
)

// Group is the resource and scope that spans came under and leave under.
type Group struct {
	Resource       pcommon.Resource
	ResourceSchema string
	Scope          pcommon.InstrumentationScope
	ScopeSchema    string

	batch int // of the output that has a place for it
	out   ptrace.SpanSlice
}

// host is one machine: what has one clock and one loopback.
type host struct {
	id      uint64
	calls   int64   // all calls that began before are here; Unix ns
	waiting []*Span // requests that may have been made here, for the call
	used    int64   // when the last span came, ns
	gone    bool    // it has made room for another one
}

// Process is one process instance, as far as other processes need to know.
type Process struct {
	hostID string

	host      *host // set when the first span is added
	watermark int64
	seen      int64 // when the watermark came
	serves    []*listener

	instrumented bool    // an SDK in it has told of requests
	unmatched    []*Span // requests without a context that may yet get an SDK's span
	waiting      []*Span // SDK's server spans that wait for the kernel's
}

// NewProcess returns a process on the host with this id.
func NewProcess(hostID string) *Process { return &Process{hostID: hostID} }

// Span is a held span. The creator sets the exported fields and hands it to Add; from
// then on it belongs to the Assembler, and is no more than a handle to others.
type Span struct {
	Data    ptrace.Span // until it is released
	Group   *Group
	Process *Process

	// Local and Peer are the ends of the connection, Seq and Len the TCP position of
	// the request, ReplySeq and ReplyLen that of its reply, zero if there is none.
	// Without a valid pair of addresses the span is not joined.
	Local, Peer        netip.AddrPort
	Seq, Len           uint32
	ReplySeq, ReplyLen uint32
	// WireTrace and WireParent are the context in the request, or zero; WireParent
	// also if the context names no caller.
	WireTrace  pcommon.TraceID
	WireParent pcommon.SpanID
	Start, End int64 // Unix ns
	Arrived    int64 // on the caller's clock, ns
	// Verdict is what another stitch processor has decided. Nil: this one decides.
	Verdict *Verdict
	// App is set for a span of an SDK, which has no evidence.
	App *Application

	Server     bool
	Hidden     bool // is dropped on release, its children go to its parent
	WireFormat tracectx.Format
	// Foreign says that the caller's span is one of another system, which never comes
	// under the id that WireParent is: a parent that is found is better.
	Foreign bool

	format   tracectx.Format // of trace, once released; zero for an own one
	open     question
	explicit bool // WireParent stays the parent
	added    bool
	released bool
	joined   bool
	decided  bool // by another stitch processor
	listed   bool // among those at its position

	restored bool // an SDK's root has its parent from here
	vague    bool // cause is not sure enough

	method     string
	confidence float64
	aside      *aside // nil for most

	parent, first, next *Span // children are a list
	tree                *tree // of a root that is held
	id                  pcommon.SpanID
	trace               pcommon.TraceID // own one; final once released

	alike *Span // next one at the same position
}

// aside is what few spans have, apart from the others since it would make them larger.
type aside struct {
	candidate  *Span   // of a link that is not sure enough for a parent
	dependents []*Span // whose candidate this is
	// cause is the request that evidence names for a call whose parent the program
	// itself names: method and confidence are of that.
	cause *Span
	view  *Span // of a request: the SDK's span of it, which is below
	lost  *Span // of a request: the first of the SDK's roots that seek its view
	seeks *Span // the next one that looks for the same span as this one
}

// more returns what few spans have, to be changed.
func (s *Span) more() *aside {
	if s.aside == nil {
		s.aside = &aside{}
	}
	return s.aside
}

// rare returns what few spans have, to be read.
func (s *Span) rare() aside {
	if s.aside == nil {
		return aside{}
	}
	return *s.aside
}

// tree is what the root of held spans knows of them.
type tree struct {
	changed int64
	wire    wire // trace id found on the wire in a member
	queued  bool // in the queue of trees that may settle
	size    int32
	depth   int32
	open    int32 // questions
}

// spareTrees are those of spans that are no roots any more, to be used again.
type spareTrees []*tree

// maxSpareTrees bounds them.
const maxSpareTrees = 4096

// take returns a tree whose fields are anything.
func (t *spareTrees) take() *tree {
	n := len(*t)
	if n == 0 {
		return &tree{}
	}
	last := (*t)[n-1]
	*t = (*t)[:n-1]
	return last
}

// giveBack takes a tree that nobody has any more.
func (t *spareTrees) giveBack(unused *tree) {
	if len(*t) < maxSpareTrees {
		*t = append(*t, unused)
	}
}

// wire is a trace id found on the wire, and how it was written.
type wire struct {
	trace  pcommon.TraceID
	format tracectx.Format
}

// contradicts reports whether both are there, in one format, and differ. Two systems
// may well have different ids for one trace.
func (w wire) contradicts(other wire) bool {
	return w.format == other.format && w.trace != other.trace && !w.trace.IsEmpty() && !other.trace.IsEmpty()
}

// or returns the one that decides for both: by the order of the formats.
func (w wire) or(other wire) wire {
	if w.trace.IsEmpty() || !other.trace.IsEmpty() && other.format < w.format {
		return other
	}
	return w
}

func (s *Span) wire() wire { return wire{s.WireTrace, s.WireFormat} }

// question is a set of things that a span waits for.
type question uint8

const (
	askLocal       question = 1 << iota // its parent, or its children, in its process
	askPeer                             // the other end of its connection
	askCandidate                        // the trace id of its candidate
	askApplication                      // the SDK's view of the request
)

// root returns the topmost held span above s.
func (s *Span) root() *Span {
	for s.parent != nil && !s.parent.released {
		s = s.parent
	}
	return s
}

// level is how many held spans are above s.
func (s *Span) level() int32 {
	n := int32(0)
	for s.parent != nil && !s.parent.released {
		s = s.parent
		n++
	}
	return n
}

// walk calls f for s and everything below it, parents first.
func (s *Span) walk(f func(*Span)) {
	f(s)
	at := s
	for {
		switch {
		case at.first != nil:
			at = at.first
		default:
			for at != s && at.next == nil {
				at = at.parent
			}
			if at == s {
				return
			}
			at = at.next
		}
		f(at)
	}
}

func (s *Span) detach() {
	p := &s.parent.first
	for *p != nil && *p != s {
		p = &(*p).next
	}
	if *p == s {
		*p = s.next
	}
	s.parent, s.next = nil, nil
}
