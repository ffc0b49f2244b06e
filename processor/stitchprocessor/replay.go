package stitchprocessor

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Replay stitches recorded spans outside of a Collector. It runs the same code as the
// processor, but in one goroutine and by the time that the spans themselves tell, so
// that what comes out depends on the configuration and on what was consumed alone,
// byte for byte. It is not safe for concurrent use.
type Replay struct {
	engine *engine
	next   func(ptrace.Traces)
	now    int64 // Unix ns
}

// NewReplay returns a Replay that hands released traces, and spans without evidence
// as they come, to next, which then owns them. The error is that of c.Validate.
// c.Workers has no meaning here.
func NewReplay(c *Config, next func(ptrace.Traces)) (*Replay, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Replay{engine: newEngine(c, next), next: next}, nil
}

// Consume takes one batch as the receiver handed it out, and owns it. Batches come in
// the order in which they were handed out. Time goes on to the latest end of a span
// or watermark in the batch; what is due until then is released first.
func (r *Replay) Consume(td ptrace.Traces) {
	r.pass(max(r.now, latest(td)))
	r.engine.consume(td, r.now)
	if td.SpanCount() > 0 {
		r.next(td)
	}
}

// Close decides and releases everything that is held.
func (r *Replay) Close() { r.engine.flush(r.now) }

// Now is the time of the replay: no span or watermark so far was later.
func (r *Replay) Now() time.Time { return time.Unix(0, r.now) }

// pass lets time pass in the steps of the processor, as long as anything is held.
func (r *Replay) pass(to int64) {
	for r.engine.held() > 0 && to-r.now > tickInterval.Nanoseconds() {
		r.now += tickInterval.Nanoseconds()
		r.engine.tick(r.now)
	}
	r.now = to
}

// latest is the latest time that td tells of. What is later than the window believes
// in does not count.
func latest(td ptrace.Traces) int64 {
	last := int64(0)
	see := func(t int64) {
		if t <= maxWatermark {
			last = max(last, t)
		}
	}
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			see(watermarkOf(ss.Scope()))
			for _, span := range ss.Spans().All() {
				see(int64(min(span.EndTimestamp(), pcommon.Timestamp(maxWatermark+1))))
			}
		}
	}
	return last
}
