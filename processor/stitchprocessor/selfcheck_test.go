package stitchprocessor

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/sim"
)

// forwarded are the headers of a program that passes on those of the request as they are.
func forwarded(r *sim.Record) string {
	if r.Owner != nil {
		r = r.Owner
	}
	return headers(r.ID(), r.ID())
}

// instrumented are those of a program with an SDK: the request's trace, and a span of its own.
func instrumented(r *sim.Record) string {
	if r.Owner != nil {
		return headers(r.Owner.ID(), r.ID())
	}
	return headers(r.ID(), r.ID())
}

func headers(trace, span [8]byte) string { return fmt.Sprintf("w3c:%032x:%016x:01", trace, span) }

// checkedOf runs a program and returns how its blind decisions compare, and how what came out
// of the same run without any headers does with the truth.
func checkedOf(t *testing.T, p program, headers func(*sim.Record) string) ([outcomes]int, result) {
	t.Helper()
	c := defaults()
	var sum [outcomes]int
	run := func(headers func(*sim.Record) string) result {
		w := sim.New(1)
		w.Agent().Headers = headers
		load := &sim.Load{World: w, Target: p(w), Clients: 64, Requests: 800, Think: time.Millisecond}
		e := collect(c)
		w.Agent().Deliver = func(td ptrace.Traces) { e.consume(td, w.Now()) }
		load.Start()
		w.Run(60 * time.Second)
		e.flush(w.Now())
		w.Close()
		for _, counts := range e.shard.checked {
			for o, n := range counts {
				sum[o] += n
			}
		}
		return score(t, w.Agent(), e.out)
	}
	t.Log(run(headers))
	return sum, run(nil)
}

// What the self-check says of a program that carries contexts is what would come out of it
// if it carried none, to the call: nothing of the certain links gets through.
func TestTheBlindDecisionIsTheOneWithoutContexts(t *testing.T) {
	for name, p := range map[string]program{
		"threads":                               threadPerRequest(2),
		"threads that work for the one before":  behind,
		"a pool that is waited for":             waitingPool,
		"two stages, by habits":                 twoStages,
		"a pool whose results are waited for":   waitingForAll,
		"fire and forget":                       fireAndForget,
		"an event loop":                         sequential(2, true),
		"calls that wait for a socket":          queued,
		"Go":                                    goDirect(2, false),
		"a global lock that tells little of it": global,
	} {
		for how, headers := range map[string]func(*sim.Record) string{"forwarded": forwarded, "SDK": instrumented} {
			t.Run(name+", "+how, func(t *testing.T) {
				got, blind := checkedOf(t, p, headers)
				t.Log(got, blind)
				require.NotZero(t, blind.calls)
				assert.Equal(t, [outcomes]int{blind.right, blind.wrong, blind.orphans}, got)
			})
		}
	}
}

// behind makes the call for the request before, as a program does that keeps what it has to say
// until it is asked again. All that the kernel sees speaks for the wrong request.
func behind(w *sim.World) sim.Target {
	b := sim.NewBlocking(backend(w))
	before := map[uint32]*sim.Record{}
	return &sim.ThreadPerConnection{Process: w.NewProcess("behind"), Port: port, Handle: func(t *sim.Thread, _ *sim.Conn, r *sim.Record) bool {
		if owner := before[t.TID]; owner != nil {
			b.Call(t, owner)
		}
		before[t.TID] = r
		return false
	}}
}

func TestBlindLinksThatAreWrongShow(t *testing.T) {
	got, blind := checkedOf(t, behind, instrumented)
	assert.Positive(t, got[checkWrong])
	assert.Equal(t, blind.wrong, got[checkWrong])
	assert.Zero(t, got[checkRight])
}

// served is a request of a service and two calls in its trace, of which the kernel sees one on the
// request's own thread and the other one on a thread that tells nothing.
func served(pid int64, service string) ptrace.Traces {
	trace := fmt.Sprintf("4bf92f3577b34da6a3ce9%011d", pid)
	context := func(span int, tid uint32) func(*evidence.Exchange) {
		return func(e *evidence.Exchange) {
			e.Context = fmt.Sprintf("w3c:%s:%016x:01", trace, span)
			if tid != 0 {
				e.Request.TID, e.Response.TID = tid, tid
			}
		}
	}
	td := ptrace.NewTraces()
	addSpan(td, pid, byte(3*pid), true, func(e *evidence.Exchange) {
		context(1, 0)(e)
		// It is the thread's second request: that it had no other one open is known.
		e.Request.IO, e.Response.IO = 1, 4
	})
	addSpan(td, pid, byte(3*pid+1), false, context(2, 0))
	addSpan(td, pid, byte(3*pid+2), false, context(3, 30))
	scopeOf(td, pid)
	td.ResourceSpans().At(0).Resource().Attributes().PutStr("service.name", service)
	return td
}

