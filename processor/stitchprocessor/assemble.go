package stitchprocessor

import (
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/join"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/link"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/solve"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// batchSize is after how many spans released traces are handed on. A trace is never
// cut: one that is larger makes a larger batch.
const batchSize = 2000

// assembly carries out what the shards say. It has one owner and reads no clock.
type assembly struct {
	*join.Assembler
	counts assemblyCounts
}

// assemblyCounts is what happened since it was read last.
type assemblyCounts struct {
	links, low [link.Kinds]int
	orphans    [solve.Causes]int
	revoked    int
}

func newAssembly(c *Config, emit func(ptrace.Traces)) *assembly {
	return &assembly{Assembler: join.New(join.Config{
		MaxWait:     c.MaxWait.Nanoseconds(),
		SettleDelay: c.SettleDelay.Nanoseconds(),
		PeerWait:    c.PeerWait.Nanoseconds(),
		MaxSpans:    c.MaxSpans,

		ApplicationWait: c.ApplicationWait.Nanoseconds(),
		MaxTrace:        c.MaxSpansPerTrace,
		MaxDepth:        c.MaxTraceDepth,
		BatchSize:       batchSize,
		Apart:           c.disables(join.MethodTCP),
		Exact:           c.disables(join.MethodNAT),
		Fragments:       c.Fragments,
		Detached:        detachedMethods(),
	}, emit)}
}

// detachedMethods are those of evidence that work was handed over before the reply.
func detachedMethods() map[string]bool {
	out := map[string]bool{}
	for k := range link.Kinds {
		if d := link.Describe(window.Kind(k)); d.Detached {
			out[d.Name] = true
		}
	}
	return out
}

func (a *assembly) consume(messages []message, now int64) {
	for i := range messages {
		m := &messages[i]
		switch m.action {
		case actAdd:
			a.Add(m.span, now)
		case actLinked:
			a.linked(m)
		case actLow:
			a.counts.low[m.kind]++
			a.counts.orphans[m.cause]++
			a.Low(m.span, m.parent, link.Describe(m.kind).Name, m.confidence)
		case actAlone:
			a.counts.orphans[m.cause]++
			a.Alone(m.span)
		case actRevoked:
			a.counts.revoked++
			a.counts.orphans[m.cause]++
			a.Revoked(m.span)
		case actQuiet:
			a.Quiet(m.span)
		case actWatermark:
			a.Watermark(m.process, m.time, now)
		case actCalls:
			a.Calls(m.process, m.time, now)
		}
	}
}

func (a *assembly) linked(m *message) {
	a.counts.links[m.kind]++
	d, basis := link.Describe(m.kind), join.Witnessed
	switch {
	case m.kind == link.Context:
		basis = join.Named
	case d.Class == link.Pattern || d.Class == link.Time:
		basis = join.Inferred
	}
	a.Linked(m.span, m.parent, d.Name, m.confidence, basis)
}

// reset returns the counts and starts anew.
func (a *assembly) reset() (assemblyCounts, join.Counts) {
	mine, its := a.counts, a.Counts
	a.counts, a.Counts = assemblyCounts{}, join.Counts{}
	return mine, its
}
