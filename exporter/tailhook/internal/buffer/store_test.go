package buffer

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

func TestWhatGoesInComesOutOfEveryTrace(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	s, held := NewStore(), map[pcommon.TraceID]*Content{}
	want := map[pcommon.TraceID]map[string]int{}
	b := newBatch(3)
	for range 20 {
		td := randomTraces(r, 1+r.IntN(3), 1+r.IntN(3), r.IntN(20), 7)
		spanKeys(t, want, td)
		fill(t, b, td)
		hold(s, b, held)
	}
	got := map[pcommon.TraceID]map[string]int{}
	for id, c := range held {
		spanKeys(t, got, decode(t, s.Assemble(nil, id, c)))
	}
	assert.Equal(t, want, got)
}

func TestAssembleBringsAResourceTogether(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	s, held := NewStore(), map[pcommon.TraceID]*Content{}
	b := newBatch(1)
	for range 5 {
		fill(t, b, randomTraces(r, 2, 2, 3, 1))
		hold(s, b, held)
	}
	td := decode(t, s.Assemble(nil, traceID(0), held[traceID(0)]))
	assert.Equal(t, 2, td.ResourceSpans().Len())
	for _, rs := range td.ResourceSpans().All() {
		assert.Equal(t, 2, rs.ScopeSpans().Len())
	}
	assert.Equal(t, 60, td.SpanCount())
}

func TestAssembleAppends(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	s, held := NewStore(), map[pcommon.TraceID]*Content{}
	b := newBatch(1)
	fill(t, b, randomTraces(r, 1, 1, 40, 2))
	hold(s, b, held)
	data := s.Assemble(nil, traceID(0), held[traceID(0)])
	data = s.Assemble(data, traceID(1), held[traceID(1)])
	assert.Equal(t, 40, decode(t, data).SpanCount())
}

func TestDroppingEverythingGivesAllMemoryBack(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	s, held := NewStore(), map[pcommon.TraceID]*Content{}
	b := newBatch(1)
	for range 50 {
		fill(t, b, randomTraces(r, 3, 2, 50, 500))
		hold(s, b, held)
	}
	require.Positive(t, s.Bytes())
	sum := 0
	for _, c := range held {
		sum += c.Bytes()
	}
	assert.Equal(t, sum+s.heads.bytes, s.Bytes(), "contents account for what the store holds")
	for _, c := range held {
		s.Drop(c)
		assert.True(t, c.Empty())
	}
	assert.Zero(t, s.Bytes())
	assert.Empty(t, s.heads.byHash)
	kept := 0
	for _, p := range s.slab.pages {
		if p.mem != nil {
			kept++
		}
	}
	assert.LessOrEqual(t, kept, sparePages)
}

func TestMemoryIsUsedAgain(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	s := NewStore()
	b := newBatch(1)
	for range 200 {
		held := map[pcommon.TraceID]*Content{}
		fill(t, b, randomTraces(r, 2, 1, 200, 100))
		hold(s, b, held)
		for _, c := range held {
			s.Drop(c)
		}
	}
	assert.LessOrEqual(t, len(s.slab.pages), 2)
	assert.LessOrEqual(t, len(s.heads.entries), 4)
}

func TestDroppingNothingIsFine(t *testing.T) {
	s := NewStore()
	var c Content
	s.Drop(&c)
	assert.True(t, c.Empty())
	assert.Empty(t, s.Assemble(nil, traceID(1), &c))
}

func TestHeadsWithOneHashStayApart(t *testing.T) {
	h := newHeads()
	a, b, c := h.intern(1, []byte("a")), h.intern(1, []byte("b")), h.intern(1, []byte("c"))
	for _, id := range []uint32{a, b, c} {
		h.retain(id)
	}
	assert.Equal(t, b, h.intern(1, []byte("b")))
	h.release(b)
	assert.Equal(t, a, h.intern(1, []byte("a")))
	h.release(c)
	assert.Equal(t, a, h.intern(1, []byte("a")))
	h.release(a)
	assert.Empty(t, h.byHash)
	assert.Zero(t, h.bytes)
}

func TestAGiantTraceIsWholeAndLeavesNoScratchBehind(t *testing.T) {
	s := NewStore()
	td := ptrace.NewTraces()
	ss := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
	for range 300 {
		sp := ss.Spans().AppendEmpty()
		sp.SetTraceID(traceID(1))
		sp.SetName(strings.Repeat("x", 10_000))
	}
	b := newBatch(1)
	fill(t, b, td)
	held := map[pcommon.TraceID]*Content{}
	hold(s, b, held)
	assert.Equal(t, 300, decode(t, s.Assemble(nil, traceID(1), held[traceID(1)])).SpanCount())
	assert.LessOrEqual(t, cap(s.scratch), maxScratch)
}

func TestManyResourcesOfOneTraceAllComeOut(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	s, held := NewStore(), map[pcommon.TraceID]*Content{}
	want := map[pcommon.TraceID]map[string]int{}
	b := newBatch(1)
	for range 2 {
		td := randomTraces(r, 3*maxSearch, 1, 1, 1)
		spanKeys(t, want, td)
		fill(t, b, td)
		hold(s, b, held)
	}
	got := map[pcommon.TraceID]map[string]int{}
	spanKeys(t, got, decode(t, s.Assemble(nil, traceID(0), held[traceID(0)])))
	assert.Equal(t, want, got)
}

func TestAppendTellsTheSizeOfWhatEachCallBrought(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	s := NewStore()
	b := newBatch(1)
	for range 20 {
		td := randomTraces(r, 3, 2, 4, 1)
		fill(t, b, td)
		s.Begin(b)
		var c Content
		var m ptrace.ProtoMarshaler
		assert.Equal(t, m.TracesSize(td), s.Append(&c, &b.Fragments()[0], 0).Wire)
		s.End()
	}
}

func TestATraceGrowsOnlyUpToItsRoom(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	const room = 3000
	s := NewStore()
	b := newBatch(1)
	var c Content
	kept, omitted, wire := 0, 0, 0
	for range 10 {
		td := randomTraces(r, 1, 2, 5, 1)
		fill(t, b, td)
		s.Begin(b)
		a := s.Append(&c, &b.Fragments()[0], room)
		s.End()
		kept += td.SpanCount() - a.Omitted
		omitted += a.Omitted
		wire += a.Wire
		assert.LessOrEqual(t, c.length, uint64(room))
		if a.Omitted > 0 {
			assert.Positive(t, a.OmittedBytes)
		}
	}
	assert.Positive(t, omitted)
	assert.Greater(t, wire, 2*room, "what is not kept counts")
	assert.Equal(t, kept, decode(t, s.Assemble(nil, traceID(0), &c)).SpanCount())
	s.Drop(&c)
	assert.Zero(t, s.Bytes())
}

func TestATraceMayGoWhileItsCallIsStillTakenIn(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	s := NewStore()
	b := newBatch(1)
	for range 10 {
		td := randomTraces(r, 2, 2, 30, 50)
		want, got := map[pcommon.TraceID]map[string]int{}, map[pcommon.TraceID]map[string]int{}
		spanKeys(t, want, td)
		fill(t, b, td)
		s.Begin(b)
		for i := range b.Fragments() {
			var c Content
			f := &b.Fragments()[i]
			s.Append(&c, f, 0)
			spanKeys(t, got, decode(t, s.Assemble(nil, f.ID, &c)))
			s.Drop(&c)
		}
		s.End()
		assert.Equal(t, want, got)
		assert.Zero(t, s.Bytes())
		assert.Empty(t, s.heads.byHash)
	}
}
