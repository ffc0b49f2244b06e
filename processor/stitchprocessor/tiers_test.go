package stitchprocessor

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/sim"
)

// tiers is a proxy before worker processes that each make two calls to a store, which
// is watched, too, and has an event loop.
func tiers(hidden bool) program {
	return func(w *sim.World) sim.Target {
		store := &sim.LoopServer{Loop: sim.NewLoop(w.NewProcess("store"), false), Port: 7070}
		store.Handle = func(t *sim.Thread, c *sim.Conn, r *sim.Record) { t.Reply(c, r) }
		workers := &sim.Prefork{Port: 9090}
		clients := map[*sim.Process]*sim.Blocking{}
		workers.Handle = func(t *sim.Thread, _ *sim.Conn, r *sim.Record) bool {
			b := clients[t.Process]
			b.Call(t, r)
			call := b.Call(t, r)
			if hidden {
				call.Hide()
				call.Peer.Hide()
			}
			return false
		}
		for _, p := range workers.Start(w, "workers", 4) {
			clients[p] = sim.NewBlocking(store)
		}
		l := sim.NewLoop(w.NewProcess("proxy"), false)
		up := &sim.LoopClient{Loop: l, Target: workers, Fresh: 1}
		return &sim.LoopServer{Loop: l, Port: 8080, Handle: func(t *sim.Thread, c *sim.Conn, r *sim.Record) {
			up.Call(t, r, func(t *sim.Thread) { t.Reply(c, r) })
		}}
	}
}

func TestProcessesOfAHostAreJoined(t *testing.T) {
	for _, n := range []int{1, 16, 64} {
		t.Run(fmt.Sprintf("%d in flight", n), func(t *testing.T) {
			res := run(t, tiers(false), 5, n, 500)
			t.Log(res)
			assert.GreaterOrEqual(t, res.recall(), 0.999)
			assert.Zero(t, res.wrong)
			assert.Equal(t, res.joins, res.joined, "every server span has its client's as parent")
			assert.Equal(t, 500, res.traces, "one trace for each request")
			assert.Equal(t, 500, res.settled)
		})
	}
}

func TestHiddenSpansServeAsEvidenceAndAreDropped(t *testing.T) {
	res := run(t, tiers(true), 5, 16, 500)
	t.Log(res)
	assert.Zero(t, res.wrong)
	assert.Equal(t, 500, res.traces)
	assert.Equal(t, 500, res.settled)
}

// In lossy worlds recall falls, but nothing is linked wrongly: a rule that bridged a
// hole would show here.
func TestLossCostsRecallAndNothingElse(t *testing.T) {
	lossy := []struct {
		name    string
		program program
		recall  float64 // least with a loss of 20 %
	}{
		{"thread per request", threadPerRequest(3), 0.3},
		{"a pool that is waited for", waitingPool, 0.9},
		{"a pool that replies", replyingPool, 0.5},
		{"a proxy", proxy, 0.5},
		{"calls in a row at once", sequential(2, false), 0.3},
		{"calls in a row in the next turn", sequential(2, true), 0},
		{"Go", goDirect(2, false), 0.5},
		{"a pool that tells an event loop", executor, 0.4},
		{"Go with workers", goPool, 0.2},
		{"calls that wait for a socket", queued, 0.2},
		{"calls from timers", timers, 0.2},
		{"processes of a host", tiers(false), 0.5},
	}
	for _, tt := range lossy {
		for _, loss := range []float64{0.01, 0.05, 0.2} {
			t.Run(fmt.Sprintf("%s, %.0f %% of spans", tt.name, 100*loss), func(t *testing.T) {
				w := sim.New(11)
				w.Agent().Lose = loss
				res := runLoad(t, tt.program, w, &sim.Load{Clients: 64, Requests: 800, Think: time.Millisecond})
				t.Log(res)
				assert.GreaterOrEqual(t, res.recall(), tt.recall)
				assert.LessOrEqual(t, res.wrongs(), 0.005)
			})
			t.Run(fmt.Sprintf("%s, %.0f %% of ordinals", tt.name, 100*loss), func(t *testing.T) {
				w := sim.New(11)
				w.Noise = loss
				res := runLoad(t, tt.program, w, &sim.Load{Clients: 64, Requests: 800, Think: time.Millisecond})
				t.Log(res)
				assert.GreaterOrEqual(t, res.recall(), tt.recall)
				assert.LessOrEqual(t, res.wrongs(), 0.005)
			})
		}
	}
}
