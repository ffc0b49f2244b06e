package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/otelcol-custom/otelcol-custom/testbed/sweep"
)

// runAccuracy sweeps scenarios over loads.
func runAccuracy(ctx context.Context, args []string, out io.Writer) error {
	fs := newFlags("accuracy")
	o := sweep.Options{Out: os.Stderr}
	loads := fs.String("loads", "c1,c8,c64,c256,p40,p80,late", "requests in flight (c), shares of the capacity in per cent (p), and 64 in flight with a Collector that comes late")
	fs.StringVar(&o.Ablate, "ablate", "c64", "load at which methods are switched off one by one")
	fs.StringVar(&o.Dir, "dir", "", "where to keep cells and recordings (.cache/accuracy)")
	fs.BoolVar(&o.Resume, "resume", false, "keep the cells that are there and ran")
	fs.BoolVar(&o.OneStart, "one-start", false, "leave the services up from load to load: quicker, but the Collector comes late to all but the first")
	fs.Uint64Var(&o.Seed, "seed", 1, "seed of tokens, classes, arrivals and delays")
	fs.BoolVar(&o.Recorder.Scenario.Install, "install", false, "install missing Debian packages")
	fs.StringVar(&o.Recorder.Binary, "collector", "", "Collector binary (bin/otelcol-custom-slim)")
	if err := fs.Parse(args); err != nil {
		return err
	}
	specs, err := specsNamed(fs.Args())
	if err != nil {
		return err
	}
	root, err := findRoot()
	if err != nil {
		return err
	}
	if o.Loads, err = sweep.Named(*loads); err != nil {
		return fmt.Errorf("accuracy: loads: %w", err)
	}
	if o.Dir == "" {
		o.Dir = filepath.Join(root, ".cache", "accuracy")
	}
	o.Recorder.Scenario.Root, o.Recorder.Scenario.Seed = root, o.Seed
	o.Recorder.Scenario.Out = io.Discard
	_, err = sweep.Run(ctx, specs, o)
	return err
}
