package kspan

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// Scope names the instrumentation scope of all spans.
type Scope struct{ Name, Version string }

// Group is what a batch says of one process.
type Group struct {
	Resource pcommon.Resource // copied
	// Watermark is the Unix time (ns) before which every server span of the process
	// has begun that was not delivered yet; zero says nothing.
	Watermark int64
	// Calls is the same of the client spans of all processes of this host.
	Calls int64
	Spans ptrace.SpanSlice // moved
}

// Append adds a group to traces: one resource with one scope.
func Append(traces ptrace.Traces, scope Scope, g *Group) {
	rs := traces.ResourceSpans().AppendEmpty()
	rs.SetSchemaUrl(semconv.SchemaURL)
	g.Resource.CopyTo(rs.Resource())
	ss := rs.ScopeSpans().AppendEmpty()
	ss.SetSchemaUrl(semconv.SchemaURL)
	ss.Scope().SetName(scope.Name)
	ss.Scope().SetVersion(scope.Version)
	if g.Watermark != 0 {
		ss.Scope().Attributes().PutInt(evidence.KeyWatermark, g.Watermark)
	}
	if g.Calls != 0 {
		ss.Scope().Attributes().PutInt(evidence.KeyCalls, g.Calls)
	}
	g.Spans.MoveAndAppendTo(ss.Spans())
}
