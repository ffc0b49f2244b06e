package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/otelcol-custom/otelcol-custom/testbed/collector"
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
	fs.StringVar(&f.options.Binary, "collector", "", "Collector binary ($OTELCOL_BINARY, else bin/otelcol-custom-slim; stages need the pprof extension)")
	fs.StringVar(&f.options.Receiver, "receiver", "", "a further line of the receiver's configuration")
	fs.StringVar(&f.options.Profile, "profile", "", "file to keep the last CPU profile in")
	fs.DurationVar(&f.options.Stretch, "stretch", 4*time.Second, "load of a turn")
	fs.BoolVar(&f.options.Install, "install", false, "install missing Debian packages")
	fs.BoolVar(&f.quick, "quick", false, "short stretches of load: shows that it works, and little more")
	fs.BoolVar(&f.json, "json", false, "print JSON")
	return f
}

// complete fills in what flags leave open.
func (f *overheadFlags) complete() (err error) {
	o := &f.options
	if f.quick {
		o.Turns, o.Stretch = min(o.Turns, 2), time.Second
	}
	if o.Stretch < time.Second {
		return fmt.Errorf("stretch: want at least 1s, got %s", o.Stretch)
	}
	if o.Root, err = findRoot(); err != nil {
		return err
	}
	o.Binary, err = collector.BinaryPath(o.Binary)
	return err
}

// workloads returns those called names, all if there are none.
func (f *overheadFlags) workloads(names []string) ([]overhead.Workload, error) {
	all, err := overhead.Workloads(f.options.Root)
	if err != nil {
		return nil, err
	}
	return overhead.Named(all, names)
}

// runOverhead measures workloads without, beside and under tracing.
func runOverhead(ctx context.Context, args []string, out io.Writer) error {
	fs := newFlags("overhead")
	f := newOverheadFlags(fs)
	fs.IntVar(&f.options.Turns, "turns", 5, "turns of every arm")
	fs.BoolVar(&f.options.Where, "where", true, "tell where the time goes, in one more run")
	fs.StringVar(&f.options.Earlier, "earlier", "", "another Collector binary, for the arm earlier")
	arms := fs.String("arms", "off,beside,traced,sampled", "what to compare")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if err := f.compare(*arms); err != nil {
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

// compare fills in what is to be compared.
func (f *overheadFlags) compare(arms string) (err error) {
	o := &f.options
	if o.Earlier != "" {
		arms += "," + string(overhead.Earlier)
	}
	if o.Arms, err = overhead.ParseArms(arms); err != nil {
		return fmt.Errorf("arms: %w", err)
	}
	for _, arm := range o.Arms {
		if arm == overhead.Earlier && o.Earlier == "" {
			return errors.New("arms: earlier: name its binary with --earlier")
		}
	}
	if o.Turns < 1 {
		return fmt.Errorf("turns: want at least 1, got %d", o.Turns)
	}
	return f.complete()
}

// measure runs the workloads called names, all if there are none.
func (f *overheadFlags) measure(ctx context.Context, names []string) ([]*overhead.Result, error) {
	chosen, err := f.workloads(names)
	if err != nil {
		return nil, fmt.Errorf("overhead: %w", err)
	}
	// A turn is a Collector's start, a quarter of load before, and rest twice.
	turn := f.options.Stretch*5/4 + 3*time.Second
	expected := time.Duration(len(chosen)*(f.options.Turns*len(f.options.Arms)+2)) * turn
	fmt.Fprintf(f.options.Out, "overhead: %d workloads, about %.0f minutes\n", len(chosen), expected.Minutes()+0.5)
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
