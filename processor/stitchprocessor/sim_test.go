package stitchprocessor

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/sim"
)

// collector is an engine whose output is kept.
type collector struct {
	*engine
	out []ptrace.Traces
}

func collect(c *Config) *collector {
	k := &collector{}
	k.engine = newEngine(c, func(td ptrace.Traces) { k.out = append(k.out, td) })
	return k
}

// result compares what came out with the truth.
type result struct {
	calls, right, wrong, orphans int // client spans whose request was delivered
	joins, joined                int // server spans whose client was delivered
	settled, traces              int
	methods                      map[string]int
	wrongBy                      map[string]int
}

func (r result) recall() float64 { return float64(r.right) / float64(max(r.calls, 1)) }
func (r result) wrongs() float64 { return float64(r.wrong) / float64(max(r.calls, 1)) }

func (r result) String() string {
	return fmt.Sprintf("%d calls: %.2f %% right, %.2f %% wrong, %d orphans; %d of %d joined; %d of %d traces settled; by %v, wrong by %v",
		r.calls, 100*r.recall(), 100*r.wrongs(), r.orphans, r.joined, r.joins, r.settled, r.traces, r.methods, r.wrongBy)
}

// play runs a world through an engine and scores the outcome.
func play(t testing.TB, w *sim.World, c *Config, d time.Duration) result {
	t.Helper()
	e := collect(c)
	w.Agent().Deliver = func(td ptrace.Traces) { e.consume(td, w.Now()) }
	w.Run(d)
	w.Run(c.MaxWait + time.Second) // nothing new, everything settles
	e.flush(w.Now())
	w.Close()
	return score(t, w.Agent(), e.out)
}

type seen struct {
	trace  pcommon.TraceID
	parent pcommon.SpanID
}

func score(t testing.TB, agent *sim.Agent, out []ptrace.Traces) result {
	t.Helper()
	res := result{methods: map[string]int{}, wrongBy: map[string]int{}}
	spans := map[pcommon.SpanID]seen{}
	attrs := map[pcommon.SpanID]pcommon.Map{}
	for _, td := range out {
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, s := range ss.Spans().All() {
					_, twice := spans[s.SpanID()]
					require.False(t, twice, "a span came out twice")
					spans[s.SpanID()] = seen{s.TraceID(), s.ParentSpanID()}
					attrs[s.SpanID()] = s.Attributes()
				}
			}
		}
	}
	traces := map[pcommon.TraceID]bool{}
	for id, rec := range agent.Truth {
		if rec.Hidden() {
			continue
		}
		s, ok := spans[id]
		require.True(t, ok, "a span was lost")
		if v, ok := attrs[id].Get(evidence.KeySettled); ok && v.Bool() {
			res.settled++
		}
		traces[s.trace] = true
		if p, ok := spans[s.parent]; ok {
			require.Equal(t, s.trace, p.trace, "a parent is in another trace")
			require.LessOrEqual(t, agent.Truth[s.parent].Start(), rec.Start(), "a child began before its parent")
		}
		judge(&res, agent, rec, s, attrs[id])
	}
	res.traces = len(traces)
	return res
}

func judge(res *result, agent *sim.Agent, rec *sim.Record, s seen, attrs pcommon.Map) {
	method := ""
	if v, ok := attrs.Get(evidence.KeyMethod); ok {
		method = v.Str()
	}
	if rec.Server {
		if rec.Peer == nil || agent.Truth[rec.Peer.ID()] == nil {
			return
		}
		res.joins++
		if s.parent == pcommon.SpanID(rec.Peer.ID()) {
			res.joined++
		}
		return
	}
	switch {
	case rec.Owner != nil && s.parent == pcommon.SpanID(rec.Owner.ID()):
		res.right++
		res.calls++
		res.methods[method]++
	case !s.parent.IsEmpty():
		res.wrong++
		res.calls++
		res.wrongBy[method]++
	case rec.Owner != nil && agent.Truth[rec.Owner.ID()] != nil:
		res.orphans++
		res.calls++
	}
}

func defaults() *Config { return createDefaultConfig().(*Config) }
