package shard

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/simkernel"
)

func TestSpansComeWithTheNextFlush(t *testing.T) {
	run(t, nil, func(w *world) {
		w.serve(w.accept(), "a")
		w.thread = w.Process(200, "other").Thread()
		w.serve(w.accept(), "b")
		w.serve(w.accept(), "c")
		batches := w.flush()
		require.Len(t, batches, 1)
		assert.ElementsMatch(t, []string{"a", "b", "c"}, names(batches))
		assert.Equal(t, 2, batches[0].ResourceSpans().Len(), "one resource per process")
		for _, rs := range batches[0].ResourceSpans().All() {
			assert.Equal(t, 1, rs.ScopeSpans().Len())
			assert.Equal(t, "scope", rs.ScopeSpans().At(0).Scope().Name())
		}
		w.assertStats(func(s Stats) uint64 { return s.Spans }, 3)
		w.assertStats(func(s Stats) uint64 { return s.Events }, 9)
		w.assertStats(func(s Stats) uint64 { return s.Conn.Delivered }, 3)
	})
}

func TestAConnectionStaysWithItsWorker(t *testing.T) {
	run(t, func(w *world) { w.options.Workers = 4 }, func(w *world) {
		var sockets []*simkernel.Socket
		for range 20 {
			sockets = append(sockets, w.accept())
		}
		for i := range 10 {
			for j, s := range sockets {
				s.Read(w.thread, fmt.Sprintf("Q r%d.%d\n", j, i))
			}
			for _, s := range sockets {
				s.Write(w.thread, "A ok\n")
			}
		}
		assert.Len(t, names(w.flush()), 200)
		w.assertStats(func(s Stats) uint64 { return s.Conn.Unsolicited + s.Conn.Streams.Reordered + s.Holes }, 0)
	})
}

func TestManyEventsFlushEarly(t *testing.T) {
	run(t, nil, func(w *world) {
		s := w.accept()
		for range kickEvents / 2 {
			w.serve(s, "a")
			synctest.Wait()
		}
		assert.NotEmpty(t, names(w.take()), "no interval has passed")
	})
}

func TestShutdownDeliversWhatWasAccepted(t *testing.T) {
	var w *world
	run(t, nil, func(world *world) {
		w = world
		w.serve(w.accept(), "a")
		s := w.accept()
		s.Read(w.thread, "Q b\n")
		s.Write(w.thread, "A ok until\n")
		w.accept().Read(w.thread, "Q c\n")
		w.process.Exit() // after which nothing is under way
		w.accept().Read(w.thread, "Q d\n")
	})
	assert.ElementsMatch(t, []string{"a", "b", "c"}, names(w.take()))
	s := w.core.Stats()
	assert.EqualValues(t, 1, s.Conn.DroppedShutdown, "nobody answered d")
	assert.EqualValues(t, 3, s.Spans)
	w.serve(w.accept(), "late")
	assert.EqualValues(t, 2, w.core.Stats().DroppedIO, "a reader that goes on is not heard")
}

func TestShutdownGivesUpOnAConsumerThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, options: defaults(), block: make(chan struct{})}
		w.options.Clock, w.options.Resource, w.options.Consume = w, w.resource, w.consume
		w.Kernel = simkernel.New(nil)
		core, err := Start(&w.options)
		require.NoError(t, err)
		w.SetHandler(core.Handler())
		w.thread = w.Process(100, "server").Thread()
		w.serve(w.accept(), "a")
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.ErrorIs(t, core.Shutdown(ctx), context.DeadlineExceeded)
	})
}

func TestALostRecordMakesTheThreadsNextExchangeLossy(t *testing.T) {
	run(t, nil, func(w *world) {
		a, b := w.accept(), w.accept()
		w.serve(a, "a1")
		w.serve(b, "b1")
		w.LoseNext(1)
		a.Read(w.thread, "Q lost\n")
		w.serve(b, "b2")
		w.serve(b, "b3")
		got := map[string]bool{}
		for _, s := range w.flush()[0].ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
			_, got[s.Name()] = s.Attributes().Get(evidence.KeyLossy)
		}
		assert.Equal(t, map[string]bool{"a1": false, "b1": false, "b2": true, "b3": false}, got)
		w.assertStats(func(s Stats) uint64 { return s.Holes }, 1)
	})
}

