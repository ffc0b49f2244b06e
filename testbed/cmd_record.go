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
	"strings"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/testbed/recorder"
	"github.com/otelcol-custom/otelcol-custom/testbed/replay"
	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
	"github.com/otelcol-custom/otelcol-custom/testbed/score"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// runRecord runs scenarios beside a Collector and scores what came out.
func runRecord(ctx context.Context, args []string, out io.Writer) error {
	fs := newFlags("record")
	plan := loadFlags(fs)
	o := recorder.Options{Scenario: scenario.Options{Out: os.Stderr}}
	share := fs.Float64("share", 0, "open loop at this share of the scenario's capacity")
	dir := fs.String("out", "", "directory to keep recordings in: NAME-LOAD.pb.gz and its .requests.jsonl")
	asJSON := fs.Bool("json", false, "print JSON")
	verbose := fs.Bool("metrics", false, "print the Collector's own metrics to stderr")
	fs.BoolVar(&o.Scenario.Install, "install", false, "install missing Debian packages")
	fs.StringVar(&o.Binary, "collector", "", "Collector binary (bin/otelcol-custom-slim)")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() == 0 {
		return errors.New("record: name scenarios, or say all")
	}
	specs, err := specsNamed(fs.Args())
	if err != nil {
		return err
	}
	if o.Scenario.Root, err = findRoot(); err != nil {
		return err
	}
	var results []*score.Result
	for _, spec := range specs {
		o.Plan = *plan
		if *share > 0 {
			o.Plan.InFlight, o.Plan.Rate = 0, *share*spec.Capacity
		} else if o.Plan.Rate == 0 && o.Plan.InFlight == 0 {
			o.Plan.InFlight = 8
		}
		r, err := recorder.Record(ctx, spec, o)
		if err != nil {
			return fmt.Errorf("record %s: %w", spec.Name, err)
		}
		name := newLoadResult(&o.Plan, r.Load).Name
		if *verbose {
			for _, k := range slices.Sorted(maps.Keys(r.Metrics)) {
				if r.Metrics[k] != 0 && strings.HasPrefix(k, "otelcol_") {
					fmt.Fprintln(os.Stderr, k, r.Metrics[k])
				}
			}
		}
		if *dir != "" {
			if err := save(r, filepath.Join(*dir, spec.Name+"-"+name)); err != nil {
				return err
			}
		}
		spans := score.Append(nil, r.Stitched, nil)
		results = append(results, score.Score(spans, score.Options{Scenario: spec.Name, Load: name, Linker: "stitch", Only: score.Measured(r.Requests)}))
	}
	return (&scoreFlags{json: *asJSON}).print(out, results)
}

func save(r *recorder.Recording, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := replay.Write(path+".pb.gz", r.Raw); err != nil {
		return err
	}
	if err := replay.Write(path+".stitched.pb.gz", []ptrace.Traces{r.Stitched}); err != nil {
		return err
	}
	return truth.WriteLog(path+".requests.jsonl", r.Requests)
}
