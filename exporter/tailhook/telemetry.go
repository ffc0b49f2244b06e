package tailhook

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/metadata"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/policy"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/settle"
)

// telemetry is the hook's metrics, with the attribute sets made once.
type telemetry struct {
	builder  *metadata.TelemetryBuilder
	policies []string // by number + 1; the first is none
	reasons  []metric.MeasurementOption
}

// loss is a value of the cause attribute.
type loss string

const (
	permanentError   loss = "permanent_error"
	retriesExhausted loss = "retries_exhausted"
	atShutdown       loss = "shutdown"
	undecodable      loss = "undecodable"
)

// Values of the decision attribute, and the first two of the outcome attribute.
const (
	outcomeSampled = iota
	outcomeNotSampled
	outcomeDropped
	outcomes
)

func outcomeName(o int) string {
	return [outcomes]string{"sampled", "not_sampled", "dropped"}[o]
}

func newTelemetry(set component.TelemetrySettings, l *ledger) (*telemetry, error) {
	b, err := metadata.NewTelemetryBuilder(set)
	if err != nil {
		return nil, err
	}
	t := &telemetry{builder: b}
	for _, r := range settle.Reasons() {
		t.reasons = append(t.reasons, option(attribute.String("reason", r.String())))
	}
	return t, errors.Join(
		b.RegisterTailhookHeldBytesCallback(observe(l.held.Load)),
		b.RegisterTailhookHeldTracesCallback(observe(l.traces.Load)),
		b.RegisterTailhookUndeliveredBytesCallback(observe(l.undelivered.Load)),
	)
}

func observe(load func() int64) metric.Int64Callback {
	return func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(load())
		return nil
	}
}

func option(kvs ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(kvs...))
}

// name learns the names of the policies.
func (t *telemetry) name(set *policy.Set) {
	t.policies = []string{""}
	for i := range set.Len() {
		t.policies = append(t.policies, set.Name(i))
	}
}

func (t *telemetry) close() { t.builder.Shutdown() }

func (t *telemetry) refused(spans int) {
	t.builder.TailhookRefusedSpans.Add(context.Background(), int64(spans))
}

func (t *telemetry) delivered(spans int64) {
	t.builder.TailhookDeliveredSpans.Add(context.Background(), spans)
}

func (t *telemetry) lost(cause loss, spans int64) {
	t.builder.TailhookLostSpans.Add(context.Background(), spans, option(attribute.String("cause", string(cause))))
}

func (t *telemetry) storageFailed(error) {
	t.builder.TailhookStorageErrors.Add(context.Background(), 1)
}

// stats counts for one shard, so that a counter with attributes costs nothing
// per trace, and passes it on once in a while.
type stats struct {
	tel         *telemetry
	made        []int64 // decisions by policy, outcome and reason
	spans       [outcomes]int64
	late        [outcomeDropped]int64
	omitted     int64
	errors      int64
	nextFlushAt int64
}

// flushEvery is the time between two flushes.
const flushEvery = time.Second

func newStats(t *telemetry) *stats {
	return &stats{tel: t, made: make([]int64, len(t.policies)*outcomes*len(t.reasons))}
}

// decided counts a decision on t made at time now.
func (s *stats) decided(t *trace, d *policy.Decision, why settle.Reason, now int64) {
	outcome := outcomeNotSampled
	switch {
	case d.Keep:
		outcome = outcomeSampled
	case d.Dropped:
		outcome = outcomeDropped
	}
	s.made[((d.Policy+1)*outcomes+outcome)*len(s.tel.reasons)+int(why)]++
	s.spans[outcome] += t.summary.Spans
	s.errors += int64(d.Errors)
	ctx, b := context.Background(), s.tel.builder
	b.TailhookDecisionDelayFirst.Record(ctx, time.Duration(now-t.progress.First).Seconds(), s.tel.reasons[why])
	b.TailhookDecisionDelayLast.Record(ctx, time.Duration(now-t.progress.Last).Seconds(), s.tel.reasons[why])
}

// flush passes the counts on if it is time to.
func (s *stats) flush(now int64) {
	if now < s.nextFlushAt {
		return
	}
	s.nextFlushAt = now + int64(flushEvery)
	s.flushNow()
}

func (s *stats) flushNow() {
	ctx, b := context.Background(), s.tel.builder
	s.flushDecisions()
	for o := range outcomes {
		add(ctx, b.TailhookSpansDecided, &s.spans[o], attribute.String("decision", outcomeName(o)))
	}
	for o := range s.late {
		add(ctx, b.TailhookLateSpans, &s.late[o], attribute.String("outcome", outcomeName(o)))
	}
	add(ctx, b.TailhookOmittedSpans, &s.omitted)
	add(ctx, b.TailhookPolicyErrors, &s.errors)
}

func (s *stats) flushDecisions() {
	for i := range s.made {
		if s.made[i] == 0 {
			continue
		}
		reason, rest := i%len(s.tel.reasons), i/len(s.tel.reasons)
		add(context.Background(), s.tel.builder.TailhookTracesDecided, &s.made[i],
			attribute.String("policy", s.tel.policies[rest/outcomes]),
			attribute.String("decision", outcomeName(rest%outcomes)),
			attribute.String("reason", settle.Reason(reason).String()))
	}
}

// add moves the count n to the counter.
func add(ctx context.Context, c metric.Int64Counter, n *int64, kvs ...attribute.KeyValue) {
	if *n != 0 {
		c.Add(ctx, *n, option(kvs...))
		*n = 0
	}
}
