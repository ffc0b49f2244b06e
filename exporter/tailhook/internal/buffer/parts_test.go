package buffer

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

func TestPartsAreTheWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	s, held := NewStore(), map[pcommon.TraceID]*Content{}
	b := newBatch(1)
	for range 10 {
		fill(t, b, randomTraces(r, 1+r.IntN(3), 1+r.IntN(3), r.IntN(20), 7))
		hold(s, b, held)
	}
	var parts Parts
	for id, c := range held {
		data := s.Assemble(nil, id, c)
		require.NoError(t, parts.Split(data))
		spans := decode(t, parts.Spans)
		whole := ptrace.NewTraces()
		for i, rs := range spans.ResourceSpans().All() {
			assert.Zero(t, rs.Resource().Attributes().Len())
			require.Equal(t, 1, rs.ScopeSpans().Len())
			head := decode(t, parts.Head(i))
			assert.Zero(t, head.SpanCount())
			rs.ScopeSpans().At(0).Spans().MoveAndAppendTo(head.ResourceSpans().At(0).ScopeSpans().At(0).Spans())
			head.ResourceSpans().MoveAndAppendTo(whole.ResourceSpans())
		}
		want, got := map[pcommon.TraceID]map[string]int{}, map[pcommon.TraceID]map[string]int{}
		spanKeys(t, want, decode(t, data))
		spanKeys(t, got, whole)
		assert.Equal(t, want, got)
	}
}

func TestWhatIsNoTraceCannotBeTakenApart(t *testing.T) {
	var p Parts
	for name, data := range map[string][]byte{
		"a tag without a body":           {0x0a},
		"an unknown top-level field":     {0x12, 0x00},
		"a broken resource":              {0x0a, 0x02, 0x0a, 0x05},
		"a broken scope":                 {0x0a, 0x04, 0x12, 0x02, 0x0a, 0x05},
		"a scope that ends in its field": {0x0a, 0x03, 0x12, 0x05, 0x00},
	} {
		assert.ErrorIs(t, p.Split(data), errMalformed, name)
	}
	assert.NoError(t, p.Split(nil))
	assert.Empty(t, p.Spans)
}
