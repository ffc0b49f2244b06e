package report

import (
	"fmt"
	"maps"
	"slices"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor"
	"github.com/otelcol-custom/otelcol-custom/testbed/score"
	"github.com/otelcol-custom/otelcol-custom/testbed/sweep"
)

// ablation tells what each method is worth.
func (d *document) ablation(cells []*sweep.Cell) {
	d.line("## Without each kind of evidence\n")
	d.line("The same recordings, replayed with one method switched off; without `joint` every call is decided on by itself. Differences in points of all calls, or of all traces.\n")
	d.line("| without | recall | wrong | orphan | exact | hit most |\n|---|--:|--:|--:|--:|---|")
	for _, method := range append(stitchprocessor.Methods(), stitchprocessor.Joint) {
		d.without(method, cells)
	}
	d.line("")
}

func (d *document) without(method string, cells []*sweep.Cell) {
	var with, without sweep.Outcome
	worst, least := "–", 0.0
	for _, c := range cells {
		o, ok := c.Without[method]
		if !ok || c.Replayed == nil {
			continue
		}
		full := sweep.OutcomeOf(c.Replayed)
		with, without = sum(with, full), sum(without, o)
		if diff := 100 * (o.Calls.Recall().Value - full.Calls.Recall().Value); diff < least {
			worst, least = fmt.Sprintf("%s %s: %+.1f", c.Scenario, c.Load, diff), diff
		}
	}
	if with.Calls.Total() == 0 {
		return
	}
	points := func(a, b, n int) string { return fmt.Sprintf("%+.2f", 100*float64(a-b)/float64(max(n, 1))) }
	n := with.Calls.Total()
	d.line("| %s | %s | %s | %s | %s | %s |", method, points(without.Calls.Right, with.Calls.Right, n),
		points(without.Calls.Wrong, with.Calls.Wrong, n), points(without.Calls.Orphan, with.Calls.Orphan, n),
		points(without.Right, with.Right, with.Traces), worst)
}

func sum(a, b sweep.Outcome) sweep.Outcome {
	return sweep.Outcome{Calls: plus(a.Calls, b.Calls), Traces: a.Traces + b.Traces, Right: a.Right + b.Right, Misplaced: a.Misplaced + b.Misplaced}
}

// calibration compares what links claimed with what came true.
func (d *document) calibration(cells []*sweep.Cell) {
	var all []score.Bin
	byMethod := map[string][]score.Bin{}
	for _, c := range cells {
		if c.Live == nil {
			continue
		}
		for method, bins := range c.Live.Claims {
			all = score.Pool(all, bins)
			byMethod[method] = score.Pool(byMethod[method], bins)
		}
	}
	d.line("## Calibration\n")
	d.line("`stitch.confidence` against what came true, live, all cells. Claimed is the mean of a bin; true comes with its 95 %% interval.\n")
	d.line("| method | from | links | claimed %% | true %% | |\n|---|--:|--:|--:|--:|---|")
	d.bins("**all**", all)
	for _, method := range slices.Sorted(maps.Keys(byMethod)) {
		d.bins(method, byMethod[method])
	}
	d.line("")
}

func (d *document) bins(method string, bins []score.Bin) {
	for _, b := range bins {
		verdict := ""
		came := score.NewShare(b.Right, b.Links)
		switch {
		case b.Claimed > came.High:
			verdict = "too bold"
		case b.Claimed < came.Low:
			verdict = "too shy"
		}
		d.line("| %s | %g | %d | %.2f | %s | %s |", method, b.Low, b.Links, 100*b.Claimed, share(came, b.Links), verdict)
	}
}

// replays says where a replay does not decide as the Collector did.
func (d *document) replays(cells []*sweep.Cell) {
	d.line("## Live and replayed\n")
	differ, all, n := 0, 0, 0
	for _, c := range cells {
		if c.Replayed != nil {
			differ, all, n = differ+c.Differ, all+c.Released, n+1
		}
	}
	d.line("Replaying the raw spans of a recording gives another parent than the Collector did for %d of %d spans in %d cells.\n", differ, all, n)
	if differ == 0 {
		return
	}
	d.line("| scenario | load | differ | of spans | recall live %% | replayed %% |\n|---|---|--:|--:|--:|--:|")
	for _, c := range cells {
		if c.Differ > 0 && c.Replayed != nil {
			d.line("| %s | %s | %d | %d | %s | %s |", c.Scenario, c.Load, c.Differ, c.Released,
				percent(c.Live.Calls.Right, c.Live.Calls.Total()), percent(c.Replayed.Calls.Right, c.Replayed.Calls.Total()))
		}
	}
	d.line("")
}
