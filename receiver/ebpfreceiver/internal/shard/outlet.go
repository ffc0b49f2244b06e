package shard

import (
	"context"
	"math"
	"sync"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/conn"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/kspan"
)

// outlet sets barriers, brings the reports of the workers together and hands the
// batches on. All but snapshot belongs to the goroutine that flushes.
type outlet struct {
	options   *Options
	inlet     *inlet
	offset    int64  // with which the workers convert times now
	newest    uint64 // event at the last barrier
	base      uint64 // everything before it has come
	processes map[uint32]*process

	mu    sync.Mutex
	stats Stats
}

// process is what the outlet knows of one.
type process struct {
	activity  uint64           // time of its newest event
	watermark uint64           // the last one stated
	spans     ptrace.SpanSlice // not handed on yet
	waits     uint64           // since when they wait for its description; 0: they do not
	exited    bool
}

func newOutlet(o *Options, in *inlet) *outlet {
	return &outlet{options: o, inlet: in, offset: o.Clock.Now().Offset, processes: map[uint32]*process{}}
}

// flush hands on everything that ended before now.
func (o *outlet) flush(ctx context.Context, final bool) {
	reading := o.options.Clock.Now()
	reports := make(chan report, o.options.Workers)
	var came interval
	o.inlet.setBarrier(func(since interval) *barrier {
		came = since
		now := since.newest
		if since.events == 0 || final {
			now = max(now, reading.Mono)
		}
		return &barrier{now: now, offset: reading.Offset, final: final, reports: reports}
	})
	o.noteActivity(&came)
	open, calls := o.collect(reports)
	traces := o.batch(open, calls, reading.Mono, final)
	o.offset = reading.Offset
	if traces.ResourceSpans().Len() > 0 {
		o.options.Consume(ctx, traces)
	}
}

// noteActivity learns of processes and moves the base of the watermarks.
func (o *outlet) noteActivity(came *interval) {
	settled := o.newest
	if came.events == 0 {
		settled = came.newest
	}
	if settled > 0 {
		o.base = max(o.base, settled+1)
	}
	o.newest = came.newest
	for pid, at := range came.active {
		if p := o.process(pid); p != nil {
			p.activity = max(p.activity, at)
		}
	}
	for _, pid := range came.exited {
		if p := o.processes[pid]; p != nil {
			p.exited = true
		}
	}
}

// process returns what is known of pid; nil if there are too many processes.
func (o *outlet) process(pid uint32) *process {
	p := o.processes[pid]
	if p == nil && len(o.processes) < o.options.MaxProcesses {
		p = &process{spans: ptrace.NewSpanSlice()}
		o.processes[pid] = p
	}
	return p
}

// collect takes the reports. It returns the start of the oldest open request by
// pid, and that of the oldest open call.
func (o *outlet) collect(reports <-chan report) (open map[uint32]uint64, calls uint64) {
	open, calls = map[uint32]uint64{}, math.MaxUint64
	var stats conn.Stats
	var dropped, bad, noProcess, late uint64
	for range o.options.Workers {
		r := <-reports
		stats.Add(&r.stats)
		dropped += r.dropped
		bad += r.bad
		calls = min(calls, r.calls)
		for pid, since := range r.open {
			if at, ok := open[pid]; !ok || since < at {
				open[pid] = since
			}
		}
		for pid, spans := range r.spans {
			p := o.process(pid)
			if p == nil {
				noProcess += uint64(spans.Len())
				continue
			}
			late += countLate(spans, int64(p.watermark)+o.offset)
			spans.MoveAndAppendTo(p.spans)
		}
	}
	o.count(func(s *Stats) {
		s.Conn, s.DroppedSpans, s.BadContexts = stats, dropped, bad
		s.DroppedProcess += noProcess
		s.Late += late
	})
	return open, calls
}

// countLate counts the server spans that begin before watermark (Unix ns).
func countLate(spans ptrace.SpanSlice, watermark int64) (n uint64) {
	for i := range spans.Len() {
		if s := spans.At(i); s.Kind() == ptrace.SpanKindServer && int64(s.StartTimestamp()) < watermark {
			n++
		}
	}
	return n
}

// batch makes one batch of what there is to say of each process.
func (o *outlet) batch(open map[uint32]uint64, calls, now uint64, final bool) ptrace.Traces {
	traces := ptrace.NewTraces()
	var spans, watermarks, undescribed uint64
	calls = min(calls, o.base, o.heldBack())
	for pid, p := range o.processes {
		watermark := o.base
		if since, ok := open[pid]; ok {
			watermark = min(watermark, since)
		}
		states := o.options.Span.Evidence && watermark > p.watermark && (p.spans.Len() > 0 || p.watermark <= p.activity)
		if p.spans.Len() == 0 && !states {
			if p.exited || p.activity+restTime < now {
				delete(o.processes, pid)
			}
			continue
		}
		resource, known := o.options.Resource(pid)
		if !known {
			if !final && o.postpone(p, now) {
				continue
			}
			undescribed++
			resource = o.options.Undescribed(pid)
		}
		p.waits = 0
		spans += uint64(p.spans.Len())
		g := kspan.Group{Resource: resource, Spans: p.spans}
		if states {
			p.watermark = watermark
			g.Watermark, g.Calls = int64(watermark)+o.offset, int64(calls)+o.offset
			watermarks++
		}
		kspan.Append(traces, o.options.Scope, &g)
	}
	o.count(func(s *Stats) {
		s.Spans += spans
		s.Watermarks += watermarks
		s.Undescribed += undescribed
	})
	return traces
}

// heldBack is the start of the first span that waits for the description of its process.
func (o *outlet) heldBack() uint64 {
	first := uint64(math.MaxUint64)
	for pid, p := range o.processes {
		if _, known := o.options.Resource(pid); known || p.spans.Len() == 0 {
			continue
		}
		for _, s := range p.spans.All() {
			first = min(first, uint64(int64(s.StartTimestamp())-o.offset))
		}
	}
	return first
}

// postpone says whether a process that nobody has described yet should wait.
func (o *outlet) postpone(p *process, now uint64) bool {
	if p.waits == 0 {
		p.waits = now
	}
	return !p.exited && now < p.waits+uint64(describeWait) && p.spans.Len() < o.options.MaxSpans
}

func (o *outlet) count(change func(*Stats)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(&o.stats)
}

func (o *outlet) snapshot() Stats {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stats
}
