package tailhook

import (
	"context"
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/metadata"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/policy"
	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

func id(n int) (id pcommon.TraceID) {
	binary.BigEndian.PutUint64(id[:], uint64(n)*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

// spanOption changes one span of a test.
type spanOption func(ptrace.Span)

func failing(s ptrace.Span) { s.Status().SetCode(ptrace.StatusCodeError) }
func settled(s ptrace.Span) { s.Attributes().PutBool(evidence.KeySettled, true) }
func child(s ptrace.Span)   { s.SetParentSpanID(pcommon.SpanID{9}) }

func sized(n int) spanOption {
	return func(s ptrace.Span) { s.Attributes().PutStr("filler", string(make([]byte, n))) }
}

func lasting(d time.Duration) spanOption {
	return func(s ptrace.Span) {
		s.SetEndTimestamp(s.StartTimestamp() + pcommon.Timestamp(d))
	}
}

// spans makes a call with n spans of one trace.
func spans(trace, n int, opts ...spanOption) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "checkout")
	ss := rs.ScopeSpans().AppendEmpty()
	ss.Scope().SetName("test")
	for i := range n {
		s := ss.Spans().AppendEmpty()
		s.SetTraceID(id(trace))
		s.SetSpanID(pcommon.SpanID{byte(trace), byte(i), byte(i >> 8), 1})
		s.SetName("GET /")
		s.SetStartTimestamp(1_700_000_000_000_000_000)
		s.SetEndTimestamp(s.StartTimestamp() + 1_000_000)
		for _, o := range opts {
			o(s)
		}
	}
	return td
}

// sink is a next component.
type sink struct {
	mu     sync.Mutex
	got    map[pcommon.TraceID]int
	all    []ptrace.Traces
	calls  int
	answer func(ctx context.Context, call int, td ptrace.Traces) error // nil: take all
}

func (*sink) Capabilities() consumer.Capabilities { return consumer.Capabilities{MutatesData: true} }

func (s *sink) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	s.mu.Lock()
	s.calls++
	call, answer := s.calls, s.answer
	s.mu.Unlock()
	if answer != nil {
		if err := answer(ctx, call, td); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.got == nil {
		s.got = map[pcommon.TraceID]int{}
	}
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, sp := range ss.Spans().All() {
				s.got[sp.TraceID()]++
			}
		}
	}
	s.all = append(s.all, td)
	return nil
}

// of returns how many spans of a trace came.
func (s *sink) of(trace int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got[id(trace)]
}

func (s *sink) spans() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.got {
		n += c
	}
	return n
}

// one returns the only span of a trace.
func (s *sink) one(t *testing.T, trace int) ptrace.Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, td := range s.all {
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, sp := range ss.Spans().All() {
					if sp.TraceID() == id(trace) {
						return sp
					}
				}
			}
		}
	}
	require.Fail(t, "no such trace")
	return ptrace.NewSpan()
}

// rig is a hook in a test, with its metrics.
type rig struct {
	*hook
	t   *testing.T
	rig *componenttest.Telemetry
}

var errorsPolicy = policy.Config{
	Name: "errors", Type: policy.StatusCode, StatusCode: policy.StatusCodeConfig{StatusCodes: []string{"ERROR"}},
}

var everything = policy.Config{Name: "all", Type: policy.AlwaysSample}

func start(t *testing.T, next consumer.Traces, change func(*Config)) *rig {
	return startOn(t, componenttest.NewNopHost(), next, change)
}

func startOn(t *testing.T, host component.Host, next consumer.Traces, change func(*Config)) *rig {
	cfg := createDefaultConfig().(*Config)
	cfg.Policies = []policy.Config{errorsPolicy}
	cfg.DecisionWait = 10 * time.Second
	cfg.CompleteWait = 0
	cfg.NumShards = 2
	if change != nil {
		change(cfg)
	}
	require.NoError(t, cfg.Validate())
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { _ = tel.Shutdown(context.Background()) })
	set := connectortest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	c, err := createTracesToTraces(t.Context(), set, cfg, next)
	require.NoError(t, err)
	require.NoError(t, c.Start(t.Context(), host))
	return &rig{hook: c.(*hook), t: t, rig: tel}
}

func (r *rig) send(td ptrace.Traces) { require.NoError(r.t, r.ConsumeTraces(context.Background(), td)) }

// close shuts down. Nothing may be left behind.
func (r *rig) close() {
	require.NoError(r.t, r.Shutdown(context.Background()))
	assert.Zero(r.t, r.ledger.held.Load(), "memory is given back")
	assert.Zero(r.t, r.ledger.undelivered.Load())
	assert.Zero(r.t, r.ledger.traces.Load())
}

// count sums a counter over all attributes that contain the given ones, pairs of
// key and value.
func (r *rig) count(name string, attrs ...string) (n int64) {
	m, err := r.rig.GetMetric("otelcol_" + name)
	if err != nil {
		return 0 // nothing counted yet
	}
	for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
		match := true
		for i := 0; i < len(attrs); i += 2 {
			for _, kv := range p.Attributes.ToSlice() {
				if string(kv.Key) == attrs[i] && kv.Value.AsString() != attrs[i+1] {
					match = false
				}
			}
		}
		if match {
			n += p.Value
		}
	}
	return n
}

// twoPipelines makes a next component that feeds two pipelines.
func twoPipelines(main, archive consumer.Traces) connector.TracesRouterAndConsumer {
	return connector.NewTracesRouter(map[pipelineID]consumer.Traces{mainID: main, archiveID: archive})
}
