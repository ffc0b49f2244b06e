package tailhook

import (
	"hash/maphash"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/policy"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/settle"
)

func readCall(t *testing.T, td ptrace.Traces) *call {
	set, err := policy.NewSet(baseline, componenttest.NewNopTelemetrySettings(), nil)
	require.NoError(t, err)
	c := newCall(set, settle.NewEdges(10), 4, maphash.MakeSeed(), func(*call) {})
	require.NoError(t, c.read(td))
	return c
}

// join puts calls into one.
func join(calls ...ptrace.Traces) ptrace.Traces {
	td := ptrace.NewTraces()
	for _, c := range calls {
		c.ResourceSpans().MoveAndAppendTo(td.ResourceSpans())
	}
	return td
}

func TestACallShowsWhatItBroughtOfEachTrace(t *testing.T) {
	c := readCall(t, join(
		part(1, "a", [3]int{1, 0, server}, [3]int{2, 1, client}),
		part(2, "a", [3]int{1, 9, client}),
		part(1, "b", [3]int{3, 2, server}),
		spans(3, 1, child, settled),
	))
	require.Len(t, c.seen, 3)
	one, two, three := c.seen[0], c.seen[1], c.seen[2]
	assert.Equal(t, int64(3), one.Spans)
	assert.True(t, one.root)
	assert.NotZero(t, one.kind)
	assert.Zero(t, one.balance, "the call has its peer")
	assert.False(t, two.root)
	assert.Zero(t, two.kind)
	assert.NotZero(t, two.balance)
	assert.False(t, two.settled)
	assert.True(t, three.settled)
	assert.False(t, three.root)
}

func TestACallIsSharedByTheShardsThatHaveAPart(t *testing.T) {
	td := ptrace.NewTraces()
	for n := range 200 {
		spans(n, 1).ResourceSpans().MoveAndAppendTo(td.ResourceSpans())
	}
	c := readCall(t, td)
	assert.ElementsMatch(t, []int{0, 1, 2, 3}, c.shards)
	assert.Len(t, readCall(t, spans(1, 10)).shards, 1)
}

func TestACallForgetsTheOneBefore(t *testing.T) {
	c := readCall(t, join(spans(1, 3, failing, settled), spans(2, 3, failing)))
	c.number, c.finished = 7, []byte{1}
	require.NoError(t, c.read(spans(3, 1, child)))
	require.Len(t, c.seen, 1)
	assert.Equal(t, int64(1), c.seen[0].Spans)
	assert.False(t, c.seen[0].settled)
	assert.Len(t, c.shards, 1)
	assert.Zero(t, c.number)
	assert.Empty(t, c.finished)
	for _, w := range c.states {
		assert.Zero(t, w)
	}
}

func TestMarksOfTheTracestate(t *testing.T) {
	half, err := sampling.ProbabilityToThreshold(0.5)
	require.NoError(t, err)
	rv, err := sampling.UnsignedToRandomness(0xc0000000000000)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		raw  string
		mark policy.Mark
		want string
		ok   bool
	}{
		"alone":                        {"", policy.Mark{Threshold: half}, "ot=th:8", true},
		"certain":                      {"", policy.Mark{}, "ot=th:0", true},
		"with randomness":              {"", policy.Mark{Threshold: half, Randomness: rv}, "ot=rv:c0000000000000;th:8", true},
		"beside others":                {"v=1,ot=x:y", policy.Mark{Threshold: half}, "ot=th:8;x:y,v=1", true},
		"stricter than before":         {"ot=th:4", policy.Mark{Threshold: half}, "ot=th:8", true},
		"less strict than before":      {"ot=th:c", policy.Mark{Threshold: half}, "", false},
		"the trace has its randomness": {"ot=rv:ffffffffffffff", policy.Mark{Threshold: half, Randomness: rv}, "ot=rv:ffffffffffffff;th:8", true},
		"broken":                       {"ot=th:xyz,", policy.Mark{Threshold: half}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := marked(c.raw, c.mark)
			assert.Equal(t, c.ok, ok)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestTheOmittedAreToldOnTheRoot(t *testing.T) {
	td := join(spans(1, 2, child), spans(1, 1), spans(1, 1))
	(&omitted{spans: 5, bytes: 100}).write(td)
	told := 0
	for i, rs := range td.ResourceSpans().All() {
		for _, s := range rs.ScopeSpans().At(0).Spans().All() {
			if n, ok := s.Attributes().Get(attrOmittedSpans); ok {
				told++
				assert.Equal(t, 1, i, "the first root")
				assert.Equal(t, int64(5), n.Int())
			}
		}
	}
	assert.Equal(t, 1, told)
}

func TestABrokenParcelIsLostOnce(t *testing.T) {
	next := &sink{}
	r := start(t, next, nil)
	r.kept.put(parcel{data: []byte{0xff, 0xff}, spans: 3})
	r.send(spans(1, 1, failing, settled))
	r.close()
	assert.Equal(t, int64(3), r.count("tailhook_lost_spans", "cause", "undecodable"))
	assert.Equal(t, 1, next.of(1), "others are not")
}
