package tailhook

import (
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/buffer"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/journal"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/policy"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/settle"
)

// decide asks the policies about a trace and lets go of it.
func (s *shard) decide(slot uint32, why settle.Reason) {
	v := s.view(slot)
	d := s.hook.policy.Decide(&v)
	s.study(slot, why)
	s.apply(slot, why, &d)
}

// discard drops a trace without asking.
func (s *shard) discard(slot uint32, why settle.Reason) {
	s.apply(slot, why, &policy.Decision{Policy: -1})
}

// apply sends the trace where d says, remembers that, and lets go of it.
func (s *shard) apply(slot uint32, why settle.Reason, d *policy.Decision) {
	t := &s.traces.slots[slot]
	p := parcel{
		spans: t.summary.Spans - t.omitted.spans, omitted: t.omitted, mark: s.mark(d), refs: s.refs.take(t.refs),
	}
	s.remember(t.id, d.Keep, p.mark, s.believed(t, why))
	if s.hook.journal != nil {
		s.hook.journal.Decided(journal.Decision{Trace: t.id, Keep: d.Keep, Threshold: p.mark.Threshold.Unsigned(), Randomness: p.mark.Randomness.Unsigned()})
	}
	if d.Keep {
		s.send(s.hook.kept, p, t.id, &t.content)
	} else {
		s.send(s.hook.dropped, p, t.id, &t.content)
	}
	s.stats.decided(t, d, why, s.now)
	s.traces.remove(slot)
}

// noMark is what spans are given that are not to be marked.
func noMark() policy.Mark { return policy.Mark{Threshold: sampling.NeverSampleThreshold} }

// mark is what to write into the tracestate of the spans.
func (s *shard) mark(d *policy.Decision) policy.Mark {
	if d.Keep && s.hook.cfg.UseTraceState {
		return d.Mark
	}
	return noMark()
}

// remember keeps a decision for late spans. kind is that of a trace that was
// decided as complete, else 0.
func (s *shard) remember(id pcommon.TraceID, keep bool, m policy.Mark, kind uint64) {
	if keep {
		s.sampled.Put(id, kept{mark: m, kind: kind})
	} else {
		s.notSampled.Put(id, kind)
	}
}

// believed counts a trace that is decided because it seems complete.
func (s *shard) believed(t *trace, why settle.Reason) uint64 {
	if why != settle.Complete {
		return 0
	}
	s.trust.Complete(t.kind)
	return t.kind
}

// doubt counts a span of a trace that was decided as complete.
func (s *shard) doubt(kind uint64) {
	if kind != 0 {
		s.trust.Late(kind, s.now)
	}
}

// send moves content of a trace to an outlet; if there is none, its way ends. It is not
// held twice in the ledger meanwhile.
func (s *shard) send(o *outlet, p parcel, id pcommon.TraceID, c *buffer.Content) {
	if o == nil {
		s.finished = append(s.finished, p.refs...)
		s.store.Drop(c)
		return
	}
	p.data = s.store.Assemble(nil, id, c)
	s.store.Drop(c)
	s.book()
	o.put(p)
}

// view is the trace as the policies see it.
func (s *shard) view(slot uint32) policy.Trace {
	t := &s.traces.slots[slot]
	return policy.Trace{
		ID: t.id, State: s.traces.state(slot), Summary: &t.summary,
		Now:   s.origin.Add(time.Duration(s.now)),
		Spans: func() ptrace.Traces { return s.decode(slot) },
	}
}

func (s *shard) decode(slot uint32) ptrace.Traces {
	t := &s.traces.slots[slot]
	var u ptrace.ProtoUnmarshaler
	td, err := u.UnmarshalTraces(s.store.Assemble(nil, t.id, &t.content))
	if err != nil {
		s.hook.tel.lost(undecodable, t.summary.Spans)
		return ptrace.NewTraces()
	}
	return td
}

// late lets spans of a decided trace follow its decision.
func (s *shard) late(c *call, f *buffer.Fragment) bool {
	if k, ok := s.sampled.Get(f.ID); ok {
		s.doubt(k.kind)
		s.stats.late[outcomeSampled] += int64(f.Spans)
		s.follow(s.hook.kept, c, f, k.mark)
		return true
	}
	if kind, ok := s.notSampled.Get(f.ID); ok {
		s.doubt(kind)
		s.stats.late[outcomeNotSampled] += int64(f.Spans)
		s.follow(s.hook.dropped, c, f, noMark())
		return true
	}
	return false
}

func (s *shard) follow(o *outlet, c *call, f *buffer.Fragment, m policy.Mark) {
	p := parcel{spans: int64(f.Spans), mark: m}
	if s.hook.journal != nil {
		p.refs = []journal.Ref{{Call: c.number, Fragment: f.Index}}
	}
	var content buffer.Content
	s.store.Append(&content, f, 0)
	s.send(o, p, f.ID, &content)
}

// maxScan bounds how many traces one search for room looks at.
const maxScan = 1024

// makeRoom decides traces early when memory runs short: first the oldest of
// those that no policy wants so far; if that is not enough, the oldest of all,
// unless what takes the memory is decided and does not leave.
func (s *shard) makeRoom() {
	s.book()
	l := s.hook.ledger
	goal := s.booked - l.excess()
	next := s.traces.oldest
	for n := 0; next != 0 && n < maxScan && s.booked > goal; n++ {
		slot := next - 1
		next = s.traces.slots[slot].newer
		if v := s.view(slot); !s.hook.policy.Leans(&v) {
			s.decide(slot, settle.Memory)
			s.book()
		}
	}
	for s.traces.oldest != 0 && s.booked > goal && !l.stuck() {
		s.decide(s.traces.oldest-1, settle.Memory)
		s.book()
	}
}
