package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/otelcol-custom/otelcol-custom/testbed/floor"
	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
	"github.com/otelcol-custom/otelcol-custom/testbed/sweep"
)

// runGate runs the scenarios that have floors and fails if one is missed.
func runGate(ctx context.Context, args []string, out io.Writer) error {
	fs := newFlags("gate")
	o := sweep.Options{Out: out, Seed: 1}
	path := fs.String("floors", "", "what must be reached (testbed/floors.yaml)")
	fs.BoolVar(&o.Recorder.Scenario.Install, "install", false, "install missing Debian packages")
	fs.StringVar(&o.Recorder.Binary, "collector", "", "Collector binary (bin/otelcol-custom-slim)")
	fs.StringVar(&o.Dir, "dir", "", "where to keep cells and recordings (.cache/gate)")
	if err := fs.Parse(args); err != nil {
		return err
	}
	root, err := findRoot()
	if err != nil {
		return err
	}
	if *path == "" {
		*path = filepath.Join(root, "testbed", "floors.yaml")
	}
	floors, err := floor.Read(*path)
	if err != nil {
		return err
	}
	if o.Dir == "" {
		o.Dir = filepath.Join(root, ".cache", "gate")
	}
	o.Recorder.Scenario.Root, o.Recorder.Scenario.Seed, o.Recorder.Scenario.Out = root, o.Seed, os.Stderr
	names := slices.Sorted(maps.Keys(floors))
	if fs.NArg() > 0 {
		names = fs.Args()
	}
	var missed []error
	for _, name := range names {
		missed = append(missed, gate(ctx, root, name, floors, o))
	}
	return errors.Join(missed...)
}

// gate runs one scenario under the loads it has floors for.
func gate(ctx context.Context, root, name string, floors floor.Floors, o sweep.Options) error {
	spec, err := scenario.Load(root, name)
	if err != nil {
		return err
	}
	for _, l := range sweep.Loads() {
		if _, ok := floors[name][l.Name]; ok {
			o.Loads = append(o.Loads, l)
		}
	}
	if len(o.Loads) == 0 {
		return fmt.Errorf("%s: there is no floor for a load that is known", name)
	}
	cells, err := sweep.Run(ctx, []*scenario.Spec{spec}, o)
	if err != nil {
		return err
	}
	var errs []error
	for _, c := range cells {
		switch {
		case c.Error != "":
			errs = append(errs, fmt.Errorf("%s %s: %s", c.Scenario, c.Load, c.Error))
		default:
			errs = append(errs, floors.Check(c.Live))
		}
	}
	return errors.Join(errs...)
}
