package sim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/goleak"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// play runs 50 requests through threads that call a backend, and returns what the
// agent delivered.
func play(t *testing.T, seed uint64) (*sim.World, []ptrace.Traces) {
	w := sim.New(seed)
	b := sim.NewBlocking(&sim.Backend{World: w, Port: 9090, Min: time.Millisecond, Max: 5 * time.Millisecond})
	s := &sim.ThreadPerConnection{Process: w.NewProcess("p"), Port: 8080, Handle: func(t *sim.Thread, _ *sim.Conn, r *sim.Record) bool {
		b.Call(t, r)
		return false
	}}
	var all []ptrace.Traces
	w.Agent().Deliver = func(td ptrace.Traces) { all = append(all, td) }
	load := &sim.Load{World: w, Target: s, Clients: 4, Requests: 50, Think: time.Millisecond}
	load.Start()
	w.Run(5 * time.Second)
	require.Equal(t, 50, load.Done)
	t.Cleanup(w.Close)
	return w, all
}

func each(all []ptrace.Traces, f func(batch int, scope ptrace.ScopeSpans, span ptrace.Span)) {
	for i, td := range all {
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					f(i, ss, span)
				}
			}
		}
	}
}

func TestTheSameSeedGivesTheSameWorld(t *testing.T) {
	bytes := func(seed uint64) []byte {
		var out []byte
		_, all := play(t, seed)
		for _, td := range all {
			b, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
			require.NoError(t, err)
			out = append(out, b...)
		}
		return out
	}
	assert.Equal(t, bytes(1), bytes(1))
	assert.NotEqual(t, bytes(1), bytes(2))
}

func TestTheWorldKeepsTheContract(t *testing.T) {
	w, all := play(t, 3)
	spans := 0
	points := map[[2]uint32]bool{}
	each(all, func(_ int, _ ptrace.ScopeSpans, span ptrace.Span) {
		spans++
		var e evidence.Exchange
		require.True(t, e.Read(span))
		for _, m := range []evidence.Message{e.Request, e.Response} {
			at := [2]uint32{m.TID, m.IO}
			assert.False(t, points[at], "an ordinal names one I/O")
			points[at] = true
			assert.LessOrEqual(t, m.Start, m.End)
		}
		assert.Less(t, e.Request.Start, e.Response.End)
		rec := w.Agent().Truth[span.SpanID()]
		require.NotNil(t, rec)
		if rec.Server {
			assert.Nil(t, rec.Owner)
		} else {
			assert.LessOrEqual(t, rec.Owner.Start(), rec.Start(), "a call begins within its request")
		}
		assert.True(t, span.ParentSpanID().IsEmpty(), "the truth is not in the spans")
	})
	assert.Equal(t, 100, spans)
}

func TestAWatermarkIsKept(t *testing.T) {
	_, all := play(t, 4)
	latest := make([]int64, len(all))
	for i, td := range all {
		w, _ := td.ResourceSpans().At(0).ScopeSpans().At(0).Scope().Attributes().Get(evidence.KeyWatermark)
		latest[i] = w.Int()
		if i > 0 {
			assert.GreaterOrEqual(t, latest[i], latest[i-1])
		}
	}
	each(all, func(batch int, _ ptrace.ScopeSpans, span ptrace.Span) {
		if span.Kind() == ptrace.SpanKindServer && batch > 0 {
			assert.GreaterOrEqual(t, int64(span.StartTimestamp()), latest[batch-1], "what began before has been delivered")
		}
	})
}

func TestLostRecordsAreCounted(t *testing.T) {
	w := sim.New(1)
	w.Agent().Lose = 1
	p := w.NewProcess("p")
	s := &sim.ThreadPerConnection{Process: p, Port: 8080, Handle: func(*sim.Thread, *sim.Conn, *sim.Record) bool { return false }}
	(&sim.Load{World: w, Target: s, Clients: 1, Requests: 5}).Start()
	w.Run(time.Second)
	w.Close()
	assert.Equal(t, 5, w.Agent().Lost)
	assert.Empty(t, w.Agent().Truth)
}
