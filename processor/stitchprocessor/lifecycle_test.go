package stitchprocessor

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/join"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/link"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/metadatatest"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/solve"
)

func TestWhatWasAcceptedIsDeliveredOnShutdown(t *testing.T) {
	for _, workers := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			p := start(t, func(c *Config) { c.Workers = workers })
			for pid := range int64(20) {
				td := ptrace.NewTraces()
				addSpan(td, pid+1, byte(2*pid+1), true, nil)
				addSpan(td, pid+1, byte(2*pid+2), false, nil)
				p.send(td)
			}
			p.stop()
			assert.Len(t, p.sink.spans(), 40)
			assert.EqualValues(t, 20, p.count("links", "method", "thread"), "and decided, as far as can be")
			assert.EqualValues(t, 40, p.count("released_spans", "reason", "shutdown"))
			err := p.ConsumeTraces(t.Context(), ptrace.NewTraces())
			require.ErrorIs(t, err, errStopped)
			require.NoError(t, p.Shutdown(t.Context()), "twice is harmless")
		})
	}
}

func TestBeforeStartNothingIsAccepted(t *testing.T) {
	s, err := newStitcher(metadatatest.NewSettings(componenttest.NewTelemetry()), defaults(), &sink{})
	require.NoError(t, err)
	require.ErrorIs(t, s.ConsumeTraces(t.Context(), ptrace.NewTraces()), errStopped)
	require.NoError(t, s.Shutdown(t.Context()))
}

func TestSpansThatAreRefusedOnReleaseAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, nil)
		p.sink.refuse(errors.New("down"))
		td := ptrace.NewTraces()
		addSpan(td, 7, 1, true, nil)
		p.send(td)
		time.Sleep(time.Second)
		assert.EqualValues(t, 1, p.count("failed_spans"))
		p.stop()
	})
}

func TestASlowConsumerHoldsBackTheSenderAndNothingIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, func(c *Config) { c.MaxSpans, c.Workers = 10, 1 })
		p.sink.block = make(chan struct{})
		sent, blocked := 0, false
		for i := 0; i < 3000 && !blocked; i++ {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			td := ptrace.NewTraces()
			span := addSpan(td, 7, 1, true, nil)
			span.SetSpanID(pcommon.SpanID{byte(i), byte(i >> 8), 1})
			if err := p.ConsumeTraces(ctx, td); err != nil {
				require.ErrorIs(t, err, context.DeadlineExceeded)
				blocked = true
			} else {
				sent++
			}
			cancel()
			time.Sleep(30 * time.Millisecond)
		}
		assert.True(t, blocked, "memory is bounded")
		close(p.sink.block)
		p.stop()
		assert.Len(t, p.sink.spans(), sent)
	})
}

func TestAConsumerThatHangsCannotHoldUpShutdownForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, nil)
		p.sink.block = make(chan struct{})
		td := ptrace.NewTraces()
		addSpan(td, 7, 1, true, nil)
		p.send(td)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, p.Shutdown(ctx), context.DeadlineExceeded)
		<-p.done
		assert.EqualValues(t, 1, p.count("failed_spans"))
	})
}

func TestMaxSpansIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, func(c *Config) { c.MaxSpans, c.Workers = 10, 1 })
		for i := range 100 {
			td := ptrace.NewTraces()
			addSpan(td, 7, 1, true, nil).SetSpanID(pcommon.SpanID{byte(i), byte(i >> 8), 1})
			p.send(td)
		}
		p.stop()
		assert.Len(t, p.sink.spans(), 100)
		assert.EqualValues(t, 90, p.count("released_spans", "reason", "full"))
		assert.EqualValues(t, 80, p.count("evictions", "table", "window"))
		assert.EqualValues(t, 80, p.count("evictions", "table", "remembered"))
	})
}

func TestMaxProcessesIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, func(c *Config) { c.MaxProcesses, c.Workers = 3, 1 })
		for pid := range int64(10) {
			td := ptrace.NewTraces()
			addSpan(td, pid+1, byte(pid+1), false, nil)
			p.send(td)
		}
		p.stop()
		assert.Len(t, p.sink.spans(), 10)
		assert.EqualValues(t, 7, p.count("evictions", "table", "processes"))
		assert.EqualValues(t, 7, p.count("orphans", "cause", "evicted"))
		assert.EqualValues(t, 3, p.count("orphans", "cause", "shutdown"))
	})
}

