package target

import (
	"context"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

// discard is a Sink for measurements.
type discard struct{}

func (discard) Add(*Process) error { return nil }
func (discard) Remove(uint32)      {}

func BenchmarkTracker(b *testing.B) {
	c, _ := spawn(b, exec.Command("python3", "-c", "import sys; print('up', flush=True); sys.stdin.readline()"))
	self := []int{int(c.pid)}
	b.Run("inspect and describe", func(b *testing.B) {
		tracker := onReal(b, discard{}, rules(Rule{PIDs: self}))
		b.ReportAllocs()
		for b.Loop() {
			tracker.inspect(c.pid, cause{kind: event.Exec})
		}
	})
	b.Run("inspect and reject", func(b *testing.B) {
		tracker := onReal(b, discard{}, rules(Rule{Exe: "nobody"}))
		b.ReportAllocs()
		for b.Loop() {
			tracker.inspect(c.pid, cause{kind: event.Exec})
		}
	})
	b.Run("take over a fork", func(b *testing.B) {
		tracker := onReal(b, discard{}, rules(Rule{PIDs: self}))
		tracker.inspect(c.pid, cause{})
		e := *tracker.known[c.pid]
		tracker.known[1<<23] = &e
		b.ReportAllocs()
		for b.Loop() {
			delete(tracker.known, c.pid)
			tracker.forked(c.pid, 1<<23)
		}
	})
	b.Run("rescan per process", func(b *testing.B) {
		tracker := onReal(b, discard{}, rules(Rule{PIDs: self}))
		require.NoError(b, tracker.rescan(context.Background()))
		processes := 0
		require.NoError(b, tracker.reader.PIDs(func(uint32) { processes++ }))
		b.ResetTimer()
		for b.Loop() {
			_ = tracker.rescan(context.Background())
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(processes), "ns/process")
	})
	b.Run("notify", func(b *testing.B) {
		tracker := onReal(b, discard{}, rules(Rule{PIDs: self}))
		p := &event.Process{Change: event.Exec, PID: c.pid}
		b.ReportAllocs()
		for b.Loop() {
			tracker.Notify(p)
			select {
			case <-tracker.queue:
			default:
			}
		}
	})
}

func BenchmarkOwnPeers(b *testing.B) {
	peers, err := NewOwnPeers(7)
	require.NoError(b, err)
	b.Run("contains", func(b *testing.B) {
		local, remote := at("127.0.0.1:80"), at("127.0.0.1:50000")
		for b.Loop() {
			peers.Contains(7, local, remote)
		}
	})
	b.Run("refresh", func(b *testing.B) {
		for b.Loop() {
			if err := peers.Refresh(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
