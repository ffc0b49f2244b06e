package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/testbed/blind"
	"github.com/otelcol-custom/otelcol-custom/testbed/replay"
	"github.com/otelcol-custom/otelcol-custom/testbed/score"
	"github.com/otelcol-custom/otelcol-custom/testbed/spanfile"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

func runMask(_ context.Context, args []string, out io.Writer) error {
	fs := newFlags("mask")
	from := fs.String("in", "", "recording to read (.json, .jsonl or .pb, and .gz)")
	to := fs.String("out", "", "recording to write")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *from == "" || *to == "" {
		return errors.New("mask: --in and --out are required")
	}
	w, err := spanfile.Create(*to)
	if err != nil {
		return err
	}
	total := 0
	err = spanfile.Each(*from, func(td ptrace.Traces) error {
		masked, n, err := truth.MaskTraces(td)
		if err != nil {
			return err
		}
		total += n
		return w.Write(masked)
	})
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d tokens overwritten\n", total)
	return nil
}

// scoreFlags are the flags that commands which score have in common.
type scoreFlags struct {
	options  score.Options
	requests string
	json     bool
}

func newScoreFlags(name string, args []string) (*scoreFlags, []string, error) {
	fs, f := newFlags(name), &scoreFlags{}
	fs.StringVar(&f.options.Scenario, "scenario", "", "name to print")
	fs.StringVar(&f.options.Load, "load", "", "name to print")
	fs.StringVar(&f.requests, "requests", "", "log of the load generator; the warm-up in it does not count")
	fs.BoolVar(&f.json, "json", false, "print JSON")
	if err := fs.Parse(args); err != nil {
		return nil, nil, err
	}
	if fs.NArg() == 0 {
		return nil, nil, fmt.Errorf("%s: name a recording", name)
	}
	if f.requests != "" {
		log, err := truth.ReadLog[truth.Request](f.requests)
		if err != nil {
			return nil, nil, err
		}
		f.options.Only = score.Measured(log)
	}
	return f, fs.Args(), nil
}

func (f *scoreFlags) print(out io.Writer, results []*score.Result) error {
	if f.json {
		return json.NewEncoder(out).Encode(results)
	}
	return score.Table(out, results)
}

func runScore(_ context.Context, args []string, out io.Writer) error {
	f, files, err := newScoreFlags("score", args)
	if err != nil {
		return err
	}
	f.options.Linker = "stitch"
	var spans []score.Span
	for _, path := range files {
		err := spanfile.Each(path, func(td ptrace.Traces) error {
			spans = score.Append(spans, td, nil)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return f.print(out, []*score.Result{score.Score(spans, f.options)})
}

func runBaseline(_ context.Context, args []string, out io.Writer) error {
	f, files, err := newScoreFlags("baseline", args)
	if err != nil {
		return err
	}
	var recorded replay.Recording
	for _, path := range files {
		r, err := replay.Read(path)
		if err != nil {
			return err
		}
		recorded = append(recorded, r...)
	}
	return f.print(out, recorded.ScoreBaselines(f.options))
}

// blindLinkers are the linkers that need nothing but times.
func blindLinkers() map[string]blind.NewLinker {
	return map[string]blind.NewLinker{"fcfs": blind.FCFS, "arrival": blind.Arrival, "chain": blind.Chain, "stitch": blind.Stitch}
}

func runBlind(_ context.Context, args []string, out io.Writer) error {
	fs := newFlags("blind")
	spansPath := fs.String("spans", "", "spans file (.jsonl or .jsonl.gz)")
	truthPath := fs.String("truth", "", "truth file")
	which := fs.String("linker", "stitch", "stitch, fcfs, arrival, chain or all")
	asJSON := fs.Bool("json", false, "print one JSON object a linker")
	if err := fs.Parse(args); err != nil {
		return err
	}
	spans, err := blind.ReadSpans(*spansPath)
	if err != nil {
		return err
	}
	known, err := blind.ReadTruth(*truthPath)
	if err != nil {
		return err
	}
	names := []string{*which}
	if *which == "all" {
		names = []string{"stitch", "fcfs", "arrival", "chain"}
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	if !*asJSON {
		fmt.Fprintln(w, "linker\ttraces\ttrace accuracy %\tlink recall %\twrong %\tabstained %\tanswered sure %\ttrace accuracy sure %\twrong of sure %\tseconds\tCPU seconds\t")
	}
	for _, name := range names {
		maker := blindLinkers()[name]
		if maker == nil {
			return fmt.Errorf("blind: no linker %q", name)
		}
		r, err := blind.Run(name, spans, known, maker)
		if err != nil {
			return err
		}
		if *asJSON {
			if err := json.NewEncoder(out).Encode(r); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "%s\t%d\t%.1f\t%.2f\t%.2f\t%.2f\t%.2f\t%.1f\t%.2f\t%.3f\t%.3f\t\n", r.Linker, r.Traces, 100*r.TraceAccuracy,
			100*r.Recall, 100*r.WrongRate, 100*r.Abstentions,
			100*(1-r.SureAbstentions), 100*r.SureTraceAccuracy, 100*r.SureWrong, r.Seconds, r.CPUSeconds)
	}
	return w.Flush()
}
