package sim

import (
	"encoding/binary"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
)

// HostID is that of the simulated machine.
const HostID = "f00dcafe"

// Interval is how often the agent delivers.
const Interval = 20 * time.Millisecond

// Agent delivers what was seen: every Interval, per process, the exchanges that are
// complete, and a watermark.
type Agent struct {
	// Lose is the chance that an exchange is lost.
	Lose float64
	// Since is when the agent came: of what began before it sees nothing. Unix ns.
	Since int64
	// Deliver takes what is delivered. Nil drops it.
	Deliver func(ptrace.Traces)
	// Headers is the trace context that a request carried on the wire, in the form of
	// evidence.context, if the program did not say. Nil: none.
	Headers func(*Record) string
	// Truth is every record that was delivered, by span id.
	Truth map[[8]byte]*Record
	// Lost is those that were not.
	Lost int

	world *World
}

func newAgent(w *World) *Agent {
	a := &Agent{world: w, Truth: map[[8]byte]*Record{}}
	var tick func()
	tick = func() {
		a.Flush()
		w.After(Interval, tick)
	}
	w.After(Interval, tick)
	return a
}

// Flush delivers now.
func (a *Agent) Flush() {
	td := ptrace.NewTraces()
	for _, p := range a.world.processes {
		a.process(td, p)
	}
	if a.Deliver != nil {
		a.Deliver(td)
	}
}

func (a *Agent) process(td ptrace.Traces, p *Process) {
	rs := td.ResourceSpans().AppendEmpty()
	r := rs.Resource().Attributes()
	r.PutStr("host.id", p.Host.ID)
	r.PutInt("process.pid", int64(p.PID))
	r.PutStr("process.creation.time", "2024-01-01T00:00:00Z")
	r.PutStr("service.name", p.Name)
	ss := rs.ScopeSpans().AppendEmpty()
	ss.Scope().SetName("sim")
	ss.Scope().Attributes().PutInt(evidence.KeyWatermark, p.watermark()+int64(p.Host.Ahead))
	slices.SortStableFunc(p.done, func(a, b *Record) int { return int(a.end - b.end) })
	for _, rec := range p.done {
		if rec.Start() < a.Since {
			continue
		}
		if a.world.Chance(a.Lose) {
			a.Lost++
			continue
		}
		a.Truth[rec.id] = rec
		rec.span(ss.Spans().AppendEmpty())
	}
	p.done = nil
}

// watermark is the start of the oldest request that is open, or now.
func (p *Process) watermark() int64 {
	least := p.World.now
	for r := range p.open {
		least = min(least, r.evidence.Request.Start)
	}
	return least
}

// ID is the span id.
func (r *Record) ID() [8]byte { return r.id }

// Start and End are the times of the span, Unix ns.
func (r *Record) Start() int64 { return r.evidence.Request.Start }

// Evidence is what the agent saw.
func (r *Record) Evidence() *evidence.Exchange { return &r.evidence }

func (w *World) nextID() (id [8]byte) {
	w.ids++
	binary.BigEndian.PutUint64(id[:], w.ids)
	return id
}

// path differs for the peers of a process, so that calls to them can be told apart.
func (r *Record) path() string {
	if r.Server {
		return "/"
	}
	return "/" + string(rune('a'+r.evidence.Peer.Port()%26))
}

func (r *Record) span(s ptrace.Span) {
	var trace [16]byte
	copy(trace[:], r.id[:])
	binary.BigEndian.PutUint64(trace[8:], r.Process.World.Rand.Uint64())
	s.SetTraceID(trace)
	s.SetSpanID(r.id)
	s.SetName("GET /")
	s.SetKind(ptrace.SpanKindClient)
	if r.Server {
		s.SetKind(ptrace.SpanKindServer)
	}
	e := &r.evidence
	ahead := int64(r.Process.Host.Ahead)
	s.SetStartTimestamp(pcommon.Timestamp(e.Request.Start + ahead))
	s.SetEndTimestamp(pcommon.Timestamp(r.end + ahead))
	at := s.Attributes()
	at.PutStr("http.request.method", "GET")
	at.PutStr("url.path", r.path())
	at.PutInt("http.response.status_code", 200)
	at.PutStr("network.local.address", e.Local.Addr().String())
	at.PutInt("network.local.port", int64(e.Local.Port()))
	at.PutStr("network.peer.address", e.Peer.Addr().String())
	at.PutInt("network.peer.port", int64(e.Peer.Port()))
	e.Context, e.Hidden, e.Opaque = r.context, r.hidden, r.opaque
	if headers := r.Process.World.agent.Headers; headers != nil && e.Context == "" {
		e.Context = headers(r)
	}
	e.RequestID = r.requestID
	var contexts tracectx.Contexts
	if contexts.Parse(e.Context) == nil {
		first := &contexts.All()[0]
		s.SetTraceID(first.TraceID)
		s.SetParentSpanID(first.SpanID)
	}
	onClock(*e, ahead).Put(s)
}

// onClock is what was seen, on a clock that is ahead of the world's time. ns.
func onClock(e evidence.Exchange, ahead int64) *evidence.Exchange {
	for _, t := range []*int64{&e.ConnectTime, &e.Request.End, &e.Response.Start} {
		if *t != 0 {
			*t += ahead
		}
	}
	for _, m := range []*evidence.Message{&e.Request, &e.Response} {
		m.Handoffs = slices.Clone(m.Handoffs)
		for i := range m.Handoffs {
			m.Handoffs[i].Time += ahead
		}
	}
	return &e
}

// Hidden reports whether the exchange is evidence only.
func (r *Record) Hidden() bool { return r.hidden }
