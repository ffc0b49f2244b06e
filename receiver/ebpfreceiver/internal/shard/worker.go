package shard

import (
	"math"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/conn"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/kspan"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// barrier asks every worker for a report on all that came before it.
type barrier struct {
	now     uint64 // CLOCK_MONOTONIC ns, not before the newest event
	offset  int64  // to Unix time, for what comes after
	final   bool   // nothing comes after
	reports chan report
}

// report is what a worker hands over at a barrier.
type report struct {
	spans   map[uint32]ptrace.SpanSlice // by pid
	open    map[uint32]uint64           // by pid: start of its oldest open request
	calls   uint64                      // start of the oldest open call of all processes
	stats   conn.Stats
	dropped uint64 // spans, ever
	bad     uint64 // trace contexts, ever
}

// worker owns the connections of one lane.
type worker struct {
	table    *conn.Table
	builder  *kspan.Builder
	maxSpans int
	dropped  uint64
}

func newWorker(o *Options, offset int64) *worker {
	w := &worker{builder: kspan.NewBuilder(&o.Span), maxSpans: share(o.MaxSpans, o.Workers)}
	w.builder.SetOffset(offset)
	c := o.Conn
	c.MaxConnections = share(c.MaxConnections, o.Workers)
	c.MaxExchanges = share(c.MaxExchanges, o.Workers)
	c.Bytes.TotalBytes = share(c.Bytes.TotalBytes, o.Workers)
	if c.Parser == nil {
		c.Parser = &protocol.Options{}
	}
	parser := *c.Parser
	parser.Messages = &protocol.Messages{}
	c.Parser = &parser
	w.table = conn.New(&c, w.finish)
	return w
}

// share divides a bound among workers, rounding up.
func share(total, workers int) int { return (total + workers - 1) / workers }

// finish makes a span of an exchange.
func (w *worker) finish(e *conn.Exchange) {
	if w.builder.Count() >= w.maxSpans {
		w.dropped++
		return
	}
	w.builder.Add(e)
}

// run works off a lane until the final barrier.
func (w *worker) run(l *lane) {
	for b := range l.queue {
		w.events(b)
		stop := false
		if b.barrier != nil {
			w.report(b.barrier)
			stop = b.barrier.final
		}
		b.reset()
		select {
		case l.free <- b:
		default:
		}
		if stop {
			return
		}
	}
}

// events replays a batch in its order.
func (w *worker) events(b *batch) {
	var next [kinds]int
	for _, k := range b.order {
		i := next[k]
		next[k]++
		switch k {
		case kindConn:
			w.table.Conn(&b.conns[i])
		case kindIO:
			w.table.IO(&b.ios[i].IO, b.ios[i].lossy)
		case kindClose:
			w.table.Close(&b.closes[i])
		case kindExit:
			w.table.Exit(b.exits[i].pid, b.exits[i].time)
		case kindRetransmit:
			w.table.Retransmit(&b.again[i])
		}
	}
}

// report answers a barrier.
func (w *worker) report(b *barrier) {
	r := report{open: map[uint32]uint64{}, calls: math.MaxUint64}
	w.table.Tick(b.now, func(pid uint32, role event.Role, since uint64) {
		if role != event.RoleServer {
			r.calls = min(r.calls, since)
		}
		if role == event.RoleClient {
			return
		}
		if at, ok := r.open[pid]; !ok || since < at {
			r.open[pid] = since
		}
	})
	if b.final {
		w.table.Shutdown(b.now)
	}
	r.spans = w.builder.Take()
	r.stats, r.dropped, r.bad = w.table.Stats(), w.dropped, w.builder.Malformed()
	w.builder.SetOffset(b.offset)
	b.reports <- r
}
