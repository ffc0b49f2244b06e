package join

import (
	"net/netip"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/fifo"
)

// Config bounds what is held, and for how long. Times are in ns.
type Config struct {
	MaxWait     int64 // from the arrival of a span to its release
	SettleDelay int64 // from the last change of a tree without open questions
	PeerWait    int64 // for the other end of a connection
	// ApplicationWait is for the span of an SDK in a program that has one.
	ApplicationWait int64
	MaxSpans        int  // held
	MaxTrace        int  // spans of one tree
	MaxDepth        int  // of one tree
	BatchSize       int  // spans after which an output is handed over
	Apart           bool // the two ends of a connection are not joined
	Exact           bool // nor are they if the addresses differ
	Fragments       bool // another stitch processor goes on with what is released
	// Detached are the methods which prove that work was handed over before the reply.
	Detached map[string]bool
}

// Reason is why a trace left.
type Reason uint8

// Reasons.
const (
	Settled Reason = iota
	Deadline
	Full
	Shutdown
	Late // its parent had left before
	Reasons
)

// String is the value of the attribute reason in metrics.
func (r Reason) String() string {
	return [...]string{"settled", "deadline", "full", "shutdown", "late", "unknown"}[min(r, Reasons)]
}

// Guard is why a join or a link between spans was refused.
type Guard uint8

// Guards.
const (
	OneParent Guard = iota // the span has one
	Cycle                  // the parent is below the child
	Size                   // the trace would have too many spans
	Depth                  // or levels
	Trace                  // both sides have a context on the wire, of different traces
	Clock                  // the two ends of a connection do not overlap in time
	Gone                   // the child has left already
	Ambiguous              // several spans may be the other end
	Answered               // the work went on when its request was over
	Guards
)

// String is the value of the attribute guard in metrics.
func (g Guard) String() string {
	return [...]string{"one_parent", "cycle", "size", "depth", "trace", "clock", "gone", "ambiguous", "answered", "unknown"}[min(g, Guards)]
}

// Counts is what happened since they were reset last.
type Counts struct {
	Joins     [Paths]int
	Rejected  [Guards]int
	Spans     [Reasons]int // released
	Traces    [Reasons]int // likewise; a trace of a late span counts again
	Hidden    int          // dropped on release
	Forgotten int          // released spans given up before max_wait for lack of room
	Listeners int          // listening addresses, and processes that serve one, forgotten or not remembered for lack of room
	Hosts     int          // hosts likewise, which are taken for one
	Callers   int          // addresses of callers likewise
	Clocks    int          // pairs of hosts whose clocks are likewise
	Steps     int          // clocks that were found to have been set
	Decided   int          // spans that came with a decision
	// Applications is server spans of SDKs put below the kernel's, Restored their roots
	// put below the request whose context was lost, Unmatched what is not waited for,
	// for lack of room, Aliases trace ids that are not known any more, likewise.
	Applications, Restored, Unmatched, Aliases int
}

// Assembler holds spans and lets traces go. See the package.
type Assembler struct {
	config Config
	emit   func(ptrace.Traces)
	Counts Counts

	now       int64
	held      int
	spans     fifo.Of[*Span] // all that are remembered, by arrival
	unheld    int            // at the head of spans, known to be released
	settling  queue
	expecting queue
	applying  queue
	clients   map[connection]*Span
	servers   map[connection]*Span
	alike     map[position]*Span       // those without a peer
	ids       map[pcommon.SpanID]*Span // those that came with a decision
	seekers   map[pcommon.SpanID]*Span // those that look for the span with this id
	calls     map[call][]*Span         // requests that carried a context
	sdk       sdkSpans
	aliases   aliases
	hosts     map[string]*host
	listeners map[place]*listener
	callers   map[netip.Addr]*caller
	clocks    map[hostPair]*clock
	rooms     struct{ hosts, listeners, callers, clocks room }
	made      uint64 // hosts so far

	batch   int
	out     ptrace.Traces
	outSize int
	members []*Span // scratch of release
	trees   spareTrees
}

// New returns an empty assembler. Every batch handed to emit is the receiver's.
func New(c Config, emit func(ptrace.Traces)) *Assembler {
	return &Assembler{
		config: c, emit: emit, out: ptrace.NewTraces(), batch: 1,
		clients: map[connection]*Span{}, servers: map[connection]*Span{}, alike: map[position]*Span{},
		ids: map[pcommon.SpanID]*Span{}, seekers: map[pcommon.SpanID]*Span{},
		calls: map[call][]*Span{}, sdk: newSDKSpans(), aliases: newAliases(), hosts: map[string]*host{}, listeners: map[place]*listener{},
		callers: map[netip.Addr]*caller{}, clocks: map[hostPair]*clock{},
	}
}

// Held is the number of spans whose data is held.
func (a *Assembler) Held() int { return a.held }

// Add takes a span into hold, at a time that never goes back. ns.
func (a *Assembler) Add(s *Span, now int64) {
	a.now = max(a.now, now)
	s.added = true
	s.id, s.trace = s.Data.SpanID(), s.Data.TraceID()
	s.explicit = !s.WireParent.IsEmpty()
	a.learnAlias(s)
	s.tree = a.trees.take()
	*s.tree = tree{size: 1, depth: 1, changed: a.now, wire: a.aliases.of(s.wire())}
	a.ask(s, askLocal)
	a.held++
	a.spans.Push(s)
	a.hostOf(s.Process)
	if s.App != nil {
		a.apply(s)
	} else {
		a.settled(s)
		a.serving(s)
		a.calling(s)
		a.connect(s)
	}
	a.limit()
}

