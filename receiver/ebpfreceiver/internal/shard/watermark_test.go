package shard

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/simkernel"
)

func TestAWatermarkFollowsTheNewestEvent(t *testing.T) {
	run(t, nil, func(w *world) {
		s := w.accept()
		w.serve(s, "a")
		last := w.Kernel.Now
		assert.Empty(t, watermarks(w.flush(), 100), "late records may still come")
		assert.Equal(t, []uint64{last + 1}, watermarks(w.flush(), 100), "none has come for an interval")
		for range 5 {
			assert.Empty(t, w.flush(), "a process that rests is silent")
		}
		w.serve(s, "b")
		assert.Equal(t, []string{"b"}, names(w.flush()))
		assert.Len(t, watermarks(w.flush(), 100), 1)
	})
}

func TestWithoutEvidenceThereAreNoWatermarks(t *testing.T) {
	run(t, func(w *world) { w.options.Span.Evidence = false }, func(w *world) {
		w.serve(w.accept(), "a")
		batches := w.flush()
		assert.Equal(t, []string{"a"}, names(batches))
		for range 3 {
			batches = append(batches, w.flush()...)
		}
		assert.Len(t, batches, 1)
		assert.Empty(t, watermarks(batches, 100))
	})
}

func TestActivityElsewhereMovesTheWatermark(t *testing.T) {
	run(t, nil, func(w *world) {
		w.serve(w.accept(), "a")
		last := w.Kernel.Now
		w.flush()
		w.thread = w.Process(200, "other").Thread()
		w.serve(w.accept(), "b")
		batches := w.flush()
		assert.Equal(t, []uint64{last + 1}, watermarks(batches, 100))
		assert.Equal(t, []uint64{last + 1}, watermarks(batches, 200), "all has come up to there")
	})
}

func TestAnOpenRequestHoldsTheWatermark(t *testing.T) {
	run(t, nil, func(w *world) {
		s := w.accept()
		w.serve(s, "before")
		s.Read(w.thread, "Q slow\n")
		begin := w.Kernel.Now
		other := w.accept()
		w.serve(other, "fast")
		w.flush()
		assert.Equal(t, []uint64{begin}, watermarks(w.flush(), 100))
		w.serve(other, "fast")
		last := w.Kernel.Now
		batches := w.flush()
		assert.Equal(t, []string{"fast"}, names(batches))
		assert.Empty(t, watermarks(batches, 100), "it cannot move")
		assert.Empty(t, w.flush())
		s.Write(w.thread, "A ok\n")
		batches = w.flush()
		assert.Equal(t, []string{"slow"}, names(batches))
		assert.Equal(t, []uint64{last + 1}, watermarks(batches, 100))
		w.assertStats(func(s Stats) uint64 { return s.Late }, 0)
	})
}

func TestTheOpenRequestMayBeOnAnotherWorker(t *testing.T) {
	run(t, func(w *world) { w.options.Workers = 3 }, func(w *world) {
		slow := w.accept()
		slow.Read(w.thread, "Q slow\n")
		begin := w.Kernel.Now
		for range 7 {
			w.serve(w.accept(), "fast")
		}
		w.flush()
		assert.Equal(t, []uint64{begin}, watermarks(w.flush(), 100))
	})
}

func TestNoRequestHoldsTheWatermarkForEver(t *testing.T) {
	tests := []struct {
		name  string
		play  func(*world, *simkernel.Socket)
		after time.Duration
	}{
		{"unanswered", func(w *world, s *simkernel.Socket) { s.Read(w.thread, "Q slow\n") }, time.Minute},
		{"unfinished", func(w *world, s *simkernel.Socket) { s.Read(w.thread, "Q slo") }, time.Minute},
		{"opaque", func(w *world, s *simkernel.Socket) { s.Read(w.thread, "xx") }, 2 * time.Second},
		{"behind an upgrade", func(w *world, s *simkernel.Socket) {
			w.serve(s, "ws")
			s.Write(w.thread, "U\n")
			s.Write(w.thread, "x")
			s.Read(w.thread, "xx")
		}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, nil, func(w *world) {
				tt.play(w, w.accept())
				begin := w.Kernel.Now
				w.serve(w.accept(), "z")
				w.flush()
				if tt.after > 0 {
					assert.Equal(t, []uint64{begin}, watermarks(w.flush(), 100))
				}
				w.Sleep(tt.after)
				w.flush()
				w.serve(w.accept(), "z")
				last := w.Kernel.Now
				w.flush()
				got := watermarks(w.flush(), 100)
				require.NotEmpty(t, got)
				assert.Equal(t, last+1, got[len(got)-1])
			})
		})
	}
}

