package tailhook

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

func parcelOf(t testing.TB, td ptrace.Traces) *parcel {
	var m ptrace.ProtoMarshaler
	data, err := m.MarshalTraces(td)
	require.NoError(t, err)
	return &parcel{data: data, spans: int64(td.SpanCount())}
}

func TestTracesOfOneResourceGoOutUnderOne(t *testing.T) {
	m := newMixer()
	for n := range 10 {
		require.NoError(t, m.add(parcelOf(t, spans(n, 2))))
	}
	other := spans(10, 1)
	other.ResourceSpans().At(0).Resource().Attributes().PutStr("service.name", "other")
	require.NoError(t, m.add(parcelOf(t, other)))
	scoped := spans(11, 1)
	scoped.ResourceSpans().At(0).ScopeSpans().At(0).Scope().SetVersion("2")
	require.NoError(t, m.add(parcelOf(t, scoped)))
	want := []int{20, 1, 1}
	require.Equal(t, len(want), m.td.ResourceSpans().Len())
	for i, rs := range m.td.ResourceSpans().All() {
		assert.Equal(t, want[i], rs.ScopeSpans().At(0).Spans().Len())
	}
	first := m.td.ResourceSpans().At(0)
	name, _ := first.Resource().Attributes().Get("service.name")
	assert.Equal(t, "checkout", name.Str())
	assert.Equal(t, "test", first.ScopeSpans().At(0).Scope().Name())
	assert.Equal(t, id(9), first.ScopeSpans().At(0).Spans().At(19).TraceID())
}

func TestOnlyTheTraceThatLacksSomethingIsMarked(t *testing.T) {
	m := newMixer()
	require.NoError(t, m.add(parcelOf(t, spans(1, 1))))
	p := parcelOf(t, spans(2, 1))
	p.omitted = omitted{spans: 3, bytes: 300}
	require.NoError(t, m.add(p))
	all := m.td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	_, marked := all.At(0).Attributes().Get(attrOmittedSpans)
	assert.False(t, marked)
	n, _ := all.At(1).Attributes().Get(attrOmittedSpans)
	assert.EqualValues(t, 3, n.Int())
}

func TestNothingOfABrokenParcelGoesOut(t *testing.T) {
	m := newMixer()
	require.NoError(t, m.add(parcelOf(t, spans(1, 1))))
	whole := parcelOf(t, spans(2, 5))
	assert.Error(t, m.add(&parcel{data: whole.data[:len(whole.data)-1]}))
	assert.Error(t, m.add(&parcel{data: []byte{0x0a, 0x06, 0x12, 0x04, 0x12, 0x02, 0x0a, 0x05}}), "a broken span")
	assert.Equal(t, 1, m.td.SpanCount())
}

// BenchmarkDeliver is the cost of a call of 500 small traces, as of a server that
// calls nobody, with what kernel spans say of their process: until the call is
// made, and until it is encoded for a backend.
func BenchmarkDeliver(b *testing.B) {
	var load []parcel
	for n := range 500 {
		td := spans(n, 1)
		a := td.ResourceSpans().At(0).Resource().Attributes()
		for _, key := range []string{"host.id", "host.name", "os.type", "process.executable.name", "process.executable.path", "process.creation.time", "container.id"} {
			a.PutStr(key, "what there is to say of "+key)
		}
		load = append(load, *parcelOf(b, td))
	}
	o := &outlet{}
	for _, encoded := range []bool{false, true} {
		b.Run(map[bool]string{false: "made", true: "encoded"}[encoded], func(b *testing.B) {
			var m ptrace.ProtoMarshaler
			var bytes int
			b.ReportAllocs()
			for b.Loop() {
				td := o.spans(load, nil)
				if td.SpanCount() != len(load) {
					b.Fatal(td.SpanCount())
				}
				if encoded {
					data, _ := m.MarshalTraces(td)
					bytes = len(data)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(len(load)*b.N), "ns/span")
			if encoded {
				b.ReportMetric(float64(bytes)/float64(len(load)), "B/span")
			}
		})
	}
}
