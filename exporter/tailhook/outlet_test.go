package tailhook

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pipeline"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/metadata"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/policy"
)

func nopSettings() connector.Settings { return connectortest.NewNopSettings(metadata.Type) }

// blockUntil is a next component that takes nothing before a channel is closed.
func blockUntil(free <-chan struct{}) func(context.Context, int, ptrace.Traces) error {
	return func(context.Context, int, ptrace.Traces) error { <-free; return nil }
}

var errBusy = errors.New("queue is full")

func TestACallThatFailsIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{answer: func(_ context.Context, call int, td ptrace.Traces) error {
			if call <= 3 {
				td.ResourceSpans().RemoveIf(func(ptrace.ResourceSpans) bool { return true })
				return errBusy
			}
			return nil
		}}
		r := start(t, next, nil)
		r.send(spans(1, 2, failing, settled))
		time.Sleep(time.Minute)
		r.settle()
		assert.Equal(t, 2, next.of(1), "though the failed calls spoilt their spans")
		r.close()
		assert.Zero(t, r.count("tailhook_lost_spans"))
	})
}

func TestOnlyWhatFailedIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{}
		next.answer = func(_ context.Context, call int, td ptrace.Traces) error {
			if call > 1 {
				return nil
			}
			failed := ptrace.NewTraces()
			td.ResourceSpans().At(0).CopyTo(failed.ResourceSpans().AppendEmpty())
			failed.ResourceSpans().At(0).ScopeSpans().At(0).Spans().RemoveIf(func(s ptrace.Span) bool { return s.SpanID()[1] > 0 })
			return consumererror.NewTraces(errBusy, failed)
		}
		r := start(t, next, nil)
		r.send(spans(1, 5, failing, settled))
		time.Sleep(time.Minute)
		r.settle()
		assert.Equal(t, 1, next.of(1))
		r.close()
		assert.Equal(t, int64(5), r.count("tailhook_delivered_spans"))
	})
}

func TestSpansThatCannotBeDeliveredAreCounted(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		change func(*Config)
		cause  string
	}{
		"after a permanent error": {consumererror.NewPermanent(errBusy), func(*Config) {}, "permanent_error"},
		"after too many errors": {errBusy, func(c *Config) {
			c.Delivery.RetryOnFailure.MaxElapsedTime = time.Minute
		}, "retries_exhausted"},
		"after the first error without retries": {errBusy, func(c *Config) {
			c.Delivery.RetryOnFailure.Enabled = false
		}, "retries_exhausted"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				next := &sink{answer: func(context.Context, int, ptrace.Traces) error { return c.err }}
				r := start(t, next, c.change)
				r.send(spans(1, 4, failing, settled))
				time.Sleep(10 * time.Minute)
				r.close()
				assert.Equal(t, int64(4), r.count("tailhook_lost_spans", "cause", c.cause))
				assert.Zero(t, r.count("tailhook_delivered_spans"))
			})
		})
	}
}

func TestShutdownGivesUpOnADeadNextComponent(t *testing.T) {
	for name, answer := range map[string]func(context.Context, int, ptrace.Traces) error{
		"that fails": func(context.Context, int, ptrace.Traces) error { return errBusy },
		"that hangs": func(ctx context.Context, _ int, _ ptrace.Traces) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, &sink{answer: answer}, nil)
				for n := range 7 {
					r.send(spans(n, 2, failing))
				}
				begin := time.Now()
				require.Error(t, r.Shutdown(context.Background()))
				assert.LessOrEqual(t, time.Since(begin), r.cfg.Delivery.ShutdownTimeout+lastCall)
				assert.Equal(t, int64(14), r.count("tailhook_lost_spans", "cause", "shutdown"))
				assert.Zero(t, r.ledger.held.Load())
			})
		})
	}
}

func TestAStuckNextComponentStopsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		kept, rest := &sink{}, &sink{answer: blockUntil(stuck)}
		r := start(t, twoPipelines(kept, rest), func(c *Config) {
			c.DroppedPipelines = []pipeline.ID{archiveID}
			c.Delivery.Senders = 1
		})
		for n := range 500 {
			r.send(spans(2*n, 10, settled))
			r.send(spans(2*n+1, 1, failing, settled))
		}
		r.settle()
		assert.Equal(t, 500, kept.spans())
		assert.Zero(t, rest.spans())
		close(stuck)
		r.close()
		assert.Equal(t, 5000, rest.spans())
	})
}

