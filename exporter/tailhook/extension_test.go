package tailhook

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor/pkg/samplingpolicy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// depth is a policy as somebody else would write it: it wants traces with a span
// of some name and spoils the spans it was shown.
type depth struct {
	component.StartFunc
	component.ShutdownFunc
	name  string
	names []string
}

func (d *depth) NewEvaluator(name string, cfg map[string]any) (samplingpolicy.Evaluator, error) {
	d.names = append(d.names, name)
	d.name, _ = cfg["span"].(string)
	return d, nil
}

func (*depth) IsStateful() bool { return false }

func (d *depth) Evaluate(_ context.Context, _ pcommon.TraceID, td *samplingpolicy.TraceData) (samplingpolicy.Decision, error) {
	found := samplingpolicy.NotSampled
	for _, rs := range td.ReceivedBatches.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				if s.Name() == d.name {
					found = samplingpolicy.Sampled
				}
				s.SetName("spoilt")
			}
		}
	}
	return found, nil
}

func TestAPolicyMayComeFromAnExtension(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ext := &depth{}
		host := &storageHost{Host: componenttest.NewNopHost(), id: component.MustNewIDWithName("depth", "1"), ext: ext}
		next := &sink{}
		r := startOn(t, host, next, func(c *Config) {
			c.Policies = nil
			require.NoError(t, confmap.NewFromStringMap(map[string]any{"policies": []any{map[string]any{
				"name": "deep", "type": "depth/1", "depth/1": map[string]any{"span": "leaf"},
			}}}).Unmarshal(c))
		})
		named := func(s ptrace.Span) { s.SetName("leaf") }
		r.send(spans(1, 2, child))
		r.send(spans(1, 1, named, settled))
		r.send(spans(2, 2, settled))
		r.close()
		assert.Equal(t, []string{"deep"}, ext.names)
		assert.Equal(t, 3, next.of(1))
		assert.Zero(t, next.of(2))
		for _, rs := range next.all[0].ResourceSpans().All() {
			for _, s := range rs.ScopeSpans().At(0).Spans().All() {
				assert.NotEqual(t, "spoilt", s.Name(), "what goes out is another copy")
			}
		}
	})
}

// both runs contrib's processor and the hook with the same extension.
func TestAnExtensionDecidesAsInTailSampling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs, ours := &sink{}, &sink{}
		cfg := block(t, `[{name: deep, type: and, and: {and_sub_policy: [
			{name: x, type: depth, depth: {span: "GET /"}},
			{name: y, type: span_count, span_count: {min_spans: 2}}]}}]`)
		host := &storageHost{Host: componenttest.NewNopHost(), id: component.MustNewID("depth"), ext: &depth{}}
		pair := []lifecycle{}
		for i, next := range []consumer.Traces{theirs, ours} {
			pair = append(pair, startOnHost(t, i == 0, cfg, next, host))
		}
		for n := range 40 {
			td := spans(n+1, 1+n%3)
			if n%4 == 0 {
				td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetName("other")
			}
			for _, c := range pair {
				require.NoError(t, c.ConsumeTraces(t.Context(), clone(td)))
			}
		}
		for _, c := range pair {
			require.NoError(t, c.Shutdown(t.Context()))
		}
		require.NotEmpty(t, ours.got)
		assert.Equal(t, theirs.got, ours.got)
	})
}
