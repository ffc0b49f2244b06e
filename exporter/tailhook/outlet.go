package tailhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pipeline"
	"go.uber.org/zap"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/journal"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/policy"
)

// parcel is one decided trace, or late spans of one, as OTLP.
type parcel struct {
	data    []byte
	spans   int64
	omitted omitted
	mark    policy.Mark
	refs    []journal.Ref // its fragments in the journal
}

// outlet hands decided traces over to the next component, by a few senders that
// take turns. A call that fails is repeated by its sender.
type outlet struct {
	hook   *hook
	next   consumer.Traces
	ctx    context.Context // of the calls; ends when shutdown gives up
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu     sync.Mutex
	some   sync.Cond
	queue  []parcel // bounded by the ledger
	closed bool
}

// A load is what one call delivers: whole parcels, up to about so many spans or
// bytes.
const (
	loadSpans = 512
	loadBytes = 1 << 20
)

func newOutlet(h *hook, next consumer.Traces) *outlet {
	o := &outlet{hook: h, next: next}
	o.some.L = &o.mu
	o.ctx, o.cancel = context.WithCancel(context.Background())
	for range h.cfg.Delivery.Senders {
		o.work.Go(o.run)
	}
	return o
}

// put takes a parcel. It never waits.
func (o *outlet) put(p parcel) {
	l := o.hook.ledger
	l.held.Add(int64(len(p.data)))
	l.undelivered.Add(int64(len(p.data)))
	o.mu.Lock()
	o.queue = append(o.queue, p)
	o.mu.Unlock()
	o.some.Signal()
}

// pop waits for a load. It returns none when the outlet is closed and empty.
func (o *outlet) pop(load []parcel) []parcel {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) == 0 && !o.closed {
		o.some.Wait()
	}
	var n, spans, bytes int
	for n < len(o.queue) && (n == 0 || spans < loadSpans && bytes < loadBytes) {
		spans += int(o.queue[n].spans)
		bytes += len(o.queue[n].data)
		n++
	}
	load = append(load, o.queue[:n]...)
	clear(o.queue[:n])
	o.queue = o.queue[n:]
	if len(o.queue) == 0 {
		o.queue = nil
	}
	return load
}

func (o *outlet) run() {
	for {
		load := o.pop(nil)
		if len(load) == 0 {
			return
		}
		over := o.deliver(load)
		for i := range load {
			o.hook.ledger.held.Add(-int64(len(load[i].data)))
			o.hook.ledger.undelivered.Add(-int64(len(load[i].data)))
			if over && o.hook.journal != nil {
				o.hook.journal.Done(load[i].refs...)
			}
		}
	}
}

// deliver hands a load over, however often that takes. It returns whether the
// way of the load is over: not if the journal still has it for the next run.
func (o *outlet) deliver(load []parcel) bool {
	var failed *ptrace.Traces // what an earlier call did not deliver
	wait := o.backoff()
	start := time.Now()
	for {
		td := o.spans(load, failed)
		spans := int64(td.SpanCount())
		if spans == 0 {
			return true
		}
		err := o.next.ConsumeTraces(o.ctx, td)
		if err == nil {
			o.hook.tel.delivered(spans)
			return true
		}
		var part consumererror.Traces
		if errors.As(err, &part) {
			rest := part.Data()
			failed = &rest
			o.hook.tel.delivered(spans - int64(rest.SpanCount()))
			spans = int64(rest.SpanCount())
		}
		cause, over := o.giveUp(err, start, wait)
		if over && cause == atShutdown && o.hook.journal != nil {
			return false
		}
		if over {
			o.lose(cause, spans, err)
			return true
		}
	}
}

// spans decodes a load, for every call again: the next component may have
// changed what it got.
func (o *outlet) spans(load []parcel, failed *ptrace.Traces) ptrace.Traces {
	if failed != nil {
		td := ptrace.NewTraces()
		failed.CopyTo(td)
		return td
	}
	mix := newMixer()
	for i := range load {
		if load[i].spans == 0 {
			continue
		}
		if err := mix.add(&load[i]); err != nil {
			o.lose(undecodable, load[i].spans, err)
			load[i].spans = 0 // lost once, however often the call is repeated
		}
	}
	return mix.td
}

func (o *outlet) backoff() *backoff.ExponentialBackOff {
	c := &o.hook.cfg.Delivery.RetryOnFailure
	return &backoff.ExponentialBackOff{
		InitialInterval: c.InitialInterval, RandomizationFactor: c.RandomizationFactor,
		Multiplier: c.Multiplier, MaxInterval: c.MaxInterval,
	}
}

// giveUp waits until the call may be repeated, or says why it is not.
func (o *outlet) giveUp(err error, start time.Time, wait *backoff.ExponentialBackOff) (loss, bool) {
	c := &o.hook.cfg.Delivery.RetryOnFailure
	if consumererror.IsPermanent(err) {
		return permanentError, true
	}
	pause := wait.NextBackOff()
	if !c.Enabled || c.MaxElapsedTime > 0 && time.Since(start)+pause > c.MaxElapsedTime {
		return retriesExhausted, true
	}
	select {
	case <-time.After(pause):
		return "", false
	case <-o.ctx.Done():
		return atShutdown, true
	}
}

func (o *outlet) lose(cause loss, spans int64, err error) {
	o.hook.tel.lost(cause, spans)
	o.hook.set.Logger.Warn("spans of kept traces are lost",
		zap.String("cause", string(cause)), zap.Int64("spans", spans), zap.Error(err))
}

// close lets the senders empty the queue until ctx ends. What they cannot
// deliver by then is lost and counted.
func (o *outlet) close(ctx context.Context) error {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.some.Broadcast()
	defer o.cancel()
	done := make(chan struct{})
	go func() { o.work.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	o.cancel()
	select {
	case <-done:
	case <-time.After(lastCall): // the next component does not heed its context
	}
	return fmt.Errorf("tailhook: deliver decided traces: %w", context.Cause(ctx))
}

// lastCall is the time that calls have to return once their context has ended.
const lastCall = time.Second

// openOutlets makes the way out for kept traces, and the one for the others if
// there are pipelines for them.
func (h *hook) openOutlets() error {
	kept := h.next
	if len(h.cfg.DroppedPipelines) > 0 {
		router, ok := h.next.(connector.TracesRouterAndConsumer)
		if !ok {
			return errors.New("tailhook: dropped_pipelines: the connector feeds a single pipeline")
		}
		var rest []pipeline.ID
		for _, id := range router.PipelineIDs() {
			if !slices.Contains(h.cfg.DroppedPipelines, id) {
				rest = append(rest, id)
			}
		}
		var err error
		if kept, err = router.Consumer(rest...); err != nil {
			return fmt.Errorf("tailhook: pipelines of kept traces: %w", err)
		}
		dropped, err := router.Consumer(h.cfg.DroppedPipelines...)
		if err != nil {
			return fmt.Errorf("tailhook: dropped_pipelines: %w", err)
		}
		h.dropped = newOutlet(h, dropped)
	}
	h.kept = newOutlet(h, kept)
	return nil
}

// closeOutlets empties both, kept traces and the others at the same time.
func (h *hook) closeOutlets(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Delivery.ShutdownTimeout)
	defer cancel()
	if h.dropped == nil {
		return h.kept.close(ctx)
	}
	var wg sync.WaitGroup
	var dropped error
	wg.Go(func() { dropped = h.dropped.close(ctx) })
	kept := h.kept.close(ctx)
	wg.Wait()
	return errors.Join(kept, dropped)
}
