package stitchprocessor

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/sim"
)

// overtaken is Node with 8 sockets, for which calls wait. Some requests do something else before
// their second call: nothing is seen of that, and others overtake them.
func overtaken(chance float64, fair, last bool) program {
	return func(w *sim.World) sim.Target {
		l := sim.NewLoop(w.NewProcess("crowd"), false)
		up := &sim.LoopClient{Loop: l, Target: backend(w), Max: 8, Fair: fair, Last: last}
		return &sim.LoopServer{Loop: l, Port: port, Handle: func(t *sim.Thread, c *sim.Conn, r *sim.Record) {
			second := func(t *sim.Thread) { up.Call(t, r, func(t *sim.Thread) { t.Reply(c, r) }) }
			up.Call(t, r, func(t *sim.Thread) {
				if !w.Chance(chance) {
					second(t)
					return
				}
				l.Later(w.Uniform(time.Millisecond, 5*time.Millisecond), second)
			})
		}}
	}
}

// arriveLate lets an agent come when a program has served 64 clients for a while, more than it
// can.
func arriveLate(t *testing.T, p program, seed uint64, lose float64) result {
	w := sim.New(seed)
	w.Agent().Since = sim.Epoch + int64(500*time.Millisecond)
	w.Agent().Lose = lose
	return runLoad(t, p, w, &sim.Load{Clients: 64, Requests: 2000, Think: time.Millisecond})
}

func TestWhoWaitsForASocketIsLearnedByALateAgent(t *testing.T) {
	for name, tt := range map[string]struct {
		program     program
		lose        float64
		least, most float64 // least share of right links, most of wrong ones
	}{
		"in order":                      {overtaken(0, true, false), 0, 0.95, 0},
		"in order, and some spans lost": {overtaken(0, true, false), 0.002, 0.6, 0.0005},
		"the last one first":            {overtaken(0, true, true), 0, 0, 0.001},
		"the own next call first":       {overtaken(0, false, false), 0, 0, 0},
		"one of a hundred overtaken":    {overtaken(0.01, true, false), 0, 0.6, 0.0005},
		"one of five overtaken":         {overtaken(0.2, true, false), 0, 0, 0.001},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := uint64(1); seed <= 4; seed++ {
				r := arriveLate(t, tt.program, seed, tt.lose)
				t.Log(fmt.Sprint(r))
				assert.GreaterOrEqual(t, r.recall(), tt.least, seed)
				assert.LessOrEqual(t, r.wrongs(), tt.most, seed)
			}
		})
	}
}
