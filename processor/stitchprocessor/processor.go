package stitchprocessor

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.uber.org/zap"
)

// errStopped is returned for spans that come after Shutdown.
var errStopped = errors.New("stitch processor is shut down")

const (
	queueLength  = 64 // jobs, messages or batches that wait between two goroutines
	tickInterval = 20 * time.Millisecond
)

// stitcher is the processor. Its goroutines own all state; this struct is what they
// meet in.
type stitcher struct {
	config    *Config
	next      consumer.Traces
	telemetry *telemetry
	log       *zap.Logger

	workers  []chan job
	picker   *picker       // nil if nothing is linked by times
	timed    chan timedJob // to the goroutine that does it
	messages chan []message
	spare    chan []message // memory of those that have been carried out
	batches  chan ptrace.Traces
	known    *registry
	done     chan struct{} // closed when everything has been handed on

	// closing guards the channels of the workers: held for reading while sending.
	closing sync.RWMutex
	running bool
	cancel  context.CancelFunc // of calls to next
	base    time.Time          // what times are measured from
}

var _ processor.Traces = (*stitcher)(nil)

func newStitcher(set processor.Settings, c *Config, next consumer.Traces) (*stitcher, error) {
	t, err := newTelemetry(set.TelemetrySettings, c)
	if err != nil {
		return nil, err
	}
	n := c.Workers
	if n == 0 {
		n = max(1, runtime.GOMAXPROCS(0)/2)
	}
	s := &stitcher{
		config: c, next: next, telemetry: t, log: set.Logger, known: newRegistry(c),
		workers:  make([]chan job, n),
		messages: make(chan []message, queueLength),
		spare:    make(chan []message, queueLength),
		batches:  make(chan ptrace.Traces, queueLength),
		done:     make(chan struct{}),
	}
	if c.timed() {
		s.picker, s.timed = newPicker(c), make(chan timedJob, queueLength)
	}
	return s, nil
}

// Capabilities says that spans are taken out of what comes in.
func (s *stitcher) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

// Start starts the goroutines.
func (s *stitcher) Start(context.Context, component.Host) error {
	s.closing.Lock()
	defer s.closing.Unlock()
	s.base = time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	var shards sync.WaitGroup
	for i := range s.workers {
		s.workers[i] = make(chan job, queueLength)
		shards.Go(func() { s.work(s.workers[i]) })
	}
	go func() {
		shards.Wait()
		close(s.messages)
	}()
	var owners sync.WaitGroup
	owners.Go(s.assemble)
	if s.picker != nil {
		owners.Go(s.keepTime)
	}
	go func() {
		owners.Wait()
		close(s.batches)
	}()
	go s.deliver(ctx)
	s.running = true
	return nil
}

// Shutdown decides and releases everything that is held, and returns when it has
// been handed on or ctx is over.
func (s *stitcher) Shutdown(ctx context.Context) error {
	s.closing.Lock()
	running := s.running
	s.running = false
	if running {
		for _, w := range s.workers {
			close(w)
		}
		if s.timed != nil {
			close(s.timed)
		}
	}
	s.closing.Unlock()
	if !running {
		return nil
	}
	defer s.telemetry.builder.Shutdown()
	defer s.cancel()
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		s.cancel() // a consumer that blocks gives up, and the rest is counted
		return ctx.Err()
	}
}

// ConsumeTraces hands spans with evidence to their owners, and blocks while those
// are busy. Spans without evidence pass to the next component at once.
func (s *stitcher) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	s.closing.RLock()
	defer s.closing.RUnlock()
	if !s.running {
		return errStopped
	}
	jobs, unidentified := split(td, s.now())
	if m := takeApplications(td, s.known, s.now()); len(m) > 0 {
		select {
		case s.messages <- m:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.pick(td)
	passed := td.SpanCount()
	s.telemetry.arrived(ctx, passed-unidentified, unidentified)
	for _, j := range jobs {
		select {
		case s.workers[j.instance.shard(len(s.workers))] <- j:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if passed == 0 {
		return nil
	}
	if err := s.next.ConsumeTraces(ctx, td); err != nil {
		return consumererror.NewTraces(err, td) // the others are in hold: only these may come again
	}
	return nil
}

// pick hands calls that are to be linked by times to their owner. While that is busy they
// pass, like the spans beside them.
func (s *stitcher) pick(td ptrace.Traces) {
	if s.picker == nil {
		return
	}
	for _, j := range s.picker.pick(td, s.now()) {
		select {
		case s.timed <- j:
		default:
			s.telemetry.timesBusy(j.calls.Len())
			j.giveBack(td)
		}
	}
}

// keepTime runs the timekeeper.
func (s *stitcher) keepTime() {
	k := newTimekeeper(s.config, func(td ptrace.Traces) { s.batches <- td })
	tick := time.NewTicker(tickInterval)
	defer tick.Stop()
	for {
		select {
		case j, ok := <-s.timed:
			if !ok {
				k.flush()
				s.telemetry.times(k.reset(), s.picker.takeEvicted())
				return
			}
			k.consume(&j)
		case <-tick.C:
			k.tick(s.now())
			s.telemetry.times(k.reset(), s.picker.takeEvicted())
		}
	}
}

// now is the time since the start, in ns, of a clock that only goes forward.
func (s *stitcher) now() int64 { return time.Since(s.base).Nanoseconds() }

// work runs one shard.
func (s *stitcher) work(jobs <-chan job) {
	sh := newShard(s.config, len(s.workers), s.known)
	tick := time.NewTicker(tickInterval)
	defer tick.Stop()
	for {
		select {
		case j, ok := <-jobs:
			if !ok {
				sh.flush()
				s.messages <- sh.take(nil)
				s.telemetry.shard(sh)
				return
			}
			sh.consume(&j)
		case <-tick.C:
			now := s.now()
			sh.tick(now)
			sh.forgetIdle(now)
			s.telemetry.shard(sh)
		}
		if len(sh.out) > 0 {
			s.messages <- sh.take(s.memory())
		}
	}
}

// memory returns memory for messages, nil if there is none to spare.
func (s *stitcher) memory() []message {
	select {
	case m := <-s.spare:
		return m
	default:
		return nil
	}
}

// giveBack is told of messages that have been carried out.
func (s *stitcher) giveBack(m []message) {
	if m = wipe(m); m == nil {
		return
	}
	select {
	case s.spare <- m:
	default:
	}
}

// assemble runs the assembler.
func (s *stitcher) assemble() {
	a := newAssembly(s.config, func(td ptrace.Traces) { s.batches <- td })
	tick := time.NewTicker(tickInterval)
	defer tick.Stop()
	for {
		select {
		case m, ok := <-s.messages:
			if !ok {
				a.Flush()
				s.telemetry.assembly(a)
				return
			}
			a.consume(m, s.now())
			s.giveBack(m)
		case <-tick.C:
			a.Tick(s.now())
			s.telemetry.assembly(a)
		}
	}
}

// deliver hands traces to the next component. What that refuses is lost, and
// counted: whoever must not lose traces has a queue behind this processor.
func (s *stitcher) deliver(ctx context.Context) {
	defer close(s.done)
	for td := range s.batches {
		n := td.SpanCount()
		if err := s.next.ConsumeTraces(ctx, td); err != nil {
			s.telemetry.failed(ctx, n)
			s.log.Debug("Released traces were refused", zap.Int("spans", n), zap.Error(err))
		}
	}
}