func TestThreads(t *testing.T) {
	io := func(pid, tid, ordinal uint32) *event.IO {
		return &event.IO{At: event.Point{PID: pid, TID: tid, IO: ordinal}, Comm: "x"}
	}
	tests := []struct {
		name string
		see  []*event.IO
		want []bool
	}{
		{"ordinals in a row", []*event.IO{io(1, 1, 1), io(1, 1, 2), io(1, 1, 3)}, []bool{false, false, false}},
		{"one is missing", []*event.IO{io(1, 1, 1), io(1, 1, 3), io(1, 1, 4)}, []bool{false, true, false}},
		{"the first is missing", []*event.IO{io(1, 1, 2)}, []bool{true}},
		{"threads apart", []*event.IO{io(1, 1, 1), io(1, 2, 1), io(1, 1, 2), io(1, 2, 2)}, []bool{false, false, false, false}},
		{"a new thread with an old number", []*event.IO{io(1, 1, 7), io(1, 1, 1)}, []bool{true, false}},
		{"of another process", []*event.IO{io(1, 1, 1), io(2, 1, 2)}, []bool{false, true}},
		{"a forgotten one comes back", []*event.IO{io(1, 1, 1), io(1, 2, 1), io(1, 3, 1), io(1, 1, 2)}, []bool{false, false, false, true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			threads, err := newThreads(2)
			require.NoError(t, err)
			var got []bool
			for _, io := range tt.see {
				comm, lossy := threads.see(io)
				assert.Equal(t, "x", comm)
				got = append(got, lossy)
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

// TestEveryEventCountsOnce lets counts be compared with those of the kernel side.
func TestEveryEventCountsOnce(t *testing.T) {
	run(t, func(w *world) { w.options.Workers = 4 }, func(w *world) {
		s := w.accept()
		w.serve(s, "a")
		s.Close(0)
		for _, change := range []event.Change{event.Fork, event.Exec, event.Listen, event.Exit} {
			w.core.Handler().Process(&event.Process{Change: change, PID: 100, Time: w.Kernel.Now})
		}
		w.flush()
		w.assertStats(func(s Stats) uint64 { return s.Events }, 4+4)
		w.assertStats(func(s Stats) uint64 { return s.DroppedIO + s.DroppedControl }, 0)
	})
}

func TestForgottenThreadsAreCounted(t *testing.T) {
	run(t, func(w *world) { w.options.MaxThreads = 2 }, func(w *world) {
		for range 5 {
			w.thread = w.process.Thread()
			w.serve(w.accept(), "a")
		}
		w.flush()
		w.assertStats(func(s Stats) uint64 { return s.EvictedThreads }, 3)
	})
}

// TestAFullQueueDropsTheNewest stops the workers, overruns the queue, and demands
// that all losses are counted and that nothing is paired wrong afterwards.
func TestAFullQueueDropsTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, err := newInlet(1, 100)
		require.NoError(t, err)
		kernel := simkernel.New(in)
		thread := kernel.Process(1, "p").Thread()
		s := kernel.Accept(thread, "10.0.0.1:1", "10.0.0.2:2")
		const n = (queueBatches + 2) * batchEvents
		begin := time.Now()
		for range n {
			s.Read(thread, "x")
		}
		assert.Equal(t, queueWait, time.Since(begin), "the reader waits once")
		assert.EqualValues(t, batchEvents, in.counts.droppedIO)
		assert.EqualValues(t, n-batchEvents+1, in.counts.events)
		s.Close(0)
		assert.Zero(t, in.counts.droppedControl)
		for range batchControl {
			s.Close(0)
		}
		assert.EqualValues(t, 1, in.counts.droppedControl)

		var stats Stats
		in.snapshot(&stats)
		assert.EqualValues(t, batchEvents, stats.DroppedIO)
		<-in.lanes[0].queue
		s.Read(thread, "x")
		assert.EqualValues(t, batchEvents, in.counts.droppedIO, "there is room again")
		assert.EqualValues(t, 1, in.threads.holes, "and the thread shows the hole")
		in.pass() // does not wait
		set := false
		go func() {
			in.setBarrier(func(since interval) *barrier {
				assert.Positive(t, since.events)
				return &barrier{}
			})
			set = true
		}()
		synctest.Wait()
		assert.False(t, set, "it waits for room")
		<-in.lanes[0].queue
		synctest.Wait()
		assert.True(t, set)
	})
}

func TestABlockedConsumerCostsOnlySpans(t *testing.T) {
	run(t, func(w *world) {
		w.options.MaxSpans, w.options.Workers = 10, 1
		w.block = make(chan struct{})
	}, func(w *world) {
		s := w.accept()
		w.serve(s, "first")
		w.flush()
		for range 30 {
			w.serve(s, "more")
		}
		w.flush()
		w.Sleep(time.Second)
		close(w.block)
		w.mu.Lock()
		w.block = nil
		w.mu.Unlock()
		assert.Len(t, names(w.flush()), 10)
		w.assertStats(func(s Stats) uint64 { return s.DroppedSpans }, 20)
		w.assertStats(func(s Stats) uint64 { return s.DroppedIO }, 0)
	})
}

func TestTooManyProcesses(t *testing.T) {
	run(t, func(w *world) { w.options.MaxProcesses = 2 }, func(w *world) {
		for pid := range uint32(4) {
			w.thread = w.Process(1000+pid, "p").Thread()
			w.serve(w.accept(), "a")
		}
		assert.Len(t, names(w.flush()), 2)
		w.assertStats(func(s Stats) uint64 { return s.DroppedProcess }, 2)
	})
}

func TestAProcessWaitsForItsDescription(t *testing.T) {
	run(t, func(w *world) { w.unknown[100] = true }, func(w *world) {
		w.serve(w.accept(), "a")
		assert.Empty(t, w.flush())
		assert.Empty(t, w.flush())
		w.mu.Lock()
		w.unknown[100] = false
		w.mu.Unlock()
		assert.Equal(t, []string{"a"}, names(w.flush()))
		w.assertStats(func(s Stats) uint64 { return s.Undescribed }, 0)
	})
}

func TestButNotForLong(t *testing.T) {
	for name, end := range map[string]func(*world){
		"a second":          func(w *world) { w.Sleep(describeWait) },
		"while it is there": func(w *world) { w.process.Exit() },
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w *world) { w.unknown[100] = true }, func(w *world) {
				w.serve(w.accept(), "a")
				assert.Empty(t, w.flush())
				end(w)
				batches := w.flush()
				assert.Equal(t, []string{"a"}, names(batches))
				assert.Equal(t, map[string]any{"process.pid": int64(100)},
					batches[0].ResourceSpans().At(0).Resource().Attributes().AsRaw())
				w.assertStats(func(s Stats) uint64 { return s.Undescribed }, 1)
			})
		})
	}
}

// TestRace hammers a core from a reader while others look at it.
func TestRace(t *testing.T) {
	w := &world{t: t, options: defaults()}
	clock := simkernel.New(nil)
	w.Kernel = clock
	w.options.FlushInterval = time.Millisecond
	w.options.Clock, w.options.Resource, w.options.Consume = w, w.resource, w.consume
	core, err := Start(&w.options)
	require.NoError(t, err)
	var readers sync.WaitGroup
	stop := make(chan struct{})
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				core.Stats()
				core.Idle()
			}
		}
	})
	kernel := simkernel.New(core.Handler())
	thread := kernel.Process(100, "server").Thread()
	const n = 3000
	for i := range n {
		s := kernel.Accept(thread, "10.0.0.1:1", "10.0.0.2:2")
		s.Read(thread, fmt.Sprintf("Q r%d\n", i))
		s.Write(thread, "A ok\n")
		s.Close(0)
	}
	close(stop)
	readers.Wait()
	require.NoError(t, core.Shutdown(t.Context()))
	total := 0
	for _, b := range w.take() {
		total += b.SpanCount()
	}
	assert.Equal(t, n, total)
	assert.Zero(t, core.Stats().Conn.Connections)
}
