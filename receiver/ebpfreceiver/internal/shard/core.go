package shard

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

// Core is the running whole: inlet, workers, and the goroutine that flushes.
type Core struct {
	options Options
	inlet   *inlet
	outlet  *outlet
	workers sync.WaitGroup
	stop    chan struct{}
	done    chan struct{}
	cancel  context.CancelFunc
}

// Start returns a core at work. Its Handler takes events until Shutdown.
func Start(options *Options) (*Core, error) {
	in, err := newInlet(options.Workers, options.MaxThreads)
	if err != nil {
		return nil, fmt.Errorf("make the thread table: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Core{options: *options, inlet: in, stop: make(chan struct{}), done: make(chan struct{}), cancel: cancel}
	c.outlet = newOutlet(&c.options, in)
	for i := range in.lanes {
		w := newWorker(&c.options, c.outlet.offset)
		c.workers.Go(func() { w.run(&in.lanes[i]) })
	}
	go c.flush(ctx)
	return c, nil
}

// Handler takes events, from one goroutine. What it is lent it copies.
func (c *Core) Handler() event.Handler { return c.inlet }

// Idle tells that the reader has nothing more for now, so that what has come need
// not wait for the next flush.
func (c *Core) Idle() { c.inlet.pass() }

// Stats returns the counts as of the last flush.
func (c *Core) Stats() Stats {
	s := c.outlet.snapshot()
	c.inlet.snapshot(&s)
	return s
}

// flush hands spans on at every interval until Shutdown.
func (c *Core) flush(ctx context.Context) {
	defer close(c.done)
	ticker := time.NewTicker(c.options.FlushInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			c.outlet.flush(ctx, false)
		case <-c.inlet.kick:
			c.outlet.flush(ctx, false)
		case <-c.stop:
			c.outlet.flush(ctx, true)
			return
		}
	}
}

// Shutdown ends the core once everything that has come is delivered: the reader
// must have stopped. If ctx ends first, the consumer is told to give up and the
// error is that of ctx.
func (c *Core) Shutdown(ctx context.Context) error {
	close(c.stop)
	defer c.cancel()
	select {
	case <-c.done:
		c.workers.Wait()
		return nil
	case <-ctx.Done():
		c.cancel()
		<-c.done
		c.workers.Wait()
		return fmt.Errorf("flush the last spans: %w", ctx.Err())
	}
}
