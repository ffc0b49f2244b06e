package tailhook

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/buffer"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/journal"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/policy"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/settle"
)

// shard holds and decides its part of the traces, in one goroutine. Nothing it
// does waits for anything but its own input.
type shard struct {
	hook   *hook
	number int
	in     chan *call
	origin time.Time

	store  *buffer.Store
	traces *table
	wheel  settle.Wheel
	rules  settle.Rules
	most   int // traces, 0 is no limit

	sampled    *settle.Decided[kept]
	notSampled *settle.Decided[uint64] // as kept.kind
	trust      *settle.Trust

	now   int64 // of the message at hand, since origin
	stats *stats

	lessons  int // traces that may still be learned from in this tick
	refs     refs
	finished []journal.Ref // of the message at hand

	booked       int64 // in the ledger
	bookedTraces int
}

// kept is what is remembered of a kept trace.
type kept struct {
	mark policy.Mark
	kind uint64 // of a trace that was decided as complete, else 0
}

// queueLength is the number of calls that may wait for a shard.
const queueLength = 16

func newShard(h *hook, number, shards int, origin time.Time) *shard {
	share := func(n int) int { return (n + shards - 1) / shards }
	return &shard{
		hook: h, number: number, in: make(chan *call, queueLength), origin: origin,
		store: buffer.NewStore(), traces: newTable(h.policy.Words()),
		rules: settle.Rules{
			Settled: h.cfg.SettledWait, Complete: h.cfg.CompleteWait, AfterRoot: h.cfg.DecisionWaitAfterRootReceived,
			Quiet: h.cfg.QuietWait, Wait: h.cfg.DecisionWait,
		},
		most:       share(int(h.cfg.NumTraces)),
		sampled:    settle.NewDecided[kept](share(h.cfg.DecisionCache.SampledCacheSize)),
		notSampled: settle.NewDecided[uint64](share(h.cfg.DecisionCache.NonSampledCacheSize)),
		stats:      newStats(h.tel),
		trust:      settle.NewTrust(maxKinds),
	}
}

func (s *shard) run() {
	ticker := time.NewTicker(settle.Tick)
	defer ticker.Stop()
	for {
		select {
		case c, ok := <-s.in:
			s.now = s.clock()
			if !ok {
				s.finish()
				return
			}
			s.take(c)
		case <-ticker.C:
			s.now = s.clock()
			s.lessons = lessonsPerTick
			s.wheel.Advance(s.now, s.appointment)
			s.stats.flush(s.now)
		}
		s.endMessage()
	}
}

// endMessage tells the others what the message changed.
func (s *shard) endMessage() {
	s.book()
	if len(s.finished) > 0 {
		s.hook.journal.Done(s.finished...)
		s.finished = s.finished[:0]
	}
}

// clock never returns 0, which means "not yet" in settle.Progress.
func (s *shard) clock() int64 { return int64(time.Since(s.origin)) + 1 }

// take adds a call's spans to their traces and decides those that are ready.
func (s *shard) take(c *call) {
	defer c.Release()
	s.store.Begin(c.Batch)
	for i := range c.Fragments() {
		if f := &c.Fragments()[i]; f.Shard == s.number && !c.finished.Has(i) {
			s.add(c, f)
		}
	}
	s.store.End()
	s.makeRoom()
}

func (s *shard) add(c *call, f *buffer.Fragment) {
	slot, ok := s.traces.ids[f.ID]
	if !ok {
		if s.late(c, f) {
			return
		}
		slot = s.open(f.ID)
	}
	t := &s.traces.slots[slot]
	t.progress.Last = s.now
	s.hold(t, f)
	if s.hook.journal != nil {
		t.refs = s.refs.add(t.refs, journal.Ref{Call: c.number, Fragment: f.Index})
	}
	s.learn(slot, c, f)
	s.schedule(slot)
}

// open makes room for one trace more.
func (s *shard) open(id pcommon.TraceID) uint32 {
	if s.most > 0 && s.traces.len() >= s.most {
		s.decide(s.traces.oldest-1, settle.NumTraces)
	}
	slot := s.traces.add(id)
	s.traces.slots[slot].progress.First = s.now
	return slot
}

// hold keeps the spans of f, as far as the trace may still grow.
func (s *shard) hold(t *trace, f *buffer.Fragment) {
	a := s.store.Append(&t.content, f, s.hook.cfg.MaxTraceBytes)
	t.summary.Bytes += uint64(a.Wire)
	t.omitted.spans += int64(a.Omitted)
	t.omitted.bytes += int64(a.OmittedBytes)
	s.stats.omitted += int64(a.Omitted)
}

// learn adds what the call showed of the trace.
func (s *shard) learn(slot uint32, c *call, f *buffer.Fragment) {
	t, seen, set := &s.traces.slots[slot], &c.seen[f.Index], s.hook.policy
	st := s.traces.state(slot)
	set.Merge(st, c.state(f.Index))
	t.summary.Merge(&seen.Summary)
	c.Times(f, func(start, end uint64) { set.Time(st, &t.summary, start, end) })
	t.progress.Balance += seen.balance
	if t.kind == 0 {
		t.kind = seen.kind
	}
	if seen.root && t.progress.Root == 0 {
		t.progress.Root = s.now
	}
	if seen.settled && t.progress.Settled == 0 {
		t.progress.Settled = s.now
	}
}

// schedule decides the trace if it is due, or else makes an appointment unless
// one as early exists.
func (s *shard) schedule(slot uint32) {
	t := &s.traces.slots[slot]
	if limit := s.hook.cfg.MaximumTraceSizeBytes; limit > 0 && t.summary.Bytes > limit {
		s.discard(slot, settle.TooLarge)
		return
	}
	rules := s.rules
	if !s.trust.Holds(t.kind, s.now) {
		rules.Complete = 0
	}
	due, why := rules.Due(&t.progress)
	if due <= s.now {
		s.decide(slot, why)
		return
	}
	if at := (due + int64(settle.Tick) - 1) / int64(settle.Tick); t.at == 0 || at < t.at {
		t.at = s.wheel.Add(slot, t.gen, due)
	}
}

// appointment is called when a trace may be due.
func (s *shard) appointment(e settle.Entry) {
	t := &s.traces.slots[e.Item]
	if t.gen != e.Generation || t.at != e.At {
		return // another trace, or an earlier appointment replaced this one
	}
	t.at = 0
	s.schedule(e.Item)
}

// book tells the ledger what the shard holds now.
func (s *shard) book() {
	held := int64(s.store.Bytes() + s.traces.len()*s.traces.cost())
	s.hook.ledger.held.Add(held - s.booked)
	s.booked = held
	s.hook.ledger.traces.Add(int64(s.traces.len() - s.bookedTraces))
	s.bookedTraces = s.traces.len()
}

// finish decides everything that waits.
func (s *shard) finish() {
	for s.traces.oldest != 0 {
		if s.hook.cfg.DropPendingTracesOnShutdown {
			s.discard(s.traces.oldest-1, settle.Shutdown)
			continue
		}
		s.decide(s.traces.oldest-1, settle.Shutdown)
	}
	s.endMessage()
	s.stats.flushNow()
}