func TestTheBoundsOfATraceAreKept(t *testing.T) {
	for guard, change := range map[string]func(*Config){
		"size":   func(c *Config) { c.MaxSpansPerTrace = 2 },
		"depth":  func(c *Config) { c.MaxTraceDepth = 1 },
		"fanout": func(c *Config) { c.MaxChildren = 1 },
		"age":    func(c *Config) { c.MaxAge = 500 * time.Millisecond },
	} {
		synctest.Test(t, func(t *testing.T) {
			p := start(t, change)
			td := ptrace.NewTraces()
			addSpan(td, 7, 1, true, func(e *evidence.Exchange) { e.Response.IO = 6 })
			addSpan(td, 7, 2, false, nil)
			addSpan(td, 7, 3, false, func(e *evidence.Exchange) { e.Request.IO, e.Response.IO = 4, 5 })
			p.send(td)
			time.Sleep(time.Second)
			p.stop()
			assert.Len(t, p.sink.spans(), 3)
			assert.Positive(t, p.count("guard_rejections", "guard", guard), guard)
		})
	}
}

func TestEveryCountIsPublished(t *testing.T) {
	tel := componenttest.NewTelemetry()
	p := &plant{t: t, tel: tel}
	tm, err := newTelemetry(metadatatest.NewSettings(tel).TelemetrySettings, defaults())
	require.NoError(t, err)
	sh := newShard(defaults(), 1, nil)
	sh.counts = shardCounts{processes: 1, window: 2, Drops: link.Drops{
		Words: 3, Loops: 4, Endpoints: 23, Operations: 24, Queues: 25, Connections: 26, Threads: 27, Made: 28, Samples: 29, Awaited: 30,
	}}
	sh.solver.Overflow, sh.solver.Conflicts, sh.solver.Rejected[1] = 5, 6, 7
	tm.shard(sh)
	tm.shard(sh)
	a := newAssembly(defaults(), func(ptrace.Traces) {})
	a.Counts.Forgotten, a.Counts.Listeners, a.Counts.Hosts, a.Counts.Hidden, a.Counts.Joins[join.OneHost] = 8, 9, 10, 11, 12
	a.Counts.Rejected[1], a.counts.revoked = 13, 14
	a.Counts.Joins[join.TwoHosts], a.Counts.Joins[join.Translated] = 15, 16
	a.Counts.Callers, a.Counts.Clocks, a.Counts.Unmatched = 17, 18, 19
	a.Counts.Steps, a.Counts.Decided, a.Counts.Applications = 20, 21, 22
	for k := range a.counts.links {
		a.counts.links[k], a.counts.low[k] = 100+int(k), 200+int(k)
	}
	for c := range a.counts.orphans {
		a.counts.orphans[c] = 300 + c
	}
	for r := range a.Counts.Spans {
		a.Counts.Spans[r], a.Counts.Traces[r] = 400+r, 500+r
	}
	tm.assembly(a)
	tm.assembly(a)
	for table, want := range map[string]int64{
		"processes": 1, "window": 2, "futex_words": 3, "loops": 4, "claims": 5, "remembered": 8, "listeners": 9, "hosts": 10,
		"endpoints": 23, "operations": 24, "loop_queues": 25, "connections": 26, "threads": 27, "made": 28, "samples": 29, "awaited": 30,
		"callers": 17, "clocks": 18, "applications": 19,
	} {
		assert.Equal(t, want, p.count("evictions", "table", table), table)
	}
	assert.EqualValues(t, 6, p.count("conflicts"))
	assert.EqualValues(t, 7, p.count("guard_rejections", "guard", "before"))
	assert.EqualValues(t, 13, p.count("guard_rejections", "guard", "cycle"))
	assert.EqualValues(t, 11, p.count("hidden_spans"))
	for path, want := range map[string]int64{"host": 12, "hosts": 15, "translated": 16} {
		assert.Equal(t, want, p.count("joins", "path", path))
	}
	assert.EqualValues(t, 20, p.count("clock_steps"))
	assert.EqualValues(t, 21, p.count("decided_spans"))
	assert.EqualValues(t, 22, p.count("application_spans"))
	for k := range link.Kinds {
		method := link.Describe(k).Name
		assert.EqualValues(t, 100+int(k), p.count("links", "method", method), method)
		assert.EqualValues(t, 200+int(k), p.count("low_confidence", "method", method), method)
	}
	for c := range solve.Causes {
		assert.EqualValues(t, 300+int(c), p.count("orphans", "cause", c.String()), c)
	}
	for r := range join.Reasons {
		assert.EqualValues(t, 400+int(r), p.count("released_spans", "reason", r.String()), r)
		assert.EqualValues(t, 500+int(r), p.count("released_traces", "reason", r.String()), r)
	}
	assert.EqualValues(t, 14, p.count("revoked"))
	require.NoError(t, tel.Shutdown(t.Context()))
}

func TestAnIdleProcessIsForgotten(t *testing.T) {
	e := collect(defaults())
	td := ptrace.NewTraces()
	addSpan(td, 7, 1, true, nil)
	e.consume(td, 0)
	e.shard.forgetIdle(processIdle + 1)
	assert.Len(t, e.shard.processes, 1, "it has spans in the window")
	e.tick(20 * second)
	e.tick(processIdle - 1)
	assert.Len(t, e.shard.processes, 1)
	e.tick(processIdle + 1)
	assert.Empty(t, e.shard.processes)
}
