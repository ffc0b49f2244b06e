package tree_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/testbed/demo/tree"
)

type row struct {
	service, name string
	id, parent    byte
	kind          ptrace.SpanKind
	start, end    pcommon.Timestamp
	method        string
}

func traces(traceID byte, rows ...row) ptrace.Traces {
	td := ptrace.NewTraces()
	for _, r := range rows {
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", r.service)
		s := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		s.SetTraceID(pcommon.TraceID{traceID})
		s.SetSpanID(pcommon.SpanID{r.id})
		if r.parent != 0 {
			s.SetParentSpanID(pcommon.SpanID{r.parent})
		}
		s.SetName(r.name)
		s.SetKind(r.kind)
		s.SetStartTimestamp(r.start)
		s.SetEndTimestamp(r.end)
		if r.method != "" {
			s.Attributes().PutStr("stitch.method", r.method)
			s.Attributes().PutDouble("stitch.confidence", 0.995)
		}
	}
	return td
}

func TestATraceIsPrintedAsATree(t *testing.T) {
	td := traces(0xab,
		row{"shop", "GET", 1, 0, ptrace.SpanKindServer, 1000_000, 9000_000, ""},
		row{"shop", "GET", 2, 1, ptrace.SpanKindClient, 2000_000, 5000_000, "completion"},
		row{"db", "SELECT", 3, 2, ptrace.SpanKindServer, 3000_000, 4000_000, "tcp"},
		row{"shop", "INCR", 4, 1, ptrace.SpanKindClient, 6000_000, 7000_000, "thread"},
	)
	td.ResourceSpans().At(3).ScopeSpans().At(0).Spans().At(0).Status().SetCode(ptrace.StatusCodeError)
	td.ResourceSpans().At(2).ScopeSpans().At(0).Spans().At(0).Attributes().PutStr("db.query.text", "SELECT price FROM items WHERE id = ? AND another = ?")
	var b strings.Builder
	all := tree.Collect(td)
	require.Len(t, all, 1)
	require.NoError(t, tree.Print(&b, all[0]))
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	for i, want := range []string{
		"trace ab000000000000000000000000000000  4 spans, 2 services",
		"shop  server GET",
		"├─ shop  client GET",
		"│  └─ db  server SELECT  SELECT price FROM items WHERE id = ? AN…",
		"└─ shop  client INCR",
	} {
		assert.Contains(t, lines[i], want)
	}
	assert.Contains(t, lines[2], "3ms  by completion, 99.5 % sure")
	assert.Contains(t, lines[4], "FAILED")
}

func TestSpansWhoseParentIsMissingAreRoots(t *testing.T) {
	td := traces(1,
		row{"a", "x", 1, 9, ptrace.SpanKindServer, 1, 2, ""},
		row{"a", "y", 2, 2, ptrace.SpanKindServer, 3, 4, ""}, // its own parent
	)
	var b strings.Builder
	require.NoError(t, tree.Print(&b, tree.Collect(td)[0]))
	assert.Equal(t, 3, strings.Count(b.String(), "\n"))
}

func TestTracesAreOrderedByStart(t *testing.T) {
	td := traces(1, row{"a", "late", 1, 0, ptrace.SpanKindServer, 50, 60, ""})
	traces(2, row{"a", "early", 1, 0, ptrace.SpanKindServer, 10, 20, ""}).ResourceSpans().MoveAndAppendTo(td.ResourceSpans())
	all := tree.Collect(td)
	require.Len(t, all, 2)
	assert.Equal(t, "early", all[0].Spans[0].Name)
}
