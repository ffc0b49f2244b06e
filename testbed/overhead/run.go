package overhead

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/otelcol-custom/otelcol-custom/testbed/collector"
	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
)

// Options say how to measure. Out takes progress; nil is none.
type Options struct {
	Root     string
	Binary   string        // of the Collector
	Earlier  string        // of the Collector of that arm
	Turns    int           // of every arm
	Stretch  time.Duration // of load in a turn
	Arms     []Arm
	Receiver string // further lines of the receiver's configuration
	Where    bool   // tell where the time goes, in one more run
	Profile  string // file that the CPU profile of that run is kept in; empty for none
	Install  bool   // Debian packages that are missing
	Out      io.Writer
}

// Turn is one stretch of load in one arm, costs per request.
type Turn struct {
	Arm       Arm
	Load      Sample
	Target    time.Duration // processor time of the target
	Collector time.Duration // processor time of the Collector, until it rested
	Traffic   Traffic
	Memory    uint64 // most that the Collector had resident, bytes
	Kernel    uint64 // that its BPF objects took, bytes
}

// bench is a workload that runs, with what its turns share.
type bench struct {
	workload Workload
	options  Options
	live     *scenario.Live
	sink     string
}

// Measure runs a workload in all arms in turns and returns what came of it.
func Measure(ctx context.Context, w Workload, o Options) (r *Result, err error) {
	err = with(ctx, w, o, func(b *bench) error {
		turns, err := b.turns(ctx)
		if err != nil {
			return err
		}
		r = summarize(w, turns)
		if o.Where {
			r.Where, err = b.where(ctx)
		}
		return err
	})
	return r, err
}

// Look runs a workload traced, once, and returns where the time goes.
func Look(ctx context.Context, w Workload, o Options) (where *Where, err error) {
	err = with(ctx, w, o, func(b *bench) (err error) {
		where, err = b.where(ctx)
		return err
	})
	return where, err
}

// with runs a workload, warm, while do lasts.
func with(ctx context.Context, w Workload, o Options, do func(*bench) error) (err error) {
	if o.Out == nil {
		o.Out = io.Discard
	}
	live, err := scenario.Start(ctx, w.Spec, scenario.Options{Root: o.Root, Install: o.Install, Out: o.Out, Seed: 1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, live.Close(context.WithoutCancel(ctx))) }()
	sink, stop := newSink()
	defer stop()
	if _, err := w.drive.drive(ctx, live, o.Stretch); err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	return do(&bench{workload: w, options: o, live: live, sink: sink})
}

// turns goes through the arms again and again, each time beginning with the next
// one, so that none always follows the same.
func (b *bench) turns(ctx context.Context) ([]Turn, error) {
	var out []Turn
	arms := b.options.Arms
	for i := range b.options.Turns {
		for j := range arms {
			turn, err := b.turn(ctx, arms[(i+j)%len(arms)])
			if err != nil {
				return nil, fmt.Errorf("turn %d, %s: %w", i+1, arms[(i+j)%len(arms)], err)
			}
			fmt.Fprintf(b.options.Out, "%s, turn %d of %d, %s: %.0f requests/s\n",
				b.workload.Name, i+1, b.options.Turns, turn.Arm, turn.Load.Rate())
			out = append(out, *turn)
		}
	}
	return out, nil
}

// turn runs one arm for a stretch.
func (b *bench) turn(ctx context.Context, arm Arm) (turn *Turn, err error) {
	var c *collector.Collector
	if arm != Off {
		if c, err = b.collect(ctx, arm, ""); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, c.Stop()) }()
	}
	// Connections, caches and learned state are there when it counts.
	if _, err := b.workload.drive.drive(ctx, b.live, b.options.Stretch/4); err != nil {
		return nil, err
	}
	turn, err = b.stretch(ctx, c)
	if turn != nil {
		turn.Arm = arm
	}
	return turn, err
}

func (b *bench) collect(ctx context.Context, arm Arm, profiler string) (*collector.Collector, error) {
	binary := b.options.Binary
	if arm == Earlier {
		binary = b.options.Earlier
	}
	return collector.Start(ctx, collector.Options{
		Binary: binary,
		Config: arm.config(b.live, b.options.Receiver, b.sink, profiler),
	})
}

// stretch measures the load; c may be nil.
func (b *bench) stretch(ctx context.Context, c *collector.Collector) (*Turn, error) {
	before, err := b.read(ctx, c)
	if err != nil {
		return nil, err
	}
	cpu, err := targetCPU(b.live)
	if err != nil {
		return nil, err
	}
	load, err := b.workload.drive.drive(ctx, b.live, b.options.Stretch)
	if err != nil {
		return nil, err
	}
	after, err := targetCPU(b.live)
	if err != nil {
		return nil, err
	}
	turn := &Turn{Load: *load, Target: (after - cpu) / time.Duration(max(load.Requests, 1))}
	if c == nil {
		return turn, nil
	}
	end, err := b.read(ctx, c)
	if err != nil {
		return nil, err
	}
	turn.since(&before, &end)
	return turn, nil
}

// reading is what is to be known of a Collector at one time.
type reading struct {
	cpu     time.Duration
	metrics map[string]float64
	kernel  *Kernel
	memory  uint64
}

// read waits until the Collector rests and then looks at it.
func (b *bench) read(ctx context.Context, c *collector.Collector) (r reading, err error) {
	if c == nil {
		return r, nil
	}
	if r.metrics, err = rest(ctx, c); err != nil {
		return r, err
	}
	if r.kernel, err = readKernel("/proc", c.PID()); err != nil {
		return r, err
	}
	if r.memory, err = peakMemory("/proc", c.PID()); err != nil {
		return r, err
	}
	r.cpu, err = processCPU("/proc", c.PID())
	return r, err
}

// since fills in what the Collector did between two readings.
func (t *Turn) since(before, after *reading) {
	t.Collector = (after.cpu - before.cpu) / time.Duration(max(t.Load.Requests, 1))
	t.Traffic = traffic(after.metrics).per(traffic(before.metrics), t.Load.Requests)
	t.Memory, t.Kernel = after.memory, after.kernel.Bytes()
}

// A Collector rests when it has used at most one tick in restLook and holds
// nothing. It may never do so beside a lively machine; it is then taken as it is
// after restLimit.
const (
	restLook  = 200 * time.Millisecond
	restLimit = 10 * time.Second
)

// rest returns the metrics of a Collector when it rests.
func rest(ctx context.Context, c *collector.Collector) (map[string]float64, error) {
	deadline := time.Now().Add(restLimit)
	for {
		before, err1 := processCPU("/proc", c.PID())
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(restLook):
		}
		now, err2 := processCPU("/proc", c.PID())
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		late := time.Now().After(deadline)
		if now-before > tick && !late {
			continue
		}
		if m, err := c.Metrics(ctx); err != nil || late || drained(m) {
			return m, err
		}
	}
}

// drained says whether everything that was seen has gone all the way.
func drained(m map[string]float64) bool {
	return m[own+"kernel_records"] <= m[own+"events"] && m["otelcol_processor_stitch_held_spans"] == 0 &&
		m["otelcol_tailhook_undelivered_bytes"] == 0
}
