package microbench

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Print writes results as tables for people.
func Print(out io.Writer, results []Result) error {
	var b bytes.Buffer // which cannot fail
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "stage\tbenchmark\tns/op\tB/op\tallocs/op\tand")
	for _, r := range results {
		if calls(r) {
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.0f\t%.0f\t%s\n", r.Stage, r.Name, number(r.Metrics["ns/op"]), r.Metrics["B/op"], r.Metrics["allocs/op"], rest(r))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range results {
		if calls(r) {
			printCalls(&b, r)
		}
	}
	_, err := out.Write(b.Bytes())
	return err
}

func number(v float64) string {
	if v < 100 {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// rest is what the columns do not have.
func rest(r Result) string {
	var out []string
	for _, unit := range slices.Sorted(maps.Keys(r.Metrics)) {
		switch unit {
		case "ns/op", "B/op", "allocs/op":
		default:
			out = append(out, number(r.Metrics[unit])+" "+unit)
		}
	}
	return strings.Join(out, ", ")
}

// The metrics of BenchmarkCalls are <arm>-ns/<system call>: a table of their own.
var (
	callArms  = [...]string{"off", "beside", "traced", "traced-go"}
	callKinds = [...]string{"getppid", "eagain", "read", "write"}
)

func calls(r Result) bool {
	_, ok := r.Metrics[callArms[0]+"-ns/"+callKinds[0]]
	return ok
}

func printCalls(out io.Writer, r Result) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "\nns per system call\t")
	for _, arm := range callArms {
		fmt.Fprintf(w, "%s\t", arm)
	}
	for _, kind := range callKinds {
		fmt.Fprintf(w, "\n%s\t", kind)
		for i, arm := range callArms {
			format := "%+.0f\t"
			if i == 0 {
				format = "%.0f\t"
			}
			fmt.Fprintf(w, format, r.Metrics[arm+"-ns/"+kind])
		}
	}
	fmt.Fprintln(w)
	_ = w.Flush() // out is a buffer
}
