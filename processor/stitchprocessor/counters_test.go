package stitchprocessor

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.yaml.in/yaml/v3"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// traffic is spans that move a counter, and what has to be changed for that.
type traffic struct {
	change  func(*Config)
	batches func() []ptrace.Traces
	refuse  bool // by the next component
}

func one(fill func(td ptrace.Traces)) func() []ptrace.Traces {
	return func() []ptrace.Traces {
		td := ptrace.NewTraces()
		fill(td)
		return []ptrace.Traces{td}
	}
}

// requestAndCall are of one thread; the call is certain.
func requestAndCall(td ptrace.Traces) {
	addSpan(td, 7, 1, true, nil)
	addSpan(td, 7, 2, false, nil)
	watermark(td, 7, 5*second)
}

// meeting is the two ends of a connection, the server's on another host, whose clock is ahead.
func meeting(number byte, ahead int64) ptrace.Traces {
	td := ptrace.NewTraces()
	for i, server := range []bool{false, true} {
		span := addSpan(td, int64(7+i), 2*number+byte(i), server, func(e *evidence.Exchange) {
			e.ConnID, e.Request.Seq, e.Request.Len = uint64(number), 1000*uint32(number), 10
			e.Request.IO, e.Response.IO = 2*uint32(number), 2*uint32(number)+1
			for _, m := range []*evidence.Message{&e.Request, &e.Response} {
				at := 2*second + int64(number)*second
				if m == &e.Response {
					at += second / 2
				}
				if server {
					at += ahead + 1000
				}
				m.Start, m.End = at, at
			}
		})
		ends := []string{"local", "peer"}
		if server {
			ends = []string{"peer", "local"}
		}
		span.Attributes().PutStr("network."+ends[0]+".address", "10.0.0.1")
		span.Attributes().PutInt("network."+ends[0]+".port", 40000)
		span.Attributes().PutStr("network."+ends[1]+".address", "10.0.0.2")
		span.Attributes().PutInt("network."+ends[1]+".port", 80)
	}
	td.ResourceSpans().At(1).Resource().Attributes().PutStr("host.id", "other")
	return td
}

// claimedTwice is a call with the context of a request, and then another request with the same.
func claimedTwice() []ptrace.Traces {
	first, second := ptrace.NewTraces(), ptrace.NewTraces()
	addSpan(first, 7, 1, true, func(e *evidence.Exchange) { carrying(e); apart(e) })
	addSpan(first, 7, 2, false, func(e *evidence.Exchange) { carrying(e); e.Request.TID, e.Response.TID = 101, 101 })
	addSpan(second, 7, 3, true, func(e *evidence.Exchange) { carrying(e); e.Request.TID, e.Response.TID = 102, 102 })
	return []ptrace.Traces{first, second}
}

// crowd is so many requests at a time, and a call that nothing tells of.
func crowd(requests int) func(td ptrace.Traces) {
	return func(td ptrace.Traces) {
		for i := range requests {
			addSpan(td, 7, byte(i+1), true, func(e *evidence.Exchange) {
				e.Request.TID, e.Response.TID = uint32(2*i+100), uint32(2*i+101)
			}).SetSpanID(pcommon.SpanID{1, byte(i), byte(i >> 8)})
		}
		addSpan(td, 7, 2, false, func(e *evidence.Exchange) { e.Request.TID, e.Response.TID = 10, 11 })
		watermark(td, 7, 5*second)
	}
}

