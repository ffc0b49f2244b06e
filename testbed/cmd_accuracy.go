package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/otelcol-custom/otelcol-custom/testbed/report"
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
	fs.DurationVar(&o.Within, "within", 0, "begin no cell later than this; the report says which are missing (no limit)")
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
	cells, err := sweep.Run(ctx, specs, o)
	if err != nil {
		return err
	}
	// The committed report is about everything, or it would lose what it had.
	to := filepath.Join(root, "docs")
	if fs.NArg() > 0 || len(o.Loads) < len(sweep.Loads()) {
		to = o.Dir
	}
	if err := report.Write(to, about(ctx, root), cells); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, filepath.Join(to, "accuracy.md"))
	return err
}

// about tells when, where and of what a report is.
func about(ctx context.Context, root string) report.About {
	a := report.About{Date: time.Now().UTC().Format("2006-01-02"), Commit: "unknown"}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	a.Machine = fmt.Sprintf("%d cores (%s), Linux %s", runtime.NumCPU(), runtime.GOARCH, strings.TrimSpace(string(kernel)))
	if commit, err := exec.CommandContext(ctx, "git", "-C", root, "describe", "--always", "--dirty").Output(); err == nil {
		a.Commit = strings.TrimSpace(string(commit))
	}
	return a
}