// limit lets the oldest traces go while there is too much.
func (a *Assembler) limit() {
	for a.held > a.config.MaxSpans {
		for a.spans.At(a.unheld).released {
			a.unheld++
		}
		a.release(a.spans.At(a.unheld).root(), Full)
	}
	for a.spans.Len() > 2*a.config.MaxSpans {
		a.forget(Full)
		a.Counts.Forgotten++
	}
}

// Basis is what a link rests on.
type Basis uint8

// Bases of links.
const (
	Witnessed Basis = iota // what was seen to happen
	Inferred               // what such requests do, or when: it overrules nobody's word
	Named                  // the program's own name for the request
)

// Linked hangs child under the parent that was found in its process. A parent from the
// wire stays, unless it is foreign, or the same that parent has and the basis says that
// this is no coincidence: child is the call of a proxy.
func (a *Assembler) Linked(child, parent *Span, method string, confidence float64, basis Basis) {
	if !child.added {
		return
	}
	yields := child.Foreign || basis == Named && child.WireParent == parent.WireParent
	if child.explicit && !yields {
		a.testify(child, parent, method, confidence, basis == Inferred)
		return
	}
	if a.hang(child, parent) {
		child.method, child.confidence, child.explicit = method, confidence, false
		child.forgetCandidate()
		a.answer(child, askCandidate)
	}
	a.answer(child, askLocal)
}

// Alone says that no parent was found for a call.
func (a *Assembler) Alone(child *Span) {
	a.answer(child, askLocal)
	a.heed(child)
}

// Low says that candidate may be the parent, but not surely enough: child gets a
// span link.
func (a *Assembler) Low(child, candidate *Span, method string, confidence float64) {
	switch {
	case !child.added:
	case child.explicit && !child.Foreign:
		a.testify(child, candidate, method, confidence, true)
	case !child.explicit:
		a.suggest(child, candidate, method, confidence)
	}
	a.answer(child, askLocal)
}

// suggest gives a span without a parent a link to what may be it.
func (a *Assembler) suggest(child, candidate *Span, method string, confidence float64) {
	if !child.released && child.parent == nil {
		child.more().candidate, child.method, child.confidence = candidate, method, confidence
		if !candidate.released {
			candidate.more().dependents = append(candidate.more().dependents, child)
			a.ask(child, askCandidate)
		}
	}
}

// forgetCandidate takes back what suggest gave.
func (s *Span) forgetCandidate() {
	if s.aside != nil {
		s.aside.candidate = nil
	}
}

// Revoked takes child from the parent that Linked gave it, if it is still here.
func (a *Assembler) Revoked(child *Span) {
	a.recant(child)
	if child.released || child.parent == nil || child.parent.App != nil || child.joined && child.Server {
		return
	}
	child.method, child.confidence = "", 0
	child.explicit = !child.WireParent.IsEmpty()
	a.uproot(child)
}

// uproot takes a span from its parent.
func (a *Assembler) uproot(s *Span) {
	root := s.root()
	s.detach()
	a.replant(s)
	if root != s {
		a.replant(root)
	}
}

// replant counts the tree of a root anew.
func (a *Assembler) replant(root *Span) {
	queued := root.tree != nil && root.tree.queued
	if root.tree == nil {
		root.tree = a.trees.take()
	}
	t := root.tree
	*t = tree{changed: a.now, queued: queued}
	root.walk(func(s *Span) {
		t.size++
		t.depth = max(t.depth, s.level()+1)
		t.open += s.open.count()
		t.wire = t.wire.or(a.aliases.of(s.wire()))
	})
	a.settleSoon(root)
}

// Quiet says that every call that began while a request was open is decided.
func (a *Assembler) Quiet(s *Span) { a.answer(s, askLocal) }

// hang puts child below parent, and reports whether it did.
func (a *Assembler) hang(child, parent *Span) bool {
	if g := a.check(child, parent); g != Guards {
		a.Counts.Rejected[g]++
		return false
	}
	below := child.tree
	child.parent, child.next, child.tree = parent, parent.first, nil
	if parent.released {
		// The child stays the root of a tree, under a parent which has left.
		child.next, child.tree = nil, below
		below.changed = a.now
		return true
	}
	parent.first = child
	root := parent.root()
	t := root.tree
	t.size += below.size
	t.depth = max(t.depth, parent.level()+1+below.depth)
	t.open += below.open
	t.changed = a.now
	t.wire = t.wire.or(below.wire)
	a.trees.giveBack(below)
	a.settleSoon(root)
	return true
}

// check returns why child cannot hang below parent, or Guards.
func (a *Assembler) check(child, parent *Span) Guard {
	switch {
	case child.released:
		return Gone
	case child.parent != nil:
		return OneParent
	case parent == child:
		return Cycle
	case parent.released:
		if w := a.aliases.of(child.tree.wire); parent.format == tracectx.Unknown && !w.trace.IsEmpty() && w.trace != parent.trace ||
			w.contradicts(wire{parent.trace, parent.format}) {
			return Trace
		}
		return Guards
	}
	root := parent.root()
	t, below := root.tree, child.tree
	switch {
	case root == child:
		return Cycle
	case int(t.size+below.size) > a.config.MaxTrace:
		return Size
	case int(parent.level()+1+below.depth) > a.config.MaxDepth:
		return Depth
	case a.aliases.of(t.wire).contradicts(a.aliases.of(below.wire)):
		return Trace
	}
	return Guards
}
