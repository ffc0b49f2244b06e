package replay

import (
	"fmt"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor"
	"github.com/otelcol-custom/otelcol-custom/testbed/baseline"
	"github.com/otelcol-custom/otelcol-custom/testbed/score"
	"github.com/otelcol-custom/otelcol-custom/testbed/spanfile"
)

// Recording is the batches of a receiver in the order in which it handed them out.
type Recording []ptrace.Traces

// Read returns the recording in the file at path, see package spanfile.
func Read(path string) (Recording, error) {
	var r Recording
	err := spanfile.Each(path, func(td ptrace.Traces) error {
		r = append(r, td)
		return nil
	})
	return r, err
}

// Write keeps batches in the file at path, in the form that its name says.
func Write(path string, batches []ptrace.Traces) error {
	w, err := spanfile.Create(path)
	if err != nil {
		return err
	}
	for _, td := range batches {
		if err := w.Write(td); err != nil {
			_ = w.Close() // what counts has gone wrong
			return err
		}
	}
	return w.Close()
}

// Stitch returns what the stitch processor makes of r with its default
// configuration, the methods of disable deciding nothing. Each resource says when
// it was released, in replay time (see score.KeyReleased). r is unchanged.
func (r Recording) Stitch(disable ...string) ([]ptrace.Traces, error) {
	c, ok := stitchprocessor.NewFactory().CreateDefaultConfig().(*stitchprocessor.Config)
	if !ok {
		return nil, fmt.Errorf("configuration of the stitch processor: is another type")
	}
	c.Disable = disable
	var out []ptrace.Traces
	var p *stitchprocessor.Replay
	p, err := stitchprocessor.NewReplay(c, func(td ptrace.Traces) {
		kept := ptrace.NewTraces()
		td.MoveTo(kept)
		for _, rs := range kept.ResourceSpans().All() {
			rs.Resource().Attributes().PutInt(score.KeyReleased, p.Now().UnixNano())
		}
		out = append(out, kept)
	})
	if err != nil {
		return nil, err
	}
	for _, td := range r {
		own := ptrace.NewTraces()
		td.CopyTo(own)
		p.Consume(own)
	}
	p.Close()
	return out, nil
}

// Score judges released batches.
func Score(released []ptrace.Traces, o score.Options) *score.Result {
	var spans []score.Span
	for _, td := range released {
		spans = score.Append(spans, td, nil)
	}
	return score.Score(spans, o)
}

// ScoreBaselines judges what each of the rivals' rules makes of r.
func (r Recording) ScoreBaselines(o score.Options) []*score.Result {
	var recorded []baseline.Span
	for _, td := range r {
		recorded = baseline.Append(recorded, td)
	}
	spans := make([]score.Span, len(recorded))
	for i := range recorded {
		spans[i] = recorded[i].Span
	}
	var results []*score.Result
	for _, rule := range baseline.Rules() {
		o.Linker = rule.Name
		results = append(results, score.Score(score.Relink(spans, rule.Link(recorded)), o))
	}
	return results
}
