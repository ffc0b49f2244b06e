package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/otelcol-custom/otelcol-custom/testbed/replay"
	"github.com/otelcol-custom/otelcol-custom/testbed/score"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// replayFlags are those of replay.
type replayFlags struct {
	disable   []string
	requests  string
	out       string
	blind     bool
	baselines bool
	json      bool
}

// runReplay stitches recordings and scores what came out.
func runReplay(_ context.Context, args []string, out io.Writer) error {
	fs, f := newFlags("replay"), &replayFlags{}
	disable := fs.String("disable", "", "methods that decide nothing, separated by commas")
	fs.StringVar(&f.requests, "requests", "", "log of the load generator (that beside the recording, if there is one)")
	fs.StringVar(&f.out, "out", "", "recording to keep the stitched spans in")
	fs.BoolVar(&f.blind, "blind-check", false, "overwrite the truth and demand the same decisions of every linker")
	fs.BoolVar(&f.baselines, "baselines", false, "score the rivals' rules as well")
	fs.BoolVar(&f.json, "json", false, "print JSON")
	if err := fs.Parse(args); err != nil {
		return err
	}
	switch {
	case fs.NArg() == 0:
		return errors.New("replay: name a recording")
	case fs.NArg() > 1 && (f.out != "" || f.requests != ""):
		return errors.New("replay: --out and --requests are for one recording")
	}
	if *disable != "" {
		f.disable = strings.Split(*disable, ",")
	}
	if f.blind {
		return f.checkBlind(out, fs.Args())
	}
	var results []*score.Result
	for _, path := range fs.Args() {
		r, err := f.score(path)
		if err != nil {
			return fmt.Errorf("replay %s: %w", path, err)
		}
		results = append(results, r...)
	}
	return (&scoreFlags{json: f.json}).print(out, results)
}

func (f *replayFlags) score(path string) ([]*score.Result, error) {
	r, err := replay.Read(path)
	if err != nil {
		return nil, err
	}
	released, err := r.Stitch(f.disable...)
	if err != nil {
		return nil, err
	}
	if f.out != "" {
		if err := replay.Write(f.out, released); err != nil {
			return nil, err
		}
	}
	o := score.Options{Linker: "stitch"}
	o.Scenario, o.Load = nameOf(path)
	if o.Only, err = f.measured(path); err != nil {
		return nil, err
	}
	results := []*score.Result{replay.Score(released, o)}
	if f.baselines {
		results = append(results, r.ScoreBaselines(o)...)
	}
	return results, nil
}

// nameOf returns what a recording is called: SCENARIO-LOAD.pb.gz.
func nameOf(path string) (scenario, load string) {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		return name[:i], name[i+1:]
	}
	return name, ""
}

// measured returns the tokens that count, nil for all.
func (f *replayFlags) measured(path string) (map[truth.Token]bool, error) {
	from := f.requests
	if from == "" {
		from = filepath.Join(filepath.Dir(path), strings.SplitN(filepath.Base(path), ".", 2)[0]+".requests.jsonl")
		if _, err := os.Stat(from); errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
	}
	log, err := truth.ReadLog[truth.Request](from)
	return score.Measured(log), err
}

func (f *replayFlags) checkBlind(out io.Writer, paths []string) error {
	var errs []error
	all := map[string][]replay.Blindness{}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "recording\tlinker\tspans\ttold\tdiffer\t")
	for _, path := range paths {
		r, err := replay.Read(path)
		if err != nil {
			return fmt.Errorf("replay %s: %w", path, err)
		}
		checked, err := r.Check(replay.Linkers())
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
		}
		for _, b := range checked {
			fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t\n", filepath.Base(path), b.Linker, b.Spans, b.Told, b.Differ)
		}
		all[path] = checked
	}
	if f.json {
		return errors.Join(append(errs, json.NewEncoder(out).Encode(all))...)
	}
	return errors.Join(append(errs, w.Flush())...)
}
