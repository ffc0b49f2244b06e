package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/otelcol-custom/otelcol-custom/testbed/overhead"
)

// overheadFlags are what the commands that measure costs have in common.
type overheadFlags struct {
	options overhead.Options
	quick   bool
	json    bool
}

func newOverheadFlags(fs *flag.FlagSet) *overheadFlags {
	f := &overheadFlags{options: overhead.Options{Out: os.Stderr}}
	fs.StringVar(&f.options.Binary, "collector", "", "Collector binary (bin/otelcol-custom, else bin/otelcol-custom-slim; stages need the pprof extension)")
	fs.StringVar(&f.options.Receiver, "receiver", "", "a further line of the receiver's configuration")
	fs.BoolVar(&f.options.Install, "install", false, "install missing Debian packages")
	fs.BoolVar(&f.quick, "quick", false, "short stretches of load: shows that it works, and little more")
	fs.BoolVar(&f.json, "json", false, "print JSON")
	return f
}

// complete fills in what flags leave open.
func (f *overheadFlags) complete() (err error) {
	o := &f.options
	if o.Root, err = findRoot(); err != nil {
		return err
	}
	for _, name := range []string{"otelcol-custom", "otelcol-custom-slim"} {
		path := filepath.Join(o.Root, "bin", name)
		if _, err := os.Stat(path); err == nil && o.Binary == "" {
			o.Binary = path
		}
	}
	if o.Binary == "" {
		return fmt.Errorf("no Collector in %s: build one with make build, or name it with --collector", filepath.Join(o.Root, "bin"))
	}
	if f.quick {
		o.Turns, o.Stretch = min(o.Turns, 2), time.Second
	}
	return nil
}

// runOverhead measures workloads without, beside and under tracing.
func runOverhead(ctx context.Context, args []string, out io.Writer) error {
	fs := newFlags("overhead")
	f := newOverheadFlags(fs)
	fs.IntVar(&f.options.Turns, "turns", 5, "turns of every arm")
	fs.DurationVar(&f.options.Stretch, "stretch", 4*time.Second, "load of a turn")
	fs.BoolVar(&f.options.Where, "where", true, "tell where the time goes, in one more run")
	arms := fs.String("arms", "off,beside,traced,sampled", "what to compare")
	if err := fs.Parse(args); err != nil {
		return err
	}
	var err error
	if f.options.Arms, err = overhead.ParseArms(*arms); err != nil {
		return fmt.Errorf("overhead: arms: %w", err)
	}
	if f.options.Turns < 1 || f.options.Stretch < time.Second {
		return fmt.Errorf("overhead: turns, stretch: want at least 1 and 1s, got %d and %s", f.options.Turns, f.options.Stretch)
	}
	if err := f.complete(); err != nil {
		return fmt.Errorf("overhead: %w", err)
	}
	results, err := f.measure(ctx, fs.Args())
	if err != nil {
		return err
	}
	if f.json {
		return json.NewEncoder(out).Encode(results)
	}
	return overhead.Print(out, results)
}

// measure runs the workloads called names, all if there are none.
func (f *overheadFlags) measure(ctx context.Context, names []string) ([]*overhead.Result, error) {
	all, err := overhead.Workloads(f.options.Root)
	if err != nil {
		return nil, err
	}
	chosen, err := overhead.Named(all, names)
	if err != nil {
		return nil, err
	}
	var out []*overhead.Result
	for _, w := range chosen {
		r, err := overhead.Measure(ctx, w, f.options)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.Name, err)
		}
		out = append(out, r)
	}
	return out, nil
}
