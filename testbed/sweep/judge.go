package sweep

import (
	"fmt"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor"
	"github.com/otelcol-custom/otelcol-custom/testbed/load"
	"github.com/otelcol-custom/otelcol-custom/testbed/recorder"
	"github.com/otelcol-custom/otelcol-custom/testbed/replay"
	"github.com/otelcol-custom/otelcol-custom/testbed/score"
)

// judge fills in c from what was recorded. With ablate, every method is switched
// off once, and the joint assignment.
func (c *Cell) judge(r *recorder.Recording, ablate bool) error {
	c.Traffic, c.Lost = traffic(r.Load), lost(r.Metrics)
	if r.Report != nil && !r.Report.OK() {
		c.fail(fmt.Errorf("calls are not as they should be: %d requests failed, %d calls missing, %d extra %v",
			r.Report.Failed, r.Report.Missing, r.Report.Extra, r.Report.Examples))
	}
	o := score.Options{Scenario: c.Scenario, Load: c.Load, Linker: "stitch", Only: score.Measured(r.Requests)}
	live := []ptrace.Traces{r.Stitched}
	c.Live = replay.Score(live, o)
	warm := o
	warm.Only = score.WarmUp(r.Requests)
	first := OutcomeOf(replay.Score(live, warm))
	c.First = &first
	recording := replay.Recording(r.Raw)
	released, err := recording.Stitch()
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	c.Replayed = replay.Score(released, o)
	c.Differ, c.Released = differ(live, released)
	c.Rivals = map[string]Outcome{}
	for _, rule := range recording.ScoreBaselines(o) {
		c.Rivals[rule.Linker] = OutcomeOf(rule)
	}
	if ablate {
		return c.ablate(recording, o)
	}
	return nil
}

func (c *Cell) ablate(recording replay.Recording, o score.Options) error {
	c.Without = map[string]Outcome{}
	for _, method := range append(stitchprocessor.Methods(), stitchprocessor.Joint) {
		released, err := recording.Stitch(method)
		if err != nil {
			return fmt.Errorf("replay without %s: %w", method, err)
		}
		c.Without[method] = OutcomeOf(replay.Score(released, o))
	}
	return nil
}

// unfit reports whether r must not be followed by another load on the same services:
// what failed may still be under way.
func unfit(r *recorder.Recording) bool { return len(r.Load.Failures) > 0 || r.Load.Overrun > 0 }

func traffic(r *load.Result) *Traffic {
	ms := func(q float64) float64 { return float64(r.Latency.Quantile(q).Microseconds()) / 1000 }
	return &Traffic{
		Requests: r.Latency.Count(), Rate: r.RequestsPerSecond(), P50: ms(0.5), P99: ms(0.99),
		Failures: r.Failures, Retried: r.Retried, Overrun: r.Overrun,
	}
}

// differ counts the spans of which a and b do not say the same parent, and all.
// A span that only one of them has differs.
func differ(a, b []ptrace.Traces) (differ, all int) {
	other := parents(b)
	for id, parent := range parents(a) {
		got, ok := other[id]
		if !ok || got != parent {
			differ++
		}
		delete(other, id)
		all++
	}
	return differ + len(other), all + len(other)
}

func parents(batches []ptrace.Traces) map[pcommon.SpanID]pcommon.SpanID {
	out := map[pcommon.SpanID]pcommon.SpanID{}
	for _, td := range batches {
		for _, s := range score.Append(nil, td, nil) {
			out[s.ID] = s.Parent
		}
	}
	return out
}
