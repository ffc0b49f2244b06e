package overhead

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// Print writes results as tables for people.
func Print(out io.Writer, results []*Result) error {
	var b bytes.Buffer // which cannot fail
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "workload\tarm\tturns\trequests/s\tkept\t(least, most)\tp50\tp99\ttarget\tadded\tCollector\tspans\trecords\tbytes\tlost\tRSS\tkernel\t")
	fmt.Fprintln(w, "\t\t\t\t%\t%\t×\t×\tµs/req\tµs/req\tµs/req\t/req\t/req\t/req\t%\tMiB\tMiB\t")
	for _, r := range results {
		for _, a := range r.Arms {
			printArm(w, r, &a)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range results {
		printLosses(&b, r)
		printChange(&b, r)
		if r.Where != nil {
			fmt.Fprintf(&b, "\n%s: where the time of a request goes\n", r.Workload)
			if err := PrintWhere(&b, r.Where); err != nil {
				return err
			}
		}
	}
	_, err := out.Write(b.Bytes())
	return err
}

func printArm(w io.Writer, r *Result, a *Summary) {
	fmt.Fprintf(w, "%s\t%s\t%d\t%.0f\t", r.Workload, a.Arm, r.Turns, a.Rate.Median)
	if a.Arm == Off {
		fmt.Fprintf(w, "\t\t\t\t%.1f\t\t\t\t\t\t\t\t\t\n", a.Target.Median)
		return
	}
	fmt.Fprintf(w, "%.0f\t(%.0f, %.0f)\t%.2f\t%.2f\t", 100*a.Kept.Median, 100*a.Kept.Min, 100*a.Kept.Max, a.P50.Median, a.P99.Median)
	fmt.Fprintf(w, "%.1f\t%+.1f\t%.1f\t", a.Target.Median, a.Added.Median, a.Collector.Median)
	fmt.Fprintf(w, "%.2f\t%.2f\t%.0f\t%.2f\t%.0f\t%.1f\t\n", a.Spans, a.Records, a.Bytes, 100*a.Lost, a.Memory, a.Kernel)
}

// printLosses says what was lost where it was more than one request in a thousand.
func printLosses(out io.Writer, r *Result) {
	for _, a := range r.Arms {
		for _, cause := range slices.Sorted(maps.Keys(a.Losses)) {
			if share := a.Losses[cause]; share > 0.001 {
				fmt.Fprintf(out, "%s, %s: up to %.2f %% lost: %s\n", r.Workload, a.Arm, 100*share, cause)
			}
		}
	}
}

func printChange(out io.Writer, r *Result) {
	if r.Change == nil {
		return
	}
	text := func(v Range) string { return fmt.Sprintf("%.3f (%.3f, %.3f)", v.Median, v.Min, v.Max) }
	fmt.Fprintf(out, "%s, traced to earlier: throughput × %s, CPU of the target × %s, of the Collector × %s\n",
		r.Workload, text(r.Change.Rate), text(r.Change.Target), text(r.Change.Collector))
}

// PrintWhere writes where the time of a request goes as a table for people.
func PrintWhere(out io.Writer, where *Where) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "hook\tns/run\truns/req\tµs/req\t")
	for _, h := range where.Hooks {
		fmt.Fprintf(w, "%s\t%.0f\t%.2f\t%.2f\t\n", h.Name, h.PerRun, h.Runs, h.Request)
	}
	fmt.Fprintf(w, "kernel, whole machine\t\t\t%.2f\t\n", where.Kernel)
	if len(where.Stages) > 0 {
		fmt.Fprintln(w, "stage\t%\t\tµs/req\t")
	}
	for _, s := range where.Stages {
		fmt.Fprintf(w, "%s\t%.0f\t\t%.2f\t\n", s.Name, 100*s.Share, s.Request)
	}
	fmt.Fprintf(w, "user space\t\t\t%.2f\t\n", where.User)
	if len(where.Stages) > 0 {
		fmt.Fprintf(w, "without export\t\t\t%.2f\t\n", where.Own)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "per request: %.2f spans, %.2f records of %.0f bytes in all, %.2f %% lost; RSS %.0f MiB; kernel memory: maps %.1f MiB, programs %.1f MiB\n",
		where.Spans, where.Records, where.Bytes, 100*where.Lost, where.Memory, where.Maps, where.Programs)
	return nil
}