func TestALateServerSpanIsCounted(t *testing.T) {
	run(t, nil, func(w *world) {
		s := w.accept()
		s.Read(w.thread, "xx")
		w.Sleep(3 * time.Second)
		w.serve(w.accept(), "z")
		w.flush()
		w.flush()
		s.Write(w.thread, "yy")
		w.flush()
		w.Sleep(2 * time.Second)
		assert.Equal(t, []string{"tcp 8000"}, names(w.flush()))
		w.assertStats(func(s Stats) uint64 { return s.Late }, 1)
	})
}

// TestAWatermarkIsNeverBroken plays many connections of two processes at random
// and demands of every batch that no server span begins before a watermark that
// was stated earlier, and that in the end the watermarks cover everything.
func TestAWatermarkIsNeverBroken(t *testing.T) {
	for seed := range uint64(20) {
		run(t, func(w *world) { w.options.Workers = 1 + int(seed%4) }, func(w *world) {
			rng := rand.New(rand.NewPCG(seed, 3))
			stated := map[int64]uint64{}
			check := func(batches []ptrace.Traces) {
				for _, b := range batches {
					for _, rs := range b.ResourceSpans().All() {
						v, _ := rs.Resource().Attributes().Get("process.pid")
						for _, s := range rs.ScopeSpans().At(0).Spans().All() {
							if s.Kind() == ptrace.SpanKindServer {
								require.GreaterOrEqual(t, uint64(int64(s.StartTimestamp())-offset), stated[v.Int()])
							}
						}
						for _, at := range watermarks([]ptrace.Traces{b}, v.Int()) {
							require.Greater(t, at, stated[v.Int()], "watermarks only rise")
							stated[v.Int()] = at
						}
					}
				}
			}
			threads := []*simkernel.Thread{w.thread, w.Process(200, "b").Thread()}
			sockets := make([]*simkernel.Socket, 12)
			open := make([]bool, len(sockets))
			for i := range sockets {
				sockets[i] = w.Accept(threads[i%2], "10.0.0.1:8000", "10.0.0.2:41000")
			}
			for range 400 {
				i := rng.IntN(len(sockets))
				if open[i] {
					sockets[i].Write(threads[i%2], "A ok\n")
				} else {
					sockets[i].Read(threads[i%2], "Q a\n")
				}
				open[i] = !open[i]
				if rng.IntN(5) == 0 {
					check(w.flush())
				}
			}
			for i := range sockets {
				if open[i] {
					sockets[i].Write(threads[i%2], "A ok\n")
				}
			}
			last := w.Kernel.Now
			check(w.flush())
			check(w.flush())
			assert.Equal(t, map[int64]uint64{100: last + 1, 200: last + 1}, stated)
			w.assertStats(func(s Stats) uint64 { return s.Late }, 0)
		})
	}
}

// calls lists up to when all calls of the host are said to be here, as times of the kernel.
func calls(batches []ptrace.Traces) (list []uint64) {
	for _, b := range batches {
		for _, rs := range b.ResourceSpans().All() {
			if v, ok := rs.ScopeSpans().At(0).Scope().Attributes().Get(evidence.KeyCalls); ok {
				list = append(list, uint64(v.Int()-offset))
			}
		}
	}
	return list
}

func TestAnOpenCallOfAnyProcessHoldsTheCallsOfTheHost(t *testing.T) {
	run(t, func(w *world) { w.options.Workers = 3 }, func(w *world) {
		caller := w.Process(200, "caller").Thread()
		out := w.Dial(caller, "10.0.0.1:42000", "10.0.0.9:80")
		out.Write(caller, "Q slow\n")
		begin := w.Kernel.Now
		s := w.accept()
		for range 3 {
			w.serve(s, "fast")
			for _, at := range calls(w.flush()) {
				assert.LessOrEqual(t, at, begin)
			}
		}
		out.Read(caller, "A ok\n")
		w.serve(s, "fast")
		w.flush()
		w.serve(s, "fast")
		batches := w.flush()
		require.NotEmpty(t, calls(batches))
		assert.Greater(t, calls(batches)[0], begin, "it has been delivered")
	})
}

func TestSpansThatWaitForADescriptionHoldTheCallsOfTheHost(t *testing.T) {
	run(t, nil, func(w *world) {
		w.mu.Lock()
		w.unknown[200] = true
		w.mu.Unlock()
		caller := w.Process(200, "caller").Thread()
		out := w.Dial(caller, "10.0.0.1:42000", "10.0.0.9:80")
		out.Write(caller, "Q new\n")
		begin := w.Kernel.Now
		out.Read(caller, "A ok\n")
		s := w.accept()
		w.serve(s, "fast")
		w.flush()
		w.serve(s, "fast")
		for _, at := range calls(w.flush()) {
			assert.LessOrEqual(t, at, begin)
		}
	})
}
