package tailhook

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime"
	"sync"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor/pkg/samplingpolicy"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/journal"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/policy"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/settle"
)

var (
	errFull    = errors.New("tailhook: max_bytes of memory are in use")
	errStopped = errors.New("tailhook: not running")
)

// hook is the connector. ConsumeTraces encodes a call and shows it to the
// policies in the caller's goroutine; shards, each the only owner of its traces,
// hold and decide; senders hand over what is kept. A slow next component
// occupies senders and memory, and stops ConsumeTraces only when max_bytes are
// in use, with a retryable error.
type hook struct {
	cfg    *Config
	set    connector.Settings
	next   consumer.Traces
	tel    *telemetry
	ledger *ledger
	calls  chan *call // for use again

	mu      sync.RWMutex // ConsumeTraces reads, Start and Shutdown write
	running bool
	policy  *policy.Set
	shards  []*shard
	work    sync.WaitGroup
	kept    *outlet
	dropped *outlet          // nil without dropped_pipelines
	journal *journal.Journal // nil without storage
	edges   *settle.Edges    // nil without complete_wait
	seed    maphash.Seed
}

var _ connector.Traces = (*hook)(nil)

func newHook(set connector.Settings, cfg *Config, next consumer.Traces) (*hook, error) {
	h := &hook{
		cfg: cfg, set: set, next: next, ledger: newLedger(cfg.MaxBytes), seed: maphash.MakeSeed(),
		calls: make(chan *call, 4*runtime.GOMAXPROCS(0)),
	}
	if cfg.CompleteWait > 0 {
		h.edges = settle.NewEdges(maxEdges)
	}
	tel, err := newTelemetry(set.TelemetrySettings, h.ledger)
	if err != nil {
		return nil, err
	}
	h.tel = tel
	return h, nil
}

// Capabilities says that spans are only read.
func (*hook) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// Start builds the policies and starts the goroutines.
func (h *hook) Start(ctx context.Context, host component.Host) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	set, err := policy.NewSet(h.cfg.Policies, h.set.TelemetrySettings, &policy.Options{
		FirstMatch: h.cfg.SampleOnFirstMatch, TraceState: h.cfg.UseTraceState, Extensions: extensions(host),
	})
	if err != nil {
		return fmt.Errorf("tailhook: %w", err)
	}
	h.policy = set
	h.tel.name(set)
	if err := h.openOutlets(); err != nil {
		return err
	}
	if err := h.startShards(ctx, host); err != nil {
		return errors.Join(err, h.stop(ctx))
	}
	h.running = true
	return nil
}

// extensions lists the extensions that are policies.
func extensions(host component.Host) map[string]samplingpolicy.Extension {
	all := map[string]samplingpolicy.Extension{}
	for id, e := range host.GetExtensions() {
		if p, ok := e.(samplingpolicy.Extension); ok {
			all[id.String()] = p
		}
	}
	return all
}

// startShards starts the shards, with what an earlier run left in the storage.
func (h *hook) startShards(ctx context.Context, host component.Host) error {
	n := int(h.cfg.NumShards)
	if n == 0 {
		n = max(1, runtime.GOMAXPROCS(0)/4)
	}
	origin := time.Now()
	for i := range n {
		h.shards = append(h.shards, newShard(h, i, n, origin))
	}
	if err := h.openJournal(ctx, host); err != nil {
		return err
	}
	for _, s := range h.shards {
		h.work.Go(s.run)
	}
	if h.journal == nil {
		return nil
	}
	return h.journal.Replay(ctx, h.replay)
}

// ConsumeTraces takes the spans over. It returns a retryable error, and takes
// none, if max_bytes are in use.
func (h *hook) ConsumeTraces(_ context.Context, td ptrace.Traces) error {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if !h.running {
		return errStopped
	}
	c := h.newCall()
	if err := c.read(td); err != nil {
		return err
	}
	if c.Len() == 0 {
		h.recycle(c)
		return nil
	}
	if !h.ledger.accept(c.size) {
		h.tel.refused(c.Len())
		h.recycle(c)
		return errFull
	}
	if h.journal != nil {
		var err error
		if c.number, err = h.journal.Accept(c.Data(), len(c.Fragments())); err != nil {
			h.tel.refused(c.Len())
			h.free(c)
			return fmt.Errorf("tailhook: %w", err)
		}
	}
	h.spread(c)
	return nil
}

// spread gives a call to the shards that have a part in it.
func (h *hook) spread(c *call) {
	c.Share(len(c.shards))
	for _, i := range c.shards {
		h.shards[i].in <- c
	}
}

func (h *hook) newCall() *call {
	select {
	case c := <-h.calls:
		return c
	default:
		return newCall(h.policy, h.edges, len(h.shards), h.seed, h.free)
	}
}

// free ends the use of a call that was accepted.
func (h *hook) free(c *call) {
	h.ledger.held.Add(-int64(c.size))
	h.recycle(c)
}

func (h *hook) recycle(c *call) {
	select {
	case h.calls <- c:
	default:
	}
}

// Shutdown decides every trace that waits and hands over those that are kept.
func (h *hook) Shutdown(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer h.tel.close()
	if !h.running {
		return nil
	}
	h.running = false
	return h.stop(ctx)
}

// stop ends the goroutines, those that make work first.
func (h *hook) stop(ctx context.Context) error {
	for _, s := range h.shards {
		close(s.in)
	}
	h.work.Wait()
	err := h.closeOutlets(ctx)
	if h.journal != nil {
		err = errors.Join(err, h.journal.Close(ctx))
	}
	return err
}
