package buffer

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"google.golang.org/protobuf/encoding/protowire"
)

func TestFragmentsFollowTheOrderOfFirstSpans(t *testing.T) {
	td := ptrace.NewTraces()
	ss := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
	for i, n := range []int{5, 3, 5, 9, 3} {
		sp := ss.Spans().AppendEmpty()
		sp.SetTraceID(traceID(n))
		sp.SetStartTimestamp(pcommon.Timestamp(100 + i))
		sp.SetEndTimestamp(pcommon.Timestamp(200 + i))
	}
	b := newBatch(1)
	fill(t, b, td)
	require.Len(t, b.Fragments(), 3)
	var times []uint64
	f := &b.Fragments()[1]
	assert.Equal(t, traceID(3), f.ID)
	assert.Equal(t, 2, f.Spans)
	b.Times(f, func(start, end uint64) { times = append(times, start, end) })
	assert.Equal(t, []uint64{101, 201, 104, 204}, times)
}

func TestAddSaysWhetherTheTraceIsNew(t *testing.T) {
	td := ptrace.NewTraces()
	ss := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
	for _, n := range []int{1, 1, 2, 1} {
		ss.Spans().AppendEmpty().SetTraceID(traceID(n))
	}
	b := newBatch(1)
	require.NoError(t, b.Encode(td))
	var fresh []bool
	for i, s := range ss.Spans().All() {
		_, f := b.Add(i, s)
		fresh = append(fresh, f)
	}
	assert.Equal(t, []bool{true, false, true, false}, fresh)
}

func TestABatchForgetsThePreviousCall(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	b := newBatch(2)
	fill(t, b, randomTraces(r, 2, 2, 20, 9))
	fill(t, b, randomTraces(r, 1, 1, 1, 1))
	assert.Len(t, b.Fragments(), 1)
	assert.Equal(t, 1, b.Len())
}

func TestTheLastReaderGivesTheBatchBack(t *testing.T) {
	var back []*Batch
	b := newBatch(3)
	b.done = func(b *Batch) { back = append(back, b) }
	b.Share(3)
	b.Release()
	b.Release()
	assert.Empty(t, back)
	b.Release()
	assert.Equal(t, []*Batch{b}, back)
}

func TestTheEncoderEndsASpanWithItsTraceID(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 3))
	b := newBatch(1)
	fill(t, b, randomTraces(r, 1, 1, 10, 1))
	f := &b.Fragments()[0]
	for i := range b.spans {
		msg := b.data[b.spans[i].from:b.spans[i].to]
		assert.Len(t, withoutTraceID(msg, f), len(msg)-traceIDField)
	}
}

func TestASpanFromAnotherEncoderIsKeptAsItIs(t *testing.T) {
	f := &Fragment{ID: traceID(1)}
	msg := append([]byte{tagTraceID, 16}, f.ID[:]...)
	msg = protowire.AppendTag(msg, 5, protowire.BytesType)
	msg = protowire.AppendString(msg, "GET /")
	assert.Equal(t, msg, withoutTraceID(msg, f))
	assert.Empty(t, withoutTraceID(nil, f))
}

func TestBrokenMessagesAreErrors(t *testing.T) {
	for name, data := range map[string][]byte{
		"a tag without a body":        {0x0a},
		"a length beyond the end":     {0x0a, 0x05, 0x00},
		"an unknown top-level field":  {0x12, 0x00},
		"a broken resource":           {0x0a, 0x02, 0x0a, 0x05},
		"a broken scope":              {0x0a, 0x04, 0x12, 0x02, 0x0a, 0x05},
		"a varint that does not stop": {0x0a, 0x02, 0x08, 0xff},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBatch(1)
			b.data = data
			assert.ErrorIs(t, b.index(data), errMalformed)
		})
	}
}

func TestShardsShareTracesEvenlyWhateverTheIDsLookLike(t *testing.T) {
	for name, id := range map[string]func(n int) pcommon.TraceID{
		"random": func(int) pcommon.TraceID {
			var id pcommon.TraceID
			for i := range id {
				id[i] = byte(rand.Uint32())
			}
			return id
		},
		"64 bits, padded": func(n int) pcommon.TraceID { return pcommon.TraceID{14: byte(n >> 8), 15: byte(n)} },
		"counting left":   func(n int) pcommon.TraceID { return pcommon.TraceID{0: byte(n), 1: byte(n >> 8)} },
	} {
		t.Run(name, func(t *testing.T) {
			var count [4]int
			for n := range 4000 {
				count[ShardOf(id(n), 4)]++
			}
			for _, c := range count {
				assert.InDelta(t, 1000, c, 200)
			}
		})
	}
}
