package recorder

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/testbed/collector"
	"github.com/otelcol-custom/otelcol-custom/testbed/score"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

const (
	// pollInterval is how often is looked at what has come out.
	pollInterval = 50 * time.Millisecond
	// settled is how long the receiver must have said nothing, once every request
	// was seen and all that it said has been released.
	settled = 300 * time.Millisecond
)

// outcome follows what a Collector puts out, to end a recording as soon as all is
// out that is known to come.
type outcome struct {
	raw, stitched *collector.Sink
	missing       map[truth.Token]bool // answered requests not seen by the receiver
	batches       int                  // of the receiver
	visible       int                  // its spans but for hidden ones: those are not released
	released      int
	changed       time.Time
}

func newOutcome(raw, stitched *collector.Sink, log []truth.Request) *outcome {
	o := &outcome{raw: raw, stitched: stitched, missing: map[truth.Token]bool{}, changed: time.Now()}
	for _, r := range log {
		if r.Error == "" {
			o.missing[r.Token] = true
		}
	}
	return o
}

// wait returns when all is out, or when nothing has come out for the time quiet.
func (o *outcome) wait(ctx context.Context, quiet time.Duration) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for !o.done(time.Now(), quiet) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

func (o *outcome) done(now time.Time, quiet time.Duration) bool {
	if o.look() {
		o.changed = now
	}
	if len(o.missing) == 0 && o.released >= o.visible {
		return now.Sub(o.changed) >= min(settled, quiet)
	}
	return now.Sub(o.changed) >= quiet
}

// look reads what is new and reports whether there was anything.
func (o *outcome) look() bool {
	fresh := o.raw.Since(o.batches)
	spans := 0
	for _, td := range fresh {
		spans += td.SpanCount()
		o.see(td)
	}
	o.batches += len(fresh)
	before := o.released
	o.released = o.stitched.Spans()
	return spans > 0 || o.released != before // a watermark alone is nothing
}

func (o *outcome) see(td ptrace.Traces) {
	for _, s := range score.Append(nil, td, func(_ int, span ptrace.Span) {
		if hidden, ok := span.Attributes().Get(evidence.KeyHidden); !ok || !hidden.Bool() {
			o.visible++
		}
	}) {
		if s.Incoming() {
			delete(o.missing, s.Token)
		}
	}
}
