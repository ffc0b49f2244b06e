package stitchprocessor

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/join"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/link"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/metadata"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/solve"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/times"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// telemetry publishes the counts of the owners, a batch at a time. It may be used by
// all of them at once.
type telemetry struct {
	builder *metadata.TelemetryBuilder

	methods     [link.Kinds]metric.MeasurementOption
	byTimes     metric.MeasurementOption
	timesCauses [times.Causes]metric.MeasurementOption
	causes      [solve.Causes]metric.MeasurementOption
	claimGuards [solve.Guards]metric.MeasurementOption
	joinGuards  [join.Guards]metric.MeasurementOption
	reasons     [join.Reasons]metric.MeasurementOption
	paths       [join.Paths]metric.MeasurementOption
	tables      [tables]metric.MeasurementOption
	services    services
}

// table is a bounded table, as the metric of evictions names it.
type table uint8

const (
	tableProcesses table = iota
	tableWindow
	tableClaims
	tableFutexWords
	tableLoops
	tableLoopQueues
	tableEndpoints
	tableOperations
	tableConnections
	tableThreads
	tableMade
	tableSamples
	tableAwaited
	tableRemembered
	tableListeners
	tableHosts
	tableCallers
	tableClocks
	tableApplications
	tableAliases
	tableTimesSpans
	tableTimesRequests
	tableTimesServices
	tableSelfCheckServices
	tables
)

var tableNames = [tables]string{
	"processes", "window", "claims", "futex_words", "loops", "loop_queues", "endpoints", "operations", "connections",
	"threads", "made", "samples", "awaited", "remembered", "listeners", "hosts", "callers", "clocks", "applications", "aliases",
	"times_spans", "times_requests", "times_services", "self_check_services",
}

func newTelemetry(set component.TelemetrySettings, c *Config) (*telemetry, error) {
	b, err := metadata.NewTelemetryBuilder(set)
	if err != nil {
		return nil, err
	}
	t := &telemetry{builder: b, services: services{limit: c.SelfCheck.MaxServices, known: map[string]outcomeOptions{}}}
	for k := range t.methods {
		t.methods[k] = option("method", link.Describe(window.Kind(k)).Name)
	}
	t.byTimes = option("method", methodTimes)
	for c := range t.timesCauses {
		t.timesCauses[c] = option("cause", times.Cause(c).String())
	}
	for c := range t.causes {
		t.causes[c] = option("cause", solve.Cause(c).String())
	}
	for g := range t.claimGuards {
		t.claimGuards[g] = option("guard", solve.Guard(g).String())
	}
	for g := range t.joinGuards {
		t.joinGuards[g] = option("guard", join.Guard(g).String())
	}
	for r := range t.reasons {
		t.reasons[r] = option("reason", join.Reason(r).String())
	}
	for p := range t.paths {
		t.paths[p] = option("path", join.Path(p).String())
	}
	for i, name := range tableNames {
		t.tables[i] = option("table", name)
	}
	return t, nil
}

func option(key, value string) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(attribute.String(key, value)))
}

func add(c metric.Int64Counter, n int, options ...metric.AddOption) {
	if n > 0 {
		c.Add(context.Background(), int64(n), options...)
	}
}

func (t *telemetry) arrived(ctx context.Context, passed, unidentified int) {
	if passed > 0 {
		t.builder.ProcessorStitchPassedSpans.Add(ctx, int64(passed))
	}
	if unidentified > 0 {
		t.builder.ProcessorStitchUnidentifiedSpans.Add(ctx, int64(unidentified))
	}
}

func (t *telemetry) failed(ctx context.Context, n int) {
	t.builder.ProcessorStitchFailedSpans.Add(ctx, int64(n))
}

// shard publishes what a shard has counted, and resets it.
func (t *telemetry) shard(s *shard) {
	c, v := s.counts, s.solver
	s.counts = shardCounts{}
	evictions := t.builder.ProcessorStitchEvictions
	add(evictions, c.processes, t.tables[tableProcesses])
	add(evictions, c.window, t.tables[tableWindow])
	t.drops(&c.Drops)
	add(evictions, v.Overflow, t.tables[tableClaims])
	add(t.builder.ProcessorStitchConflicts, v.Conflicts)
	for g, n := range v.Rejected {
		add(t.builder.ProcessorStitchGuardRejections, n, t.claimGuards[g])
	}
	t.selfCheck(s)
	v.Overflow, v.Conflicts, v.Rejected = 0, 0, [solve.Guards]int{}
}

