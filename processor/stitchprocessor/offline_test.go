package stitchprocessor

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/sim"
)

// offline runs all through a Replay and returns what came out.
func offline(t *testing.T, c *Config, all []delivery) (out []ptrace.Traces) {
	t.Helper()
	r, err := NewReplay(c, func(td ptrace.Traces) { out = append(out, td) })
	require.NoError(t, err)
	for _, d := range copyOf(all) {
		r.Consume(d.td)
	}
	r.Close()
	return out
}

func TestAReplayWantsAValidConfiguration(t *testing.T) {
	c := defaults()
	c.MaxSpans = 0
	_, err := NewReplay(c, nil)
	assert.EqualError(t, err, "max_spans: must be at least 1, is 0")
}

func TestAReplayDoesAsTheProcessorDoes(t *testing.T) {
	for name, p := range programs {
		synctest.Test(t, func(t *testing.T) {
			all, spans := record(p, 16, 200)
			got := parents(offline(t, defaults(), all))
			require.NotEmpty(t, got, name)
			s := start(t, nil)
			for _, d := range all {
				s.send(d.td)
				time.Sleep(sim.Interval)
			}
			s.stop()
			assert.Equal(t, parents(s.sink.batches()), got, name)
			assert.LessOrEqual(t, len(got), spans, "%s: hidden spans are dropped", name)
		})
	}
}

func TestTheTimeOfAReplayIsThatOfItsSpans(t *testing.T) {
	released := 0
	c := defaults()
	r, err := NewReplay(c, func(td ptrace.Traces) { released += td.SpanCount() })
	require.NoError(t, err)
	td := ptrace.NewTraces()
	addSpan(td, 7, 1, true, nil)
	watermark(td, 7, 3*second)
	r.Consume(td)
	assert.Equal(t, 4*second, r.Now().UnixNano(), "the end of the span")
	ahead := func(to int64) {
		td := ptrace.NewTraces()
		watermark(td, 7, to)
		r.Consume(td)
	}
	ahead(4*second + c.SettleDelay.Nanoseconds()/2)
	assert.Zero(t, released, "the trace may still get company")
	ahead(5 * second)
	assert.Equal(t, 1, released, "it has settled on the way")
	ahead(2 * second)
	assert.Equal(t, 5*second, r.Now().UnixNano(), "time does not go back")
	ahead(1<<63 - 1)
	td = ptrace.NewTraces()
	addSpan(td, 7, 2, true, nil).SetEndTimestamp(pcommon.Timestamp(1<<64 - 1))
	r.Consume(td)
	assert.Equal(t, 5*second, r.Now().UnixNano(), "nor to the end of days")
	r.Close()
	assert.Equal(t, 2, released)
}

func TestAReplayLetsOtherSpansPass(t *testing.T) {
	td := ptrace.NewTraces()
	plain(td, 7, 1)
	addSpan(td, 7, 2, true, nil)
	out := offline(t, defaults(), []delivery{{td: td}})
	require.Len(t, out, 2)
	assert.Equal(t, pcommon.SpanID{1}, out[0].ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SpanID())
	assert.Equal(t, pcommon.SpanID{2}, out[1].ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SpanID())
}

// methods counts the spans by stitch.method.
func methods(all []ptrace.Traces) map[string]int {
	out := map[string]int{}
	for _, td := range all {
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					if v, ok := span.Attributes().Get(evidence.KeyMethod); ok && !span.ParentSpanID().IsEmpty() {
						out[v.Str()]++
					}
				}
			}
		}
	}
	return out
}

func TestADisabledMethodDecidesNothing(t *testing.T) {
	seen := map[string]bool{}
	for name, p := range programs {
		all, _ := record(p, 16, 200)
		for m, n := range methods(offline(t, defaults(), all)) {
			seen[m] = true
			c := defaults()
			c.Disable = []string{m}
			without := methods(offline(t, c, all))
			assert.Zero(t, without[m], "%s without %s, which decided %d", name, m, n)
		}
	}
	assert.Greater(t, len(seen), 6)
}

func TestADisabledContextIsNotRead(t *testing.T) {
	c := defaults()
	c.Disable = []string{"context"}
	td := ptrace.NewTraces()
	addSpan(td, 7, 1, true, func(e *evidence.Exchange) {
		e.Context = "w3c:0102030405060708090a0b0c0d0e0f10:0102030405060708:01"
	})
	all := []delivery{{td: td}}
	assert.Equal(t, map[string]int{"context": 1}, methods(offline(t, defaults(), all)))
	assert.Empty(t, methods(offline(t, c, all)))
}
