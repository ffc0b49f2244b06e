package tailhook

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/policy"
)

// delays returns count and sum of a histogram for a reason.
func (r *rig) delays(name, reason string) (count uint64, sum float64) {
	m, err := r.rig.GetMetric("otelcol_" + name)
	require.NoError(r.t, err)
	for _, p := range m.Data.(metricdata.Histogram[float64]).DataPoints {
		if v, _ := p.Attributes.Value("reason"); v.AsString() == reason {
			count, sum = count+p.Count, sum+p.Sum
		}
	}
	return count, sum
}

func (r *rig) gauge(name string) int64 {
	m, err := r.rig.GetMetric("otelcol_" + name)
	require.NoError(r.t, err)
	return m.Data.(metricdata.Gauge[int64]).DataPoints[0].Value
}

func TestDelaysAreFromTheFirstAndTheLastSpan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &sink{}, nil)
		r.send(spans(1, 1, child))
		time.Sleep(3 * time.Second)
		r.send(spans(1, 1, child))
		time.Sleep(time.Second)
		r.send(spans(2, 1))
		r.send(spans(2, 1, settled))
		time.Sleep(20 * time.Second)
		r.close()
		n, sum := r.delays("tailhook_decision_delay_first", "decision_wait")
		assert.Equal(t, uint64(1), n)
		assert.InDelta(t, 10, sum, 0.1)
		n, sum = r.delays("tailhook_decision_delay_last", "decision_wait")
		assert.Equal(t, uint64(1), n)
		assert.InDelta(t, 7, sum, 0.1)
		n, sum = r.delays("tailhook_decision_delay_last", "settled")
		assert.Equal(t, uint64(1), n)
		assert.InDelta(t, 0, sum, 0.001)
	})
}

func TestGaugesShowWhatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		next := &sink{}
		r := start(t, next, nil)
		for n := range 10 {
			r.send(spans(n+1, 5, sized(1000)))
		}
		r.settle()
		assert.Equal(t, int64(10), r.gauge("tailhook_held_traces"))
		assert.Greater(t, r.gauge("tailhook_held_bytes"), int64(50_000))
		assert.Less(t, r.gauge("tailhook_held_bytes"), int64(80_000))
		assert.Zero(t, r.gauge("tailhook_undelivered_bytes"))
		next.answer = blockUntil(stuck)
		r.send(spans(100, 5, sized(1000), failing, settled))
		r.settle()
		assert.Equal(t, int64(10), r.gauge("tailhook_held_traces"))
		assert.Greater(t, r.gauge("tailhook_undelivered_bytes"), int64(5000))
		close(stuck)
		r.close()
	})
}

func TestEachDecisionIsTheCreditOfAPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &sink{}, func(c *Config) {
			c.Policies = []policy.Config{
				errorsPolicy,
				{Name: "slow", Type: policy.Latency, Latency: policy.LatencyConfig{ThresholdMs: 500}},
				{Name: "none of these", Type: policy.Drop, Drop: &policy.DropConfig{SubPolicies: []policy.Config{
					{Type: policy.StringAttribute, StringAttribute: policy.StringAttributeConfig{Key: "url.path", Values: []string{"/health"}}},
				}}},
			}
		})
		r.send(spans(1, 2, failing, lasting(time.Second), settled))
		r.send(spans(2, 3, lasting(time.Second), settled))
		r.send(spans(3, 4, settled))
		health := spans(4, 5, failing, settled)
		health.ResourceSpans().At(0).Resource().Attributes().PutStr("url.path", "/health")
		r.send(health)
		r.close()
		for _, c := range []struct {
			policy, decision string
			traces, spans    int64
		}{{"errors", "sampled", 1, 0}, {"slow", "sampled", 1, 5}, {"", "not_sampled", 1, 4}, {"none of these", "dropped", 1, 5}} {
			assert.Equal(t, c.traces, r.count("tailhook_traces_decided", "policy", c.policy, "decision", c.decision), c.policy)
			if c.spans > 0 {
				assert.Equal(t, c.spans, r.count("tailhook_spans_decided", "decision", c.decision), c.decision)
			}
		}
	})
}

func TestCountersComeWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &sink{}, nil)
		time.Sleep(2 * time.Second)
		r.send(spans(1, 1, settled))
		time.Sleep(1100 * time.Millisecond)
		r.settle()
		assert.Equal(t, int64(1), r.count("tailhook_traces_decided"))
		r.close()
		assert.Equal(t, int64(1), r.count("tailhook_traces_decided"), "once")
	})
}

func TestAHookThatNeverStartedShutsDown(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Policies = baseline
	h, err := newHook(nopSettings(), cfg, &sink{})
	require.NoError(t, err)
	require.ErrorIs(t, h.ConsumeTraces(context.Background(), spans(1, 1)), errStopped)
	require.NoError(t, h.Shutdown(t.Context()))
	assert.False(t, h.Capabilities().MutatesData)
}