// movers has traffic for every metric of metadata.yaml.
var movers = map[string]traffic{
	"application_spans": {batches: func() []ptrace.Traces {
		return []ptrace.Traces{kernel(1, carrying), sdk(ptrace.NewTraces(), 7, 2, 8, nil)}
	}},
	"clock_steps": {batches: func() []ptrace.Traces {
		return []ptrace.Traces{meeting(1, 0), meeting(2, 0), meeting(3, second/5)}
	}},
	"conflicts":     {batches: claimedTwice},
	"decided_spans": {batches: one(func(td ptrace.Traces) { addSpan(td, 7, 1, true, nil).Attributes().PutStr(evidence.KeyParent, "") })},
	"evictions":     {change: func(c *Config) { c.MaxSpans = 1 }, batches: one(crowd(3))},
	"failed_spans":  {batches: one(requestAndCall), refuse: true},
	"guard_rejections": {
		change: func(c *Config) { c.MaxChildren = 1 },
		batches: one(func(td ptrace.Traces) {
			addSpan(td, 7, 1, true, func(e *evidence.Exchange) { e.Response.IO = 6 })
			addSpan(td, 7, 2, false, nil)
			addSpan(td, 7, 3, false, func(e *evidence.Exchange) { e.Request.IO, e.Response.IO = 4, 5 })
		}),
	},
	"held_spans":   {batches: one(func(td ptrace.Traces) { addSpan(td, 7, 2, false, nil) })},
	"hidden_spans": {batches: one(func(td ptrace.Traces) { addSpan(td, 7, 1, true, func(e *evidence.Exchange) { e.Hidden = true }) })},
	"joins":        {batches: func() []ptrace.Traces { return []ptrace.Traces{meeting(1, 0)} }},
	"links":        {batches: one(requestAndCall)},
	"low_confidence": {
		change: func(c *Config) { c.MinConfidence = 1 },
		batches: one(func(td ptrace.Traces) {
			addSpan(td, 7, 2, false, nil)
			addSpan(td, 7, 1, true, func(e *evidence.Exchange) { e.Response.TID = 9 })
			watermark(td, 7, 5*second)
		}),
	},
	"orphans":         {batches: one(crowd(2))},
	"passed_spans":    {batches: one(func(td ptrace.Traces) { plain(td, 7, 1) })},
	"released_spans":  {batches: one(requestAndCall)},
	"released_traces": {batches: one(requestAndCall)},
	"restored_contexts": {batches: func() []ptrace.Traces {
		calls, spans := losing()
		return []ptrace.Traces{sdk(kernel(100, apart), 7, 50, 8, func(s ptrace.Span) { s.SetTraceID(pcommon.TraceID{7}) }), calls, spans}
	}},
	"revoked":         {batches: claimedTwice},
	"selfcheck_calls": {batches: func() []ptrace.Traces { return []ptrace.Traces{served(7, "shop")} }},
	"unidentified_spans": {batches: one(func(td ptrace.Traces) {
		addSpan(td, 7, 1, true, nil)
		td.ResourceSpans().At(0).Resource().Attributes().Remove("process.pid")
	})},
}

// counted lets the traffic come and returns how far a metric has moved.
func counted(t *testing.T, tr traffic, name string, attributes ...string) (moved int64) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, func(c *Config) {
			c.Workers = 1
			if tr.change != nil {
				tr.change(c)
			}
		})
		if tr.refuse {
			p.sink.refuse(errors.New("no"))
		}
		assert.Zero(t, p.count(name, attributes...))
		for _, td := range tr.batches() {
			p.send(td)
			time.Sleep(2 * tickInterval)
		}
		moved = p.count(name, attributes...) // a gauge goes back
		p.stop()
		moved = max(moved, p.count(name, attributes...))
	})
	return moved
}

func TestEveryMetricMoves(t *testing.T) {
	text, err := os.ReadFile("metadata.yaml")
	require.NoError(t, err)
	var described struct {
		Telemetry struct {
			Metrics map[string]any `yaml:"metrics"`
		} `yaml:"telemetry"`
		Attributes map[string]struct {
			Enum []string `yaml:"enum"`
		} `yaml:"attributes"`
	}
	require.NoError(t, yaml.Unmarshal(text, &described))
	require.NotEmpty(t, described.Telemetry.Metrics)
	for name := range described.Telemetry.Metrics {
		name = strings.TrimPrefix(name, "processor_stitch_")
		t.Run(name, func(t *testing.T) {
			require.Contains(t, movers, name, "no traffic is known that moves it")
			assert.Positive(t, counted(t, movers[name], name))
		})
	}
	assert.ElementsMatch(t, tableNames[:], described.Attributes["table"].Enum)
	assert.ElementsMatch(t, outcomeNames[:], described.Attributes["outcome"].Enum)
}

// A call that nothing tells of, among more requests than are looked at, costs no more than among
// few, and the metric says that this is why it has no parent.
func TestACallInACrowdIsGivenUp(t *testing.T) {
	for requests, crowded := range map[int]int64{2: 0, 64: 0, 65: 1, 2000: 1} {
		tr := traffic{batches: one(crowd(requests))}
		assert.EqualValues(t, 1, counted(t, tr, "orphans"), "%d requests", requests)
		assert.Equal(t, crowded, counted(t, tr, "orphans", "cause", "crowded"), "%d requests", requests)
	}
}