// In the bubble's time, so that waiting for the exporter would show.
func TestAStalledExporterStopsNeitherIngestNorDecisions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		next := &sink{answer: blockUntil(stuck)}
		r := start(t, next, nil)
		begin := time.Now()
		for n := range 1000 {
			r.send(spans(2*n, 5, failing, settled))
			r.send(spans(2*n+1, 5, settled))
		}
		r.settle()
		assert.Equal(t, begin, time.Now(), "no call waited")
		assert.Zero(t, r.ledger.traces.Load(), "all are decided")
		assert.Zero(t, next.spans())
		assert.Zero(t, r.count("tailhook_refused_spans"))
		assert.Positive(t, r.ledger.undelivered.Load())
		close(stuck)
		r.close()
		assert.Equal(t, 5000, next.spans())
		assert.Equal(t, int64(1000), r.count("tailhook_traces_decided", "decision", "not_sampled", "reason", "settled"))
	})
}

// One trace that the next component chokes on occupies one sender.
func TestATraceThatStallsTheExporterHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		next := &sink{}
		next.answer = func(_ context.Context, _ int, td ptrace.Traces) error {
			for s := range spansIn(td) {
				if s.TraceID() == id(1) {
					<-stuck
				}
			}
			return nil
		}
		r := start(t, next, func(c *Config) { c.Delivery.Senders = 2 })
		r.send(spans(1, 1, failing, settled))
		r.settle() // it has left, alone
		for n := range 500 {
			r.send(spans(n+2, 1, failing, settled))
		}
		r.settle()
		assert.Equal(t, 500, next.spans())
		assert.Zero(t, next.of(1))
		close(stuck)
		r.close()
		assert.Equal(t, 501, next.spans())
	})
}

func TestTheThresholdOfAKeptTraceIsWritten(t *testing.T) {
	half := policy.Config{Name: "half", Type: policy.Probabilistic, Probabilistic: policy.ProbabilisticConfig{SamplingPercentage: 50}}
	for name, c := range map[string]struct {
		policies []policy.Config
		before   string
		off      bool
		after    string
	}{
		"as the share of a probabilistic policy": {[]policy.Config{half}, "ot=rv:ffffffffffffff", false, "ot=rv:ffffffffffffff;th:8"},
		"as certain if another policy wanted it": {[]policy.Config{half, everything}, "", false, "ot=th:0"},
		"beside what others wrote":               {[]policy.Config{everything}, "vendor=x", false, "ot=th:0,vendor=x"},
		"unless it was chosen more strictly":     {[]policy.Config{everything}, "ot=th:c", false, "ot=th:c"},
		"unless the tracestate is broken":        {[]policy.Config{everything}, "=,=", false, "=,="},
		"unless it is turned off":                {[]policy.Config{everything}, "", true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				next := &sink{}
				r := start(t, next, func(cfg *Config) {
					cfg.Policies, cfg.UseTraceState = c.policies, !c.off
				})
				state := func(s ptrace.Span) { s.TraceState().FromRaw(c.before) }
				r.send(spans(1, 1, state, settled))
				r.send(spans(1, 1, state, child))
				r.close()
				require.Equal(t, 2, next.spans())
				for _, td := range next.all {
					for _, s := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
						assert.Equal(t, c.after, s.TraceState().AsRaw(), "late spans too")
					}
				}
			})
		})
	}
}

func TestALongOutageLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		next := &sink{answer: func(context.Context, int, ptrace.Traces) error {
			if time.Since(began) < 3*time.Hour {
				return errBusy
			}
			return nil
		}}
		r := start(t, next, nil)
		for n := range 20 {
			r.send(spans(n+1, 2, failing, settled))
		}
		time.Sleep(4 * time.Hour)
		r.settle()
		assert.Equal(t, 40, next.spans())
		r.close()
		assert.Zero(t, r.count("tailhook_lost_spans"))
	})
}