// drops publishes what the linkers had no room for.
func (t *telemetry) drops(d *link.Drops) {
	evictions := t.builder.ProcessorStitchEvictions
	add(evictions, d.Words, t.tables[tableFutexWords])
	add(evictions, d.Loops, t.tables[tableLoops])
	add(evictions, d.Queues, t.tables[tableLoopQueues])
	add(evictions, d.Endpoints, t.tables[tableEndpoints])
	add(evictions, d.Operations, t.tables[tableOperations])
	add(evictions, d.Connections, t.tables[tableConnections])
	add(evictions, d.Threads, t.tables[tableThreads])
	add(evictions, d.Made, t.tables[tableMade])
	add(evictions, d.Samples, t.tables[tableSamples])
	add(evictions, d.Awaited, t.tables[tableAwaited])
}

// timesBusy counts calls that passed because whoever links by times was busy.
func (t *telemetry) timesBusy(n int) {
	add(t.builder.ProcessorStitchEvictions, n, t.tables[tableTimesSpans])
}

// times publishes what was linked by times.
func (t *telemetry) times(c timesCounts, evicted int) {
	b := t.builder
	add(b.ProcessorStitchLinks, c.links, t.byTimes)
	add(b.ProcessorStitchLowConfidence, c.low, t.byTimes)
	add(b.ProcessorStitchOrphans, c.low, t.causes[solve.Weak])
	add(b.ProcessorStitchOrphans, c.deadline, t.causes[solve.Deadline])
	for cause, n := range c.causes {
		add(b.ProcessorStitchOrphans, n, t.timesCauses[cause])
	}
	add(b.ProcessorStitchEvictions, c.full, t.tables[tableTimesSpans])
	add(b.ProcessorStitchEvictions, c.requests, t.tables[tableTimesRequests])
	add(b.ProcessorStitchEvictions, c.services+evicted, t.tables[tableTimesServices])
}

// assembly publishes what the assembler has counted, and resets it.
func (t *telemetry) assembly(a *assembly) {
	mine, its := a.reset()
	b := t.builder
	for k := range mine.links {
		add(b.ProcessorStitchLinks, mine.links[k], t.methods[k])
		add(b.ProcessorStitchLowConfidence, mine.low[k], t.methods[k])
	}
	for c, n := range mine.orphans {
		add(b.ProcessorStitchOrphans, n, t.causes[c])
	}
	add(b.ProcessorStitchRevoked, mine.revoked)
	for p, n := range its.Joins {
		add(b.ProcessorStitchJoins, n, t.paths[p])
	}
	add(b.ProcessorStitchApplicationSpans, its.Applications)
	add(b.ProcessorStitchRestoredContexts, its.Restored)
	add(b.ProcessorStitchEvictions, its.Unmatched, t.tables[tableApplications])
	add(b.ProcessorStitchEvictions, its.Aliases, t.tables[tableAliases])
	add(b.ProcessorStitchDecidedSpans, its.Decided)
	add(b.ProcessorStitchClockSteps, its.Steps)
	for g, n := range its.Rejected {
		add(b.ProcessorStitchGuardRejections, n, t.joinGuards[g])
	}
	for r := range its.Spans {
		add(b.ProcessorStitchReleasedSpans, its.Spans[r], t.reasons[r])
		add(b.ProcessorStitchReleasedTraces, its.Traces[r], t.reasons[r])
	}
	add(b.ProcessorStitchHiddenSpans, its.Hidden)
	add(b.ProcessorStitchEvictions, its.Forgotten, t.tables[tableRemembered])
	add(b.ProcessorStitchEvictions, its.Listeners, t.tables[tableListeners])
	add(b.ProcessorStitchEvictions, its.Hosts, t.tables[tableHosts])
	add(b.ProcessorStitchEvictions, its.Callers, t.tables[tableCallers])
	add(b.ProcessorStitchEvictions, its.Clocks, t.tables[tableClocks])
	b.ProcessorStitchHeldSpans.Record(context.Background(), int64(a.Held()))
}
