package link

import (
	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/assign"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// rule makes the claims that one kind of evidence gives for a node.
type rule func(l *Linker, n *window.Node)

// Rules by the moment when they run, in no particular order.
var (
	onRequest = [...]rule{contextOfRequest, goroutineOfRequest, owns, servedInARun, repliesAfterRead, finished, postsBack}
	onCall    = [...]rule{contextOfCall, goroutineOfCall, noteWakes}
	onRipe    = [...]rule{ownedAfterAll, repliedAfterAll, repliedAfterWait, repliedInBurst, adjacent, ledTo, posts, followsNext, precedesNext, submitted, createdBy, cloned, clonedInside}
	onCount   = [...]rule{prompted, leftOver, balanced, inTurn, ranInTurn}
	onTime    = [...]rule{onlyOne, eliminated, inOrder, isolated}
	// supporting are the rules whose claims are compared with certain links.
	supporting = [...]rule{adjacent, posts, followsNext, submitted, createdBy, sameRequestID, inOrder, isolated}
)

// Linker finds the claims in the window of one process, and holds what it has
// learned of the process: locks, event loops, how good its supporting evidence is.
// It has one owner, like the window.
type Linker struct {
	p     *window.Process
	claim func(call *window.Node, c window.Claim) // to sink, or to be compared
	sink  func(call *window.Node, c window.Claim)

	locks     locks
	loops     loops
	serial    serial
	trust     reputations
	quiet     background
	wakes     wakeups
	tasks     tasks
	replies   replies
	shapes    shapes
	habits    habits
	hops      relays
	dials     dials
	repeats   repeats
	prompts   prompts
	isolation isolations
	ledgers   ledgers
	debts     debts
	runs      runQueues
	review    []*window.Node // linked calls to learn from
	orders    []*window.Node // linked calls to learn orders from
	unlearned int            // links that found no room among these

	separate bool

	// Scratch of the time rules.
	crowded      bool // one had too many requests to look at
	present      present
	open, rivals []*window.Node
	costs        []float64
	problem      assign.Problem
}

// New returns a linker for p that hands its claims to sink. Claims about a call
// may come until it leaves the window, and more than once; one with a score of
// zero is made for the record only and must not count.
func New(p *window.Process, sink func(call *window.Node, c window.Claim)) *Linker {
	l := &Linker{p: p, sink: sink, locks: newLocks(), loops: newLoops(), ledgers: newLedgers()}
	l.quiet.peers.limit, l.dials.freed.limit = maxPeers, maxPeers
	l.trust.endpoints.limit, l.trust.sequels.limit = maxEndpoints, maxSequels
	l.shapes.seen.limit, l.repeats.of.limit = maxShapes, maxErrands
	l.habits.workers.limit, l.habits.lost.next.limit = maxWorkers, maxFollowed
	l.claim = l.hand
	return l
}

// hand hands on a claim, without a score if such claims have been wrong of calls to that
// endpoint.
func (l *Linker) hand(call *window.Node, c window.Claim) {
	if l.trust.endpoints.silences(call.Peer, c.Kind) {
		c.Score = 0
	}
	l.sink(call, c)
}

// Separate makes l look at every call as if no other one competed for its request.
func (l *Linker) Separate() { l.separate = true }

// maxRetries bounds how often late messages make the rules run again for a node.
const maxRetries = 8

// Learn takes in what a node tells of the process at large. It comes before Arrived,
// best for all the nodes that came together.
func (l *Linker) Learn(n *window.Node) {
	l.learn(&n.Request)
	l.learn(&n.Response)
	l.tasks.observe(n)
	l.habits.observe(l.p, n, len(l.loops.list))
	l.ledgers.observe(n)
	l.debts.observe(n)
	l.dials.observe(n)
	l.isolation.observe(n)
	l.loops.watch(n)
}

// Arrived runs the rules for a node that is new in the window.
func (l *Linker) Arrived(n *window.Node) { l.run(n) }

// Again runs the rules for a node that awaited a message which is here now.
func (l *Linker) Again(n *window.Node) {
	if n.Note.Retries < maxRetries {
		n.Note.Retries++
		l.run(n)
	}
}

func (l *Linker) run(n *window.Node) {
	l.learnSources(&n.Request)
	l.learnSources(&n.Response)
	if n.Server {
		for _, r := range onRequest {
			r(l, n)
		}
		return
	}
	for _, r := range onCall {
		r(l, n)
	}
}

// Advance replays what the event loops did before t, at which time everything
// must have arrived, and learns from the links of calls that ended before. Unix ns.
func (l *Linker) Advance(t int64) {
	l.habits.settle()
	l.loops.advance(l, t)
	later := l.review[:0]
	for _, c := range l.review {
		if c.End >= t {
			later = append(later, c)
		} else if c.State == window.Linked {
			l.compare(c)
		}
	}
	clear(l.review[len(later):])
	l.review = later
	l.learnOrders(t)
}

// Rest says that the process has done nothing for a while, t being about now (Unix ns): the
// last turns of its event loops are over.
func (l *Linker) Rest(t int64) { l.loops.rest(l, t) }

// learnOrder learns from the place of a call, or later: where a pool is waited for, what
// began before counts, too.
func (l *Linker) learnOrder(c *window.Node) {
	if lands(c.Parent) {
		l.habits.learnPlace(c)
	} else if len(l.orders) < maxReview {
		l.orders = append(l.orders, c)
	} else {
		l.unlearned++
	}
}

// learnOrders learns from the places of calls that ended before t and of what they
// followed: all that began before has a place by then.
func (l *Linker) learnOrders(t int64) {
	later := l.orders[:0]
	for _, c := range l.orders {
		if c.End >= t {
			later = append(later, c)
		} else if c.Process != nil && c.State == window.Linked && c.Parent.Process != nil {
			l.vote(c)
			l.habits.learnPlace(c)
		}
	}
	clear(l.orders[len(later):])
	l.orders = later
}

// Forget is called before a node leaves the window: what it did in an event loop
// is replayed now or never.
func (l *Linker) Forget(n *window.Node) {
	if n.Request.Loop() || n.Response.Loop() {
		l.Advance(n.End + 1)
	}
}

// Wait returns until which time (Unix ns) the decision on a ripe call should be
// put off, because an event loop is yet to be replayed up to the reply of the
// request that the call may belong to, or because others may be decided first, and it is
// tried again after now. Zero: decide now.
func (l *Linker) Wait(call *window.Node, now int64) int64 {
	var until int64
	for _, r := range call.Turn().Labels {
		if r != nil {
			until = max(until, r.Answered()+turnGrace)
		}
	}
	if l.tasks.undecided(call) || !l.replies.habit() && replyAfter(l, call) != nil {
		until = max(until, call.End+taskGrace)
	}
	until = max(until, l.waitForRest(call, now), l.waitForLanding(call), l.waitForBalance(call), l.waitForCadence(call))
	if !l.loops.wakes.told || call.Response.Loop() {
		return until
	}
	// A loop may have been told of this call: its reply is one of the next ones.
	l.open, _ = l.p.Overlapping(l.open[:0], call.End, call.End, maxOpen)
	for _, r := range l.open {
		until = max(until, r.Answered()+turnGrace)
	}
	return until
}

// Ripe runs the last rules for an undecided call. all says that every request which
// was open during the call is known, without which time tells nothing. It reports false
// if there were too many requests to look at: what a call costs does not grow with the
// load.
func (l *Linker) Ripe(call *window.Node, all bool) bool {
	l.crowded = false
	l.present.of = nil
	for _, r := range onRipe {
		r(l, call)
	}
	if !all {
		return true
	}
	l.quiet.observe(l, call)
	sameRequestID(l, call)
	if l.afterwards(call) {
		return true
	}
	for _, r := range onCount {
		r(l, call)
	}
	if l.counted(call) && !l.quiet.never(call.Peer) {
		return !l.crowded
	}
	for _, r := range onTime {
		r(l, call)
	}
	return !l.crowded
}

// maxReview bounds the links to learn from that wait for everything to be known.
const maxReview = 1024

// Decided takes note of a decision that better evidence has made. When all that was
// going on at the time is known, it tells how good the supporting evidence is here:
// before, what contradicts would be missing.
func (l *Linker) Decided(call *window.Node) {
	l.wakes.decided(call)
	if call.State != window.Linked {
		return
	}
	l.isolation.linked(call)
	l.prompts.linked(call)
	l.queued(call, call.Parent)
	if l.habits.learn(call) {
		l.learnOrder(call)
	}
	l.debts.learn(call, l.p.Watermark)
	l.repeats.learn(call)
	l.runs.learn(call)
	d := Describe(call.Kind)
	if d.Trust < window.Likely || d.Class == Pattern || call.Kind == InTurn || !l.trust.sample() {
		return
	}
	if len(l.review) == maxReview {
		l.unlearned++
		return
	}
	l.review = append(l.review, call)
}

// compare compares the supporting evidence for a call with the decision.
func (l *Linker) compare(call *window.Node) {
	if call.Process == nil {
		return
	}
	l.present.of = nil
	claim := l.claim
	l.claim = func(c *window.Node, claim window.Claim) {
		l.trust.judge(c, claim)
		l.isolation.judge(c, claim)
	}
	for _, r := range supporting {
		r(l, call)
	}
	// The call that followed may have been decided before this one.
	if next := l.p.After(&call.Response); call.HasResponse() && next != nil &&
		next.Kind == evidence.ClientWrite && next.Node.State == window.Linked {
		followsNext(l, next.Node)
	}
	l.claim = claim
	l.compareAdjacent(call)
	l.compareTurn(call)
	l.compareCadence(call)
}

// toParent makes a claim of kind k that call belongs to request.
func (l *Linker) toParent(call, request *window.Node, k window.Kind) {
	d := &kinds[k]
	l.claim(call, window.Claim{Parent: request, Kind: k, Score: d.Precision, Trust: d.Trust})
}

// learn takes the handoffs of a message into the statistics of futex words.
func (l *Linker) learn(m *window.Message) {
	if m.Goroutine() {
		return
	}
	for i := range m.Handoffs {
		if h := &m.Handoffs[i]; h.Edge == evidence.Futex && h.Address != 0 {
			l.locks.observe(h, m.TID)
		}
	}
}

// Locks returns how many futex words are known to be locks.
func (l *Linker) Locks() int { return len(l.locks.known) }

// Drops counts what was forgotten, or not taken note of, because a table was full.
type Drops struct {
	Words       int // futex words, and those of locks
	Loops       int // event loops
	Queues      int // what waits in event loops and for them
	Endpoints   int // what is known of addresses that are called
	Operations  int // operations, pairs of them, and what is learned of one
	Connections int // those whose exchanges are counted
	Threads     int // those that complete requests, and that use a futex word
	Made        int // calls that are not remembered with their request
	Samples     int // links that nothing was learned from
	Awaited     int // messages that a node waits for
}

// Add adds other to d.
func (d *Drops) Add(other Drops) {
	d.Words += other.Words
	d.Loops += other.Loops
	d.Queues += other.Queues
	d.Endpoints += other.Endpoints
	d.Operations += other.Operations
	d.Connections += other.Connections
	d.Threads += other.Threads
	d.Made += other.Made
	d.Samples += other.Samples
	d.Awaited += other.Awaited
}

// Dropped returns what was dropped since the last call.
func (l *Linker) Dropped() (d Drops) {
	move := func(to *int, from ...*int) {
		for _, n := range from {
			*to += *n
			*n = 0
		}
	}
	h := &l.habits
	move(&d.Words, &l.locks.dropped)
	move(&d.Loops, &l.loops.dropped)
	move(&d.Queues, &l.loops.queues, &l.loops.wakes.dropped)
	move(&d.Endpoints, &l.trust.endpoints.dropped, &l.quiet.peers.dropped, &l.dials.freed.dropped)
	move(&d.Operations, &h.requests.dropped, &h.calls.dropped, &h.full, &l.debts.of.dropped, &l.debts.full,
		&l.isolation.dropped, &l.trust.sequels.dropped, &l.repeats.of.dropped, &l.shapes.seen.dropped,
		&l.ledgers.of.dropped, &l.ledgers.sources.dropped)
	move(&d.Connections, &h.lost.next.dropped)
	move(&d.Threads, &h.workers.dropped, &l.locks.strange)
	move(&d.Made, &h.unmade)
	move(&d.Samples, &l.unlearned)
	move(&d.Awaited, &l.p.Unawaited)
	return d
}