func TestTheSelfCheckCountsByService(t *testing.T) {
	for name, tt := range map[string]struct {
		change          func(*Config)
		shop, more, all int64 // calls counted
		evicted         int64
	}{
		"each service has its own counts":                 {nil, 2, 0, 4, 0},
		"those beyond the limit are counted together":     {func(c *Config) { c.SelfCheck.MaxServices = 1 }, 2, 2, 4, 2},
		"it can be switched off":                          {func(c *Config) { c.SelfCheck.Enabled = false }, 0, 0, 0, 0},
		"without contexts there is nothing to check with": {func(c *Config) { c.Disable = []string{"context"} }, 0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := start(t, func(c *Config) {
					c.Workers = 1
					if tt.change != nil {
						tt.change(c)
					}
				})
				p.send(served(7, "shop"))
				time.Sleep(20 * time.Second) // it leaves, and is counted
				p.send(served(8, "cart"))
				time.Sleep(20 * time.Second)
				p.stop()
				assert.Equal(t, tt.shop, p.count("selfcheck_calls", "service.name", "shop"))
				assert.Equal(t, tt.more, p.count("selfcheck_calls", "service.name", "other"))
				assert.Equal(t, tt.all, p.count("selfcheck_calls"))
				assert.Equal(t, tt.all/2, p.count("selfcheck_calls", "outcome", "right"))
				assert.Equal(t, tt.all/2, p.count("selfcheck_calls", "outcome", "abstained"))
				assert.Equal(t, tt.evicted, p.count("evictions", "table", "self_check_services"))
			})
		})
	}
}

func TestWhatIsNotCertainIsNotCounted(t *testing.T) {
	again := func(td ptrace.Traces) ptrace.Traces {
		addSpan(td, 7, 100, true, func(e *evidence.Exchange) {
			e.Context = "w3c:4bf92f3577b34da6a3ce900000000007:00f067aa0ba902b7:01"
			e.Request.TID, e.Response.TID = 50, 50
		})
		return td
	}
	for name, tt := range map[string]struct {
		first, second ptrace.Traces
		counted       int
	}{
		"the only request of the trace":                    {served(7, ""), ptrace.NewTraces(), 2},
		"two requests of the trace":                        {again(served(7, "")), ptrace.NewTraces(), 0},
		"two requests, of which one comes after the calls": {served(7, ""), again(ptrace.NewTraces()), 0},
		"two requests, of which one has left before":       {again(ptrace.NewTraces()), served(7, ""), 0},
	} {
		t.Run(name, func(t *testing.T) {
			e := collect(defaults())
			e.consume(tt.first, 0)
			e.tick(8 * second)
			e.consume(tt.second, 8*second)
			e.tick(12 * second)
			e.flush(30 * second)
			var sum int
			for _, counts := range e.shard.checked {
				for _, n := range counts {
					sum += n
				}
			}
			assert.Equal(t, tt.counted, sum)
		})
	}
}

func TestTheSelfCheckCostsNothingWithoutContexts(t *testing.T) {
	e := collect(defaults())
	td := ptrace.NewTraces()
	addSpan(td, 7, 1, true, func(e *evidence.Exchange) { e.Context = headers([8]byte{1}, [8]byte{2}) })
	addSpan(td, 7, 2, false, nil)
	e.consume(td, 0)
	for el := e.shard.recent.Front(); el != nil; el = el.Next() {
		p := el.Value.(*process)
		assert.Nil(t, p.blind, "no call carries anything")
		for _, n := range e.shard.nodesOf(p) {
			assert.Nil(t, n.Twin)
		}
	}
}

func TestAProcessWhoseCallsCarryNothingAnyMoreIsNotCheckedAnyMore(t *testing.T) {
	e := collect(defaults())
	e.consume(served(7, "shop"), 0)
	p := e.shard.recent.Front().Value.(*process)
	assert.NotNil(t, p.blind)
	for now := second; now <= checkIdle+second; now += second {
		td := ptrace.NewTraces()
		addSpan(td, 7, 1, true, func(e *evidence.Exchange) { // on a thread of its own
			e.Request.TID, e.Response.TID = uint32(now/second)+100, uint32(now/second)+100
		})
		td.ResourceSpans().At(0).Resource().Attributes().PutStr("service.name", "shop")
		e.consume(td, now)
	}
	assert.Nil(t, p.blind)
	e.flush(checkIdle + second)
	assert.Equal(t, [outcomes]int{1, 0, 1}, *e.shard.checked["shop"], "what was known until then is counted")
}
