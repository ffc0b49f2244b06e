package buffer

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

func traceID(n int) pcommon.TraceID {
	return pcommon.TraceID{1, 2, 3, 4, 5, 6, 7, 8, 9, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n), 0, 1, 2}
}

// randomTraces makes a call with every field of the messages in use.
func randomTraces(r *rand.Rand, resources, scopes, spans, traces int) ptrace.Traces {
	td := ptrace.NewTraces()
	for i := range resources {
		rs := td.ResourceSpans().AppendEmpty()
		rs.SetSchemaUrl("https://opentelemetry.io/schemas/1.40.0")
		rs.Resource().Attributes().PutStr("service.name", fmt.Sprintf("service-%d", i))
		for j := range scopes {
			ss := rs.ScopeSpans().AppendEmpty()
			ss.Scope().SetName(fmt.Sprintf("scope-%d", j))
			ss.SetSchemaUrl("https://opentelemetry.io/schemas/1.41.0")
			for range spans {
				fillSpan(r, ss.Spans().AppendEmpty(), r.IntN(traces))
			}
		}
	}
	return td
}

func fillSpan(r *rand.Rand, s ptrace.Span, trace int) {
	s.SetTraceID(traceID(trace))
	s.SetSpanID(pcommon.SpanID{byte(r.Uint32()), 2, byte(r.Uint32())})
	if r.IntN(3) > 0 {
		s.SetParentSpanID(pcommon.SpanID{byte(r.Uint32()), 9})
	}
	s.SetName("GET /" + fmt.Sprint(r.IntN(100)))
	s.SetKind(ptrace.SpanKind(r.IntN(6)))
	s.SetFlags(r.Uint32() & 0x3ff)
	s.TraceState().FromRaw("ot=th:8")
	start := r.Uint64() >> 2
	s.SetStartTimestamp(pcommon.Timestamp(start))
	s.SetEndTimestamp(pcommon.Timestamp(start + uint64(r.IntN(1e9))))
	for k := range r.IntN(8) {
		s.Attributes().PutStr(fmt.Sprintf("key.%d", k), fmt.Sprint(r.Uint64()))
	}
	s.Attributes().PutEmptySlice("list").AppendEmpty().SetDouble(r.Float64())
	e := s.Events().AppendEmpty()
	e.SetName("event")
	e.Attributes().PutInt("n", r.Int64())
	s.Links().AppendEmpty().SetTraceID(traceID(trace + 1))
	s.SetDroppedAttributesCount(r.Uint32N(3))
	s.Status().SetCode(ptrace.StatusCode(r.IntN(3)))
	s.Status().SetMessage("because")
}

func newBatch(shards int) *Batch { return NewBatch(shards, maphash.MakeSeed(), nil) }

// fill encodes td and puts every span into its fragment.
func fill(t testing.TB, b *Batch, td ptrace.Traces) {
	require.NoError(t, b.Encode(td))
	require.Equal(t, td.SpanCount(), b.Len())
	i := 0
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				b.Add(i, s)
				i++
			}
		}
	}
}

// hold puts the whole batch into the store, adding to held.
func hold(s *Store, b *Batch, held map[pcommon.TraceID]*Content) {
	s.Begin(b)
	for i := range b.Fragments() {
		f := &b.Fragments()[i]
		if held[f.ID] == nil {
			held[f.ID] = &Content{}
		}
		s.Append(held[f.ID], f, 0)
	}
	s.End()
}

// spanKey is one span with everything above it, as bytes that can be compared.
func spanKey(t testing.TB, rs ptrace.ResourceSpans, ss ptrace.ScopeSpans, s ptrace.Span) string {
	one := ptrace.NewTraces()
	r := one.ResourceSpans().AppendEmpty()
	rs.Resource().CopyTo(r.Resource())
	r.SetSchemaUrl(rs.SchemaUrl())
	sc := r.ScopeSpans().AppendEmpty()
	ss.Scope().CopyTo(sc.Scope())
	sc.SetSchemaUrl(ss.SchemaUrl())
	s.CopyTo(sc.Spans().AppendEmpty())
	var m ptrace.ProtoMarshaler
	data, err := m.MarshalTraces(one)
	require.NoError(t, err)
	return string(data)
}

// spanKeys counts the spans of td by content, per trace.
func spanKeys(t testing.TB, into map[pcommon.TraceID]map[string]int, td ptrace.Traces) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				if into[s.TraceID()] == nil {
					into[s.TraceID()] = map[string]int{}
				}
				into[s.TraceID()][spanKey(t, rs, ss, s)]++
			}
		}
	}
}

func decode(t testing.TB, data []byte) ptrace.Traces {
	var u ptrace.ProtoUnmarshaler
	td, err := u.UnmarshalTraces(data)
	require.NoError(t, err)
	return td
}
