package score

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Table writes results as aligned text, shares in per cent with the half of the
// 95 % interval that matters: the lower end of recall, the upper of wrong links.
func Table(out io.Writer, results []*Result) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "scenario\tload\tlinker\trequests\tunseen\tcalls\trecall\t≥\twrong\t≤\torphan\tjoins\ttraces\texact\tmisplaced\t")
	for _, r := range results {
		n := r.Calls.Total()
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%d\t\n",
			r.Scenario, r.Load, r.Linker, r.Requests, r.Unseen, n,
			percent(r.Recall.Value, n), percent(r.Recall.Low, n), percent(r.WrongRate.Value, n), percent(r.WrongRate.High, n),
			percent(NewShare(r.Calls.Orphan, n).Value, n), percent(r.Joins.Recall().Value, r.Joins.Total()),
			r.Traces, percent(r.TraceRate.Value, r.Traces), r.Misplaced)
	}
	return w.Flush()
}

// percent formats a share of n, or a dash if there is nothing it is a share of.
func percent(share float64, n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", 100*share)
}
