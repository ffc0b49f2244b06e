package tailhook

import (
	"hash/maphash"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/buffer"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/journal"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/policy"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/settle"
	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// call is one call of ConsumeTraces: its spans encoded and grouped by trace, and
// what the policies have seen of them. The shards read it, then it is used again.
type call struct {
	*buffer.Batch
	set      *policy.Set
	observer *policy.Observer
	edges    *settle.Edges
	service  uint64 // of the resource at hand
	states   []uint64
	seen     []sighting
	shards   []int // those that have a part in it, each once
	size     int   // booked in the ledger

	number   uint64           // in the journal
	finished journal.Finished // fragments that an earlier run has finished
}

// sighting is what one call showed of one trace besides the policies' state.
type sighting struct {
	policy.Summary
	balance settle.Balance
	kind    uint64 // of the trace, by its root; 0 if that was not seen
	root    bool
	settled bool
}

func newCall(set *policy.Set, edges *settle.Edges, shards int, seed maphash.Seed, done func(*call)) *call {
	c := &call{set: set, edges: edges, observer: set.NewObserver()}
	c.Batch = buffer.NewBatch(shards, seed, func(*buffer.Batch) { done(c) })
	return c
}

// read takes in the spans of td and shows each to the policies.
func (c *call) read(td ptrace.Traces) error {
	c.states, c.seen, c.shards = c.states[:0], c.seen[:0], c.shards[:0]
	c.number, c.finished = 0, nil
	if err := c.Encode(td); err != nil {
		return err
	}
	i := 0
	for _, rs := range td.ResourceSpans().All() {
		c.observer.Resource(rs)
		c.service = serviceHash(rs)
		for _, ss := range rs.ScopeSpans().All() {
			c.observer.Scope(ss)
			for _, span := range ss.Spans().All() {
				c.look(i, span)
				i++
			}
		}
	}
	// What shards make of it, in chunks and by trace, is larger, and both are there for a while.
	c.size = 2 * c.Size()
	return nil
}

func (c *call) look(i int, span ptrace.Span) {
	frag, fresh := c.Add(i, span)
	if fresh {
		c.seen = append(c.seen, sighting{})
		c.states = append(c.states, make([]uint64, c.set.Words())...)
		c.join(c.Fragments()[frag].Shard)
	}
	s := &c.seen[frag]
	c.observer.Span(c.state(frag), &s.Summary, span)
	if span.ParentSpanID().IsEmpty() {
		s.root = true
		s.kind = c.kindOf(span)
	}
	c.weigh(s, span)
	if v, ok := span.Attributes().Get(evidence.KeySettled); ok && v.Bool() {
		s.settled = true
	}
}

// kindOf tells kinds of traces apart, by service and name of the root. It is
// never 0.
func (c *call) kindOf(root ptrace.Span) uint64 {
	if c.edges == nil {
		return 1 // nobody asks
	}
	return max(1, edgeKey(c.service, root))
}

// weigh adds a call or its peer to the balance of the trace.
func (c *call) weigh(s *sighting, span ptrace.Span) {
	if c.edges == nil {
		return // nobody asks
	}
	switch span.Kind() {
	case ptrace.SpanKindClient, ptrace.SpanKindProducer:
		if !c.edges.Silent(edgeKey(c.service, span)) {
			s.balance.Expect(span.SpanID())
		}
	case ptrace.SpanKindServer, ptrace.SpanKindConsumer:
		if parent := span.ParentSpanID(); !parent.IsEmpty() {
			s.balance.Peer(parent)
		}
	}
}

func (c *call) join(shard int) {
	for _, s := range c.shards {
		if s == shard {
			return
		}
	}
	c.shards = append(c.shards, shard)
}

func (c *call) state(frag int) policy.State {
	w := c.set.Words()
	return c.states[frag*w : (frag+1)*w : (frag+1)*w]
}
