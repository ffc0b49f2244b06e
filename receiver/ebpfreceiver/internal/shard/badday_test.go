package shard

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/simkernel"
)

// TestConnectionsComeAndGoWithoutGrowth opens and closes many connections.
func TestConnectionsComeAndGoWithoutGrowth(t *testing.T) {
	run(t, func(w *world) { w.options.Conn.MaxConnections = 5000 }, func(w *world) {
		total := 0
		for i := range 20000 {
			s := w.accept()
			w.serve(s, "a")
			s.Close(0)
			if i%1000 == 999 {
				synctest.Wait()
				total += len(names(w.flush()))
			}
		}
		total += len(names(w.flush()))
		assert.Equal(t, 20000, total)
		s := w.core.Stats()
		assert.Zero(t, s.Conn.Connections)
		assert.Zero(t, s.Conn.Evicted)
		assert.Zero(t, s.Conn.Buffered)
		assert.LessOrEqual(t, len(w.core.outlet.processes), 1)
	})
}

// TestAFloodOfConnectionsIsBounded opens far more connections than are allowed and
// never closes one.
func TestAFloodOfConnectionsIsBounded(t *testing.T) {
	run(t, func(w *world) { w.options.Conn.MaxConnections = 100 }, func(w *world) {
		for i := range 5000 {
			w.accept().Read(w.thread, "Q a\n")
			if i%500 == 0 {
				synctest.Wait()
			}
		}
		w.flush()
		s := w.core.Stats()
		assert.Equal(t, 100, s.Conn.Connections)
		assert.EqualValues(t, 4900, s.Conn.Evicted)
		assert.EqualValues(t, 4900, s.Conn.DroppedEvicted)
		w.serve(w.accept(), "alive")
		assert.Contains(t, names(w.flush()), "alive")
	})
}

// TestARingThatOverflowsRecovers loses bursts of records of several threads and
// connections, and demands that spans outside the bursts are right and that those
// which are not marked lossy never have the response of another request.
func TestARingThatOverflowsRecovers(t *testing.T) {
	for seed := range uint64(10) {
		run(t, nil, func(w *world) {
			rng := rand.New(rand.NewPCG(seed, 11))
			threads := []*simkernel.Thread{w.thread, w.process.Thread(), w.process.Thread()}
			sockets := make([]*simkernel.Socket, 9)
			for i := range sockets {
				sockets[i] = w.accept()
			}
			losing := 0
			w.Lose = func(ev any) bool {
				if _, is := ev.(*event.IO); !is {
					return false
				}
				if losing == 0 && rng.IntN(100) == 0 {
					losing = 1 + rng.IntN(20)
				}
				losing = max(losing-1, 0)
				return losing > 0
			}
			clean, lossy := 0, 0
			check := func() {
				for _, b := range w.flush() {
					for _, rs := range b.ResourceSpans().All() {
						for _, s := range rs.ScopeSpans().At(0).Spans().All() {
							if _, is := s.Attributes().Get(evidence.KeyLossy); is {
								lossy++
								continue
							}
							clean++
							text, _ := s.Attributes().Get("line.text")
							require.Contains(t, text.Str(), " "+s.Name()+" ", "seed %d", seed)
						}
					}
				}
			}
			for i := range 1500 {
				k := rng.IntN(len(sockets))
				thread := threads[k%len(threads)]
				name := fmt.Sprintf("r%d", i)
				sockets[k].Read(thread, "Q "+name+"\n")
				sockets[k].Write(thread, "A ok "+name+" \n")
				if rng.IntN(40) == 0 {
					check()
				}
			}
			check()
			check()
			require.Greater(t, clean, 600, "seed %d: %d lossy", seed, lossy)
			w.Lose = nil
			for range 3 { // after which everything is in step again
				for _, s := range sockets {
					w.serve(s, "x")
				}
				w.flush()
			}
			for _, s := range sockets {
				w.serve(s, "healed")
			}
			for _, b := range w.flush() {
				for _, s := range b.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
					_, is := s.Attributes().Get(evidence.KeyLossy)
					require.False(t, is, "seed %d: %s", seed, s.Name())
				}
			}
		})
	}
}

// TestATargetThatDiesMidRequest ends its requests and forgets it.
func TestATargetThatDiesMidRequest(t *testing.T) {
	run(t, nil, func(w *world) {
		in, out := w.accept(), w.Dial(w.thread, "10.0.0.1:5", "10.0.0.9:6379")
		in.Read(w.thread, "Q in\n")
		out.Write(w.thread, "Q out\n")
		w.process.Exit()
		in.Close(0)
		out.Close(104)
		assert.ElementsMatch(t, []string{"in", "out"}, names(w.flush()))
		w.flush()
		w.flush()
		assert.Empty(t, w.core.outlet.processes)
		assert.Zero(t, w.core.Stats().Conn.Connections)
	})
}

// TestGarbageOnEveryPort sends bytes that are no protocol.
func TestGarbageOnEveryPort(t *testing.T) {
	run(t, nil, func(w *world) {
		rng := rand.New(rand.NewPCG(1, 1))
		for range 100 {
			s := w.accept()
			for range 10 {
				n := 1 + rng.IntN(3000)
				text := strings.Repeat(string([]byte{byte(rng.Uint32())}), n)
				s.IO(w.thread, event.Direction(rng.IntN(2)), text, n)
			}
		}
		w.flush()
		w.Sleep(2 * time.Minute)
		w.flush()
		w.flush()
		s := w.core.Stats()
		assert.Zero(t, s.Conn.Buffered)
		assert.Zero(t, s.Conn.Pending)
		assert.Zero(t, s.Conn.LostFrames, "nothing was taken for a protocol")
	})
}
