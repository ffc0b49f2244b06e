package stitchprocessor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/sim"
)

// nested: a pool thread makes a call, hands five more to a second pool, and replies; the
// five go on. Each takes 300 to 360 ms, much longer than
// a trace without open questions is kept.
func nested(w *sim.World) sim.Target {
	p := w.NewProcess("nested")
	outer, inner := p.Pool(8), p.Pool(16)
	first := sim.NewBlocking(backend(w))
	var others [5]*sim.Blocking
	for i := range others {
		others[i] = sim.NewBlocking(&sim.Backend{
			World: w, Port: uint16(backendPort + 1 + i), Min: 300 * time.Millisecond, Max: 360 * time.Millisecond,
		})
	}
	return &sim.ThreadPerConnection{Process: p, Port: port, Handle: func(t *sim.Thread, c *sim.Conn, r *sim.Record) bool {
		t.Put(outer, func(worker *sim.Thread) {
			first.Call(worker, r)
			for i := range others {
				worker.Put(inner, func(thread *sim.Thread) { others[i].Call(thread, r) })
			}
			worker.Reply(c, r)
		})
		return true
	}}
}

// taskAfter: a thread is created for a call that goes on long after the reply.
func taskAfter(w *sim.World) sim.Target {
	p := w.NewProcess("task_after")
	b := sim.NewBlocking(&sim.Backend{World: w, Port: backendPort, Min: 300 * time.Millisecond, Max: 360 * time.Millisecond})
	return &sim.ThreadPerConnection{Process: p, Port: port, Handle: func(t *sim.Thread, _ *sim.Conn, r *sim.Record) bool {
		p.Go(t, func(task *sim.Thread) { b.Call(task, r) })
		return false
	}}
}

// poolAfter is the same on a pool.
func poolAfter(w *sim.World) sim.Target {
	p := w.NewProcess("pool_after")
	q := p.Pool(32)
	b := sim.NewBlocking(&sim.Backend{World: w, Port: backendPort, Min: 300 * time.Millisecond, Max: 360 * time.Millisecond})
	return &sim.ThreadPerConnection{Process: p, Port: port, Handle: func(t *sim.Thread, _ *sim.Conn, r *sim.Record) bool {
		t.Put(q, func(worker *sim.Thread) { b.Call(worker, r) })
		return false
	}}
}

// whole is how a trace left: when, with how many spans of its request, and how long after
// the last of them had ended. ns.
type whole struct {
	spans   int
	settled bool
	after   int64
}

// releases plays a load and returns how the traces of its requests left that began after
// a time, by which it is known what they do.
func releases(t *testing.T, p program, load *sim.Load, known time.Duration) map[pcommon.SpanID]whole {
	t.Helper()
	w := sim.New(3)
	var now int64
	all := map[pcommon.SpanID]whole{}
	agent := w.Agent()
	e := newEngine(defaults(), func(td ptrace.Traces) { tell(td, agent, now, all) })
	agent.Deliver = func(td ptrace.Traces) { now = w.Now(); e.consume(td, now) }
	load.World, load.Target = w, p(w)
	load.Start()
	begin := w.Now()
	w.Run(30 * time.Second)
	w.Close()
	for id := range all {
		if r := agent.Truth[id]; r == nil || r.Start() < begin+known.Nanoseconds() {
			delete(all, id)
		}
	}
	return all
}

func tell(td ptrace.Traces, agent *sim.Agent, now int64, all map[pcommon.SpanID]whole) {
	roots := map[pcommon.TraceID]pcommon.SpanID{}
	left := map[pcommon.TraceID]whole{}
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				x, known := left[s.TraceID()]
				if !known || now-int64(s.EndTimestamp()) < x.after {
					x.after = now - int64(s.EndTimestamp())
				}
				x.spans++
				if r := agent.Truth[s.SpanID()]; r != nil && r.Server {
					roots[s.TraceID()] = s.SpanID()
					v, ok := s.Attributes().Get(evidence.KeySettled)
					x.settled = ok && v.Bool()
				}
				left[s.TraceID()] = x
			}
		}
	}
	for trace, root := range roots {
		all[root] = left[trace]
	}
}

func TestATraceLeavesWhenTheLastThreadsWorkHasEnded(t *testing.T) {
	for _, tt := range []struct {
		name    string
		program program
		spans   int // of a trace
		whole   float64
		load    sim.Load
	}{
		{"a pool that goes on after the reply", poolAfter, 2, 0.95, sim.Load{Clients: 4, Requests: 200, Think: 400 * time.Millisecond}},
		{"a thread for each task", taskAfter, 2, 1, sim.Load{Clients: 8, Requests: 800, Think: 200 * time.Millisecond}},
		{"a second pool that goes on after the reply", nested, 7, 0.9, sim.Load{Clients: 2, Requests: 150, Think: 400 * time.Millisecond}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := releases(t, tt.program, &tt.load, 10*time.Second)
			require.NotEmpty(t, all)
			complete := 0
			for _, x := range all {
				assert.True(t, x.settled, "not at the deadline")
				if x.spans == tt.spans {
					complete++
					assert.Greater(t, x.after, int64(0), "not before its last span")
					assert.Less(t, x.after, time.Second.Nanoseconds(), "soon after it")
				}
			}
			t.Logf("%d of %d left whole", complete, len(all))
			assert.GreaterOrEqual(t, float64(complete)/float64(len(all)), tt.whole)
		})
	}
}

// A process that rests says nothing more: what was put off to learn more, or in case of
// more calls, is decided all the same.
func TestTheLastTracesOfALoadAreNotHeldToTheDeadline(t *testing.T) {
	for _, tt := range []struct {
		name    string
		program program
	}{{"a pool that goes on after the reply", poolAfter}, {"a second pool that goes on after the reply", nested}} {
		t.Run(tt.name, func(t *testing.T) {
			w := sim.New(3)
			var now, came, left int64
			e := newEngine(defaults(), func(ptrace.Traces) { left = now })
			w.Agent().Deliver = func(td ptrace.Traces) {
				now = w.Now()
				if td.SpanCount() > 0 {
					e.consume(td, now)
					came = now
				}
				e.tick(now)
			}
			load := &sim.Load{World: w, Target: tt.program(w), Clients: 4, Requests: 100, Think: 100 * time.Millisecond}
			load.Start()
			w.Run(30 * time.Second)
			w.Close()
			assert.Equal(t, 100, load.Done)
			assert.Zero(t, e.assembly.Held())
			assert.Less(t, left-came, (2 * time.Second).Nanoseconds())
		})
	}
}

// What an event loop did last is followed by nothing that would end its turn: neither by
// another one nor by a watermark. That it rests does.
func TestTheLastCallsOfAnEventLoopAreLinked(t *testing.T) {
	serve := func(watermarks, ticks bool) result {
		w := sim.New(3)
		e := collect(defaults())
		w.Agent().Deliver = func(td ptrace.Traces) {
			if td.SpanCount() > 0 || watermarks {
				e.consume(td, w.Now())
			}
			if ticks {
				e.tick(w.Now())
			}
		}
		load := &sim.Load{World: w, Target: sequential(2, true)(w), Clients: 8, Requests: 200, Think: 10 * time.Millisecond}
		load.Start()
		w.Run(30 * time.Second)
		e.flush(w.Now())
		w.Close()
		return score(t, w.Agent(), e.out)
	}
	all := serve(true, true)
	assert.Greater(t, all.recall(), 0.98, "all but the first ones")
	assert.Equal(t, all.right, serve(false, true).right, "when it rests")
	assert.Equal(t, all.right, serve(false, false).right, "when the processor ends")
}
