package stitchprocessor

import (
	"container/list"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/fifo"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/join"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/link"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/slab"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/solve"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// action is what a shard tells the assembler about a span.
type action uint8

const (
	actAdd action = iota
	actLinked
	actLow
	actAlone
	actRevoked
	actQuiet
	actWatermark
	actCalls
)

// message is one thing that a shard tells the assembler.
type message struct {
	action     action
	kind       window.Kind
	cause      solve.Cause
	confidence float64
	span       *join.Span
	parent     *join.Span
	process    *join.Process // of actWatermark and actCalls
	time       int64         // likewise: what is stated
}

// limits of one shard. Times in ns.
type limits struct {
	wait      int64
	nodes     int
	processes int
	drop      bool // low confidence leaves nothing
	keep      bool // evidence stays on the spans
	fragments bool // as much of it as another stitch processor needs
	deaf      bool // to contexts on the wire
	apart     bool // every call is decided on by itself
	check     bool // decide blind what is known for certain
}

// shard owns the windows of some process instances and decides on their calls. It has
// one owner and reads no clock.
type shard struct {
	limits    limits
	solver    *solve.Solver
	blind     *solve.Solver // of what is checked
	checked   checked
	processes map[instance]*list.Element // of *process
	recent    *list.List                 // most recently heard of first
	nodes     fifo.Of[*window.Node]      // of all windows, by arrival
	quiet     []*window.Node             // servers to look at again
	out       []message
	counts    shardCounts
	registry  *registry
	made      window.Nodes
	fresh     []*window.Node // scratch
	spans     slab.Of[join.Span]
	reader    evidence.Reader
	contexts  tracectx.Contexts // likewise
}

// shardCounts is what happened since it was read last.
type shardCounts struct {
	processes, window int
	link.Drops
}

// process is what a shard knows of one process instance.
type process struct {
	mind
	id       instance
	peer     *join.Process
	group    *join.Group
	names    []string       // see registry
	owing    []*window.Node // servers that are yet to make calls
	seen     int64
	rested   int64 // about what time it was when it was found at rest last, Unix ns
	blind    *mind // nil as long as there is nothing to check
	carried  int64 // when a call came last that carried something, as seen
	registry *registry
}

func newShard(c *Config, share int, known *registry) *shard {
	s := &shard{
		limits: limits{
			// A little before the assembler, which lets the spans go.
			wait:      c.MaxWait.Nanoseconds() - min(c.MaxWait.Nanoseconds()/10, 200e6),
			nodes:     max(1, 2*c.MaxSpans/share),
			processes: max(1, (c.MaxProcesses+share-1)/share),
			drop:      c.LowConfidence == LowConfidenceDrop,
			keep:      c.KeepEvidence,
			fragments: c.Fragments,
			deaf:      c.disables(join.MethodContext),
			apart:     c.disables(Joint),
			check:     c.SelfCheck.Enabled,
		},
		processes: map[instance]*list.Element{}, recent: list.New(), registry: known, checked: checked{},
	}
	rules := solve.Config{
		MinConfidence: c.MinConfidence, MaxAge: c.MaxAge.Nanoseconds(), MaxChildren: c.MaxChildren,
		Disabled: c.disabledKinds(),
	}
	s.solver, s.blind = solve.New(rules, s.decided), solve.New(rules, s.decidedBlind)
	return s
}

// take returns what there is to tell the assembler since the last call. What comes next
// is written to spare, which may be nil.
func (s *shard) take(spare []message) []message {
	out := s.out
	s.out = spare[:0]
	return out
}

// maxSpare is the longest memory that is kept for the next messages.
const maxSpare = 16384

// wipe returns the memory of messages that have been carried out, nil if it is too much
// to keep.
func wipe(m []message) []message {
	if cap(m) > maxSpare {
		return nil
	}
	clear(m)
	return m[:0]
}

// consume takes the spans of one process instance.
func (s *shard) consume(j *job) {
	p := s.process(j.instance, j.now)
	group := p.groupOf(j)
	fresh := s.fresh[:0]
	for _, span := range j.spans.All() {
		if n := s.node(p, span, group, j.now); n != nil {
			s.nodes.Push(n)
			fresh = append(fresh, n)
			p.meet(n) // as long as it is in the cache
			if n.Server {
				s.quiet = append(s.quiet, n)
			}
		}
	}
	p.consider(fresh)
	s.look(p, fresh, j.now)
	clear(fresh)
	s.fresh = fresh
	if j.watermark > p.window.Watermark {
		s.advance(p, j.watermark)
	}
	if j.calls > 0 {
		s.out = append(s.out, message{action: actCalls, process: p.peer, time: min(j.calls, maxWatermark)})
	}
	s.hush()
	s.limit()
	s.countDrops(p)
}

// countDrops takes note of what the linker of a process had no room for: now and then, since to
// ask it costs as much as to look up a call.
func (s *shard) countDrops(p *process) { s.counts.Add(p.linker.Dropped()) }

// node makes the window's and the assembler's view of a span. Without the former,
// which is nil if the evidence says two things at once, the span just passes through.
func (s *shard) node(p *process, span ptrace.Span, group *join.Group, now int64) *window.Node {
	e := &s.reader.Exchange
	if !s.read(span) {
		held := s.spans.Next()
		held.Data, held.Group, held.Process, held.Arrived = span, group, p.peer, now
		s.out = append(s.out, message{action: actAdd, span: held}, message{action: actQuiet, span: held})
		return nil
	}
	held := s.heldSpan(span, e)
	held.Group, held.Process, held.Arrived = group, p.peer, now
	if e.Decided {
		held.Verdict = takeVerdict(span, e.Parent)
	}
	if s.limits.fragments && !s.limits.keep {
		evidence.Reduce(span)
	}
	n := s.made.New(e, held.Server, held.End)
	n.Arrived, n.Operation = now, operationOf(span)
	if e.RequestID != "" {
		n.Carried = &window.Carried{RequestID: e.RequestID}
	}
	if !s.limits.deaf {
		s.contextOf(held, n, e.Context)
	}
	s.out = append(s.out, message{action: actAdd, span: held})
	if held.Verdict != nil {
		return nil
	}
	n.Ref = held
	return n
}

// heldSpan is the assembler's view of a span with evidence.
func (s *shard) heldSpan(span ptrace.Span, e *evidence.Exchange) *join.Span {
	held := s.spans.Next()
	held.Data, held.Server, held.Hidden = span, span.Kind() == ptrace.SpanKindServer, e.Hidden
	held.Local, held.Peer, held.Seq, held.Len = e.Local, e.Peer, e.Request.Seq, e.Request.Len
	held.ReplySeq, held.ReplyLen = e.Response.Seq, e.Response.Len
	held.Start, held.End = int64(span.StartTimestamp()), int64(span.EndTimestamp())
	return held
}

// read reads the evidence on a span, and takes it off if nobody behind needs any.
func (s *shard) read(span ptrace.Span) bool {
	if s.limits.keep || s.limits.fragments {
		return s.reader.Read(span)
	}
	return s.reader.Take(span)
}

// maxWatermark is beyond any time that the window believes in.
const maxWatermark = int64(1) << 62

// advance takes a new watermark.
func (s *shard) advance(p *process, watermark int64) {
	watermark = min(watermark, maxWatermark)
	p.advance(watermark)
	if p.blind != nil {
		p.blind.advance(watermark)
	}
	s.collect(p)
	s.out = append(s.out, message{action: actWatermark, process: p.peer, time: watermark})
}

// tick lets time pass.
func (s *shard) tick(now int64) {
	for n := s.nodes.First(); n != nil && n.Arrived+s.limits.wait <= now; n = s.nodes.First() {
		s.drop(s.nodes.Pop(), solve.Deadline)
	}
	for e := s.recent.Back(); e != nil; e = e.Prev() {
		p := e.Value.(*process)
		if p.seen+restTime > now {
			break // so are those heard of later
		}
		s.rest(p, p.window.Watermark+now-p.seen)
	}
	s.hush()
}

// restTime is after how long without a word a process rests. One that does says nothing
// more, not even a watermark. ns.
const restTime = int64(300e6)

// rest lets time pass in a process that rests, at being about now.
func (s *shard) rest(p *process, at int64) {
	p.idle(at)
	if p.blind != nil {
		p.blind.idle(at)
	}
	p.rested = at
	s.collect(p)
	s.countDrops(p)
}

// collect looks again at the servers of a process that are yet to make calls.
func (s *shard) collect(p *process) {
	s.quiet = append(s.quiet, p.owing...)
	clear(p.owing)
	p.owing = p.owing[:0]
}

// flush decides everything, and forgets it.
func (s *shard) flush() {
	for e := s.recent.Back(); e != nil; e = e.Prev() {
		p := e.Value.(*process)
		p.conclude()
		if p.blind != nil {
			p.blind.conclude()
		}
	}
	for s.nodes.First() != nil {
		s.drop(s.nodes.Pop(), solve.Shutdown)
	}
	s.hush()
	for e := s.recent.Back(); e != nil; e = e.Prev() {
		s.countDrops(e.Value.(*process))
	}
}

// limit keeps the window within its bound.
func (s *shard) limit() {
	for s.nodes.Len() > s.limits.nodes {
		s.counts.window++
		s.drop(s.nodes.Pop(), solve.Evicted)
	}
	s.hush()
}

// drop takes a node out of its window, after a last attempt to decide on it.
func (s *shard) drop(n *window.Node, cause solve.Cause) {
	if n.Process == nil {
		return // its process is gone already
	}
	p := s.owner(n)
	p.last(n, cause)
	s.judge(p, n, cause)
	s.unblock(n)
	if n.Server {
		s.say(n, message{action: actQuiet})
	}
	p.window.Remove(n)
}

// say tells the assembler something about a node's span.
func (s *shard) say(n *window.Node, m message) {
	m.span = n.Ref.(*join.Span)
	s.out = append(s.out, m)
}

// decided takes the solver's decisions.
func (s *shard) decided(d solve.Decision) {
	m := message{kind: d.Kind, cause: d.Cause, confidence: d.Confidence}
	switch d.Verdict {
	case solve.Link:
		m.action, m.parent = actLinked, d.Parent.Ref.(*join.Span)
		s.owner(d.Call).linker.Decided(d.Call)
	case solve.Low:
		m.action = actAlone
		if !s.limits.drop {
			m.action, m.parent = actLow, d.Parent.Ref.(*join.Span)
		}
	case solve.Alone:
		m.action = actAlone
	case solve.Revoke:
		m.action = actRevoked
	}
	s.say(d.Call, m)
	s.unblock(d.Call)
}

// unblock looks again at the servers that waited for a decision on a call.
func (s *shard) unblock(c *window.Node) {
	s.quiet = append(s.quiet, c.Unblock()...)
}

// hush tells which servers have no undecided call any more that may be theirs, and owe
// none.
func (s *shard) hush() {
	for i := 0; i < len(s.quiet); i++ {
		n := s.quiet[i]
		if n.Process == nil {
			continue
		}
		if c := n.Process.FirstUndecided(n.Start(), n.End); c != nil {
			c.Block(n)
			continue
		}
		if p := s.owner(n); p.linker.Owes(n, max(p.window.Watermark, p.rested)) {
			p.owing = append(p.owing, n)
			continue
		}
		s.say(n, message{action: actQuiet})
	}
	clear(s.quiet)
	s.quiet = s.quiet[:0]
}
