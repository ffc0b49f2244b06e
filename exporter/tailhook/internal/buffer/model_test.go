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

// model is what a store should hold, in the plainest form.
type model struct {
	t    *testing.T
	r    *rand.Rand
	s    *Store
	b    *Batch
	held map[pcommon.TraceID]*Content
	want map[pcommon.TraceID]map[string]int
}

func newModel(t *testing.T, seed uint64) *model {
	return &model{
		t: t, r: rand.New(rand.NewPCG(seed, 99)), s: NewStore(), b: newBatch(1),
		held: map[pcommon.TraceID]*Content{}, want: map[pcommon.TraceID]map[string]int{},
	}
}

func (m *model) call() {
	td := randomTraces(m.r, m.r.IntN(4), m.r.IntN(3), m.r.IntN(12), 12)
	spanKeys(m.t, m.want, td)
	fill(m.t, m.b, td)
	hold(m.s, m.b, m.held)
}

func (m *model) any() (pcommon.TraceID, *Content) {
	for id, c := range m.held {
		return id, c
	}
	return pcommon.TraceID{}, nil
}

func (m *model) drop() {
	id, c := m.any()
	if c == nil {
		return
	}
	m.s.Drop(c)
	delete(m.held, id)
	delete(m.want, id)
}

func (m *model) look() {
	id, c := m.any()
	if c == nil {
		return
	}
	got := map[pcommon.TraceID]map[string]int{}
	spanKeys(m.t, got, decode(m.t, m.s.Assemble(nil, id, c)))
	require.Equal(m.t, map[pcommon.TraceID]map[string]int{id: m.want[id]}, got)
}

func (m *model) account() {
	chunks := 0
	for _, c := range m.held {
		chunks += int(c.chunks)
	}
	require.Equal(m.t, chunks, m.s.slab.used)
	require.Equal(m.t, chunks*chunkSize+m.s.heads.bytes, m.s.Bytes())
}

func TestAStoreDoesAsItsModel(t *testing.T) {
	for seed := range uint64(10) {
		m := newModel(t, seed)
		for range 150 {
			switch m.r.IntN(5) {
			case 0, 1:
				m.call()
			case 2:
				m.drop()
			default:
				m.look()
			}
			m.account()
		}
		for len(m.held) > 0 {
			m.look()
			m.drop()
		}
		assert.Zero(t, m.s.Bytes())
	}
}

// one makes a call of one span whose encoded size grows with n.
func one(n int) ptrace.Traces {
	td := ptrace.NewTraces()
	s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetTraceID(traceID(1))
	s.SetName(strings.Repeat("n", n))
	return td
}

func TestSpansMayEndAnywhereInAChunk(t *testing.T) {
	s := NewStore()
	b := newBatch(1)
	for n := 0; n < 3*chunkSize; n += 7 {
		var c Content
		for range 3 {
			fill(t, b, one(n))
			s.Begin(b)
			s.Append(&c, &b.Fragments()[0], 0)
			s.End()
		}
		td := decode(t, s.Assemble(nil, traceID(1), &c))
		require.Equal(t, 3, td.SpanCount(), "name of %d", n)
		for _, sp := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
			require.Len(t, sp.Name(), n)
			require.Equal(t, traceID(1), sp.TraceID())
		}
		s.Drop(&c)
		require.Zero(t, s.Bytes(), "name of %d", n)
	}
}

func TestASlabHandsOutEachChunkOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var s slab
	used := map[uint32]bool{}
	take := func() {
		c := s.alloc()
		require.False(t, used[c])
		require.Equal(t, none, s.next(c), "linked to nothing")
		used[c] = true
		s.chunk(c)[chunkSize-1] = byte(c)
	}
	for range 20_000 {
		if r.IntN(3) > 0 || len(used) == 0 {
			take()
			continue
		}
		for c := range used {
			require.Equal(t, byte(c), s.chunk(c)[chunkSize-1], "nobody else wrote there")
			s.release(c)
			delete(used, c)
			break
		}
	}
	require.Equal(t, len(used), s.used)
	for c := range used {
		s.release(c)
		delete(used, c)
	}
	assert.Zero(t, s.used)
	assert.LessOrEqual(t, len(s.open), sparePages)
	assert.Equal(t, len(s.pages), len(s.open)+len(s.closed))
	take()
}

func TestAClosedPageIsOpenedAgainForUse(t *testing.T) {
	var s slab
	fill := func() (all []uint32) {
		for range 10 * pageChunks {
			all = append(all, s.alloc())
		}
		return all
	}
	for range 3 {
		for _, c := range fill() {
			s.release(c)
		}
	}
	assert.Len(t, s.pages, 10)
	assert.Equal(t, sparePages, s.spare)
}

func FuzzIndex(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 5 {
		var m ptrace.ProtoMarshaler
		data, err := m.MarshalTraces(randomTraces(r, 2, 2, 3, 3))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBatch(1)
		b.reset()
		b.data = data
		if b.index(data) != nil {
			return
		}
		for _, s := range b.spans {
			require.LessOrEqual(t, s.from, s.to)
			require.LessOrEqual(t, int(s.to), len(data))
		}
		for _, h := range b.headRefs {
			require.LessOrEqual(t, h.from, h.to)
			require.LessOrEqual(t, int(h.to), len(b.heads))
		}
	})
}
