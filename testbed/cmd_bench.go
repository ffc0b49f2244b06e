package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/otelcol-custom/otelcol-custom/testbed/microbench"
	"github.com/otelcol-custom/otelcol-custom/testbed/overhead"
)

// kernelLimit is the most kernel memory, in MiB, that our maps and programs may
// take at default options.
const kernelLimit = 32

// benchReport is what bench found.
type benchReport struct {
	Workloads   []workloadCosts     `json:"workloads,omitempty"`
	Benchmarks  []microbench.Result `json:"benchmarks,omitempty"`
	KernelLimit float64             `json:"kernel_limit_mib"`
}

// workloadCosts is where the time goes in a workload.
type workloadCosts struct {
	Workload string          `json:"workload"`
	About    string          `json:"about"`
	Where    *overhead.Where `json:"where"`
}

// benchCommand is what to measure, and where to say how far it is.
type benchCommand struct {
	*overheadFlags
	began  time.Time
	report benchReport
}

// runBench measures what a request costs in each hook and each stage.
func runBench(ctx context.Context, args []string, out io.Writer) error {
	fs := newFlags("bench")
	c := &benchCommand{overheadFlags: newOverheadFlags(fs), began: time.Now(), report: benchReport{KernelLimit: kernelLimit}}
	micro := fs.Bool("micro", true, "run the Go benchmarks of each stage too")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if err := c.complete(); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	names := fs.Args()
	if len(names) == 0 {
		names = []string{"go-empty-1", "java-pool", "redis-get"}
	}
	c.say("about 2 minutes, and the first time as long as it takes to compile the benchmarks")
	if err := c.look(ctx, names); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	if *micro {
		if err := c.micro(ctx); err != nil {
			return fmt.Errorf("bench: %w", err)
		}
	}
	if err := c.print(out); err != nil {
		return err
	}
	return c.report.check()
}

func (c *benchCommand) say(format string, args ...any) {
	fmt.Fprintf(c.options.Out, "bench, %3.0f s: %s\n", time.Since(c.began).Seconds(), fmt.Sprintf(format, args...))
}

// look runs workloads traced.
func (c *benchCommand) look(ctx context.Context, names []string) error {
	chosen, err := c.workloads(names)
	if err != nil {
		return err
	}
	for _, w := range chosen {
		c.say("%s: %s", w.Name, w.About)
		where, err := overhead.Look(ctx, w, c.options)
		if err != nil {
			return fmt.Errorf("%s: %w", w.Name, err)
		}
		c.report.Workloads = append(c.report.Workloads, workloadCosts{w.Name, w.About, where})
	}
	return nil
}

// micro runs the Go benchmarks.
func (c *benchCommand) micro(ctx context.Context) error {
	for _, s := range microbench.Stages() {
		c.say("Go benchmarks of %s", s.Name)
		results, err := microbench.Run(ctx, c.options.Root, s)
		if err != nil {
			return err
		}
		c.report.Benchmarks = append(c.report.Benchmarks, results...)
	}
	return nil
}

func (c *benchCommand) print(out io.Writer) error {
	if c.json {
		return json.NewEncoder(out).Encode(&c.report)
	}
	for _, w := range c.report.Workloads {
		fmt.Fprintf(out, "%s: %s\n", w.Workload, w.About)
		if err := overhead.PrintWhere(out, w.Where); err != nil {
			return err
		}
		fmt.Fprintln(out)
	}
	if len(c.report.Benchmarks) == 0 {
		return nil
	}
	return microbench.Print(out, c.report.Benchmarks)
}

// check says where a limit is broken.
func (r *benchReport) check() error {
	for _, w := range r.Workloads {
		if kernel := w.Where.Maps + w.Where.Programs; kernel > r.KernelLimit {
			return fmt.Errorf("bench: %s: %.1f MiB of kernel memory, more than %.0f", w.Workload, kernel, r.KernelLimit)
		}
	}
	return nil
}
