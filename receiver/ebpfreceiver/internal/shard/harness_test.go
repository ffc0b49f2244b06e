package shard

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/goleak"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/conn"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/kspan"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/monotime"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/simkernel"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	offset     = int64(1_700_000_000_000_000_000)
	interval50 = 50 * time.Millisecond
)

// world is a kernel, the core that listens to it, and what the core delivered.
type world struct {
	*simkernel.Kernel
	t       *testing.T
	core    *Core
	options Options
	process *simkernel.Process
	thread  *simkernel.Thread

	clock   atomic.Uint64 // what the core sees of Kernel.Now
	mu      sync.Mutex
	batches []ptrace.Traces
	block   chan struct{} // the consumer waits for it; nil: it does not
	unknown map[uint32]bool
}

var _ monotime.Clock = (*world)(nil)

// Now is the time of the simulated kernel as of the last flush.
func (w *world) Now() monotime.Reading {
	return monotime.Reading{Mono: w.clock.Load(), Offset: offset}
}

func defaults() Options {
	return Options{
		Workers: 2, MaxThreads: 100, MaxProcesses: 10, MaxSpans: 10000, FlushInterval: interval50,
		Scope: kspan.Scope{Name: "scope", Version: "1"}, Span: kspan.Options{Evidence: true, HideOpaque: true},
		Conn: conn.Options{
			MaxConnections: 1000, MaxPending: 10, MaxExchanges: 1000, ExchangeTimeout: time.Minute, IdleTimeout: time.Hour,
			Bytes:     stream.Limits{StreamBytes: 1 << 16, TotalBytes: 1 << 20},
			Protocols: []protocol.Protocol{simkernel.Line()}, Opaque: true,
		},
	}
}

// run plays a test in a bubble with a core at work, which it shuts down.
func run(t *testing.T, change func(*world), play func(*world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, options: defaults(), unknown: map[uint32]bool{}}
		if change != nil {
			change(w)
		}
		w.options.Clock = w
		w.options.Resource, w.options.Undescribed = w.resource, undescribed
		w.options.Consume = w.consume
		w.Kernel = simkernel.New(nil)
		core, err := Start(&w.options)
		require.NoError(t, err)
		w.core = core
		w.SetHandler(core.Handler())
		w.process = w.Process(100, "server")
		w.thread = w.process.Thread()
		defer func() { assert.NoError(t, core.Shutdown(context.Background())) }()
		play(w)
	})
}

func (w *world) resource(pid uint32) (pcommon.Resource, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := pcommon.NewResource()
	r.Attributes().PutInt("process.pid", int64(pid))
	r.Attributes().PutStr("service.name", "known")
	return r, !w.unknown[pid]
}

func undescribed(pid uint32) pcommon.Resource {
	r := pcommon.NewResource()
	r.Attributes().PutInt("process.pid", int64(pid))
	return r
}

func (w *world) consume(ctx context.Context, traces ptrace.Traces) {
	w.mu.Lock()
	w.batches = append(w.batches, traces)
	block := w.block
	w.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
		}
	}
}

// flush lets one interval pass and returns the batches that came.
func (w *world) flush() []ptrace.Traces {
	w.Sleep(interval50)
	w.clock.Store(w.Kernel.Now)
	time.Sleep(interval50)
	synctest.Wait()
	return w.take()
}

func (w *world) take() []ptrace.Traces {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.batches
	w.batches = nil
	return b
}

// names lists the spans of batches.
func names(batches []ptrace.Traces) (list []string) {
	for _, b := range batches {
		for _, rs := range b.ResourceSpans().All() {
			for _, s := range rs.ScopeSpans().At(0).Spans().All() {
				list = append(list, s.Name())
			}
		}
	}
	return list
}

// watermarks lists those stated for pid, as times of the kernel.
func watermarks(batches []ptrace.Traces, pid int64) (list []uint64) {
	for _, b := range batches {
		for _, rs := range b.ResourceSpans().All() {
			if v, _ := rs.Resource().Attributes().Get("process.pid"); v.Int() != pid {
				continue
			}
			if v, ok := rs.ScopeSpans().At(0).Scope().Attributes().Get(evidence.KeyWatermark); ok {
				list = append(list, uint64(v.Int()-offset))
			}
		}
	}
	return list
}

func (w *world) serve(s *simkernel.Socket, name string) {
	s.Read(w.thread, "Q "+name+"\n")
	s.Write(w.thread, "A ok\n")
}

func (w *world) accept() *simkernel.Socket {
	return w.Accept(w.thread, "10.0.0.1:8000", "10.0.0.2:41000")
}

func (w *world) assertStats(check func(Stats) uint64, want uint64) {
	w.t.Helper()
	assert.Equal(w.t, want, check(w.core.Stats()))
}
