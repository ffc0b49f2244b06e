package evidence_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

func exchange() evidence.Exchange {
	return evidence.Exchange{
		ConnID: 1<<63 + 5, Ordinal: 3,
		Local:       netip.MustParseAddrPort("127.0.0.1:80"),
		Peer:        netip.MustParseAddrPort("[2001:db8::1]:4242"),
		Connect:     evidence.Point{TID: 10, IO: 2, Tick: 4, Goid: 18, GoidParent: 1},
		ConnectTime: 900,
		Request: evidence.Message{
			Start: 1000, End: 1100, Seq: 0, Len: 300, Ops: 2,
			Point:  evidence.Point{TID: 11, IO: 3, Tick: 5, Goid: 19, GoidParent: 2},
			Waited: evidence.WaitedEpoll | evidence.WaitedFutex,
			Handoffs: []evidence.Handoff{
				{Time: 990, Address: 0x7f00aa, SourceTID: 12, SourceIO: 9, WakerTID: 13, Source: evidence.ClientRead, Edge: evidence.Futex, Hops: 1},
				{Time: 995, SourceTID: 12, SourceIO: 9, WakerTID: 12, Source: evidence.ServerRead, Edge: evidence.Clone},
			},
		},
		Response: evidence.Message{
			Start: 1200, End: 1300, Seq: 4294967295, Len: 20,
			Point: evidence.Point{TID: 14, IO: 1},
		},
		Context: "w3c:0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:01", RequestID: "9f1c-77",
		Lossy: true, Opaque: true, Hidden: true,
	}
}

func newSpan(e *evidence.Exchange) ptrace.Span {
	span := ptrace.NewSpan()
	span.SetStartTimestamp(1000)
	span.SetEndTimestamp(1300)
	a := span.Attributes()
	a.PutStr("network.local.address", e.Local.Addr().String())
	a.PutInt("network.local.port", int64(e.Local.Port()))
	a.PutStr("network.peer.address", e.Peer.Addr().String())
	a.PutInt("network.peer.port", int64(e.Peer.Port()))
	return span
}

func TestWhatIsPutIsRead(t *testing.T) {
	want := exchange()
	span := newSpan(&want)
	want.Put(span)
	var got evidence.Exchange
	require.True(t, got.Read(span))
	assert.Equal(t, want, got)
}

func TestReadReusesNothingOfThePreviousSpan(t *testing.T) {
	first := exchange()
	span := newSpan(&first)
	first.Put(span)
	var got evidence.Exchange
	require.True(t, got.Read(span))
	assert.False(t, got.Read(ptrace.NewSpan()))
	got.Request.Handoffs, got.Response.Handoffs = nil, nil
	assert.Equal(t, evidence.Exchange{}, got)
}

func TestRemoveTakesTheEvidenceAndNothingElse(t *testing.T) {
	e := exchange()
	span := newSpan(&e)
	e.Put(span)
	span.Attributes().PutStr(evidence.KeyMethod, "context")
	evidence.Remove(span)
	assert.Equal(t, 5, span.Attributes().Len())
	for k := range span.Attributes().All() {
		assert.False(t, strings.HasPrefix(k, evidence.Prefix), k)
	}
}

func TestHandoffListsAreBoundedAndChecked(t *testing.T) {
	one := "cr:futex:4711:18:0:4711:7f3c10a0:1700000000123456789"
	for name, tc := range map[string]struct {
		in   string
		want int
		bad  bool
	}{
		"empty":              {in: "", want: 0},
		"one":                {in: one, want: 1},
		"more than the most": {in: strings.Repeat(one+" ", 20), want: evidence.MaxHandoffs},
		"too few fields":     {in: "cr:futex:1", bad: true},
		"too many fields":    {in: one + ":9", bad: true},
		"unknown source":     {in: strings.Replace(one, "cr", "xx", 1), bad: true},
		"number too large":   {in: strings.Replace(one, "4711", "99999999999", 1), bad: true},
		"good then bad":      {in: one + " junk", want: 1, bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := evidence.ParseHandoffs(nil, tc.in)
			assert.Len(t, got, tc.want)
			if tc.bad {
				assert.ErrorIs(t, err, evidence.ErrHandoff)
			} else {
				assert.NoError(t, err)
			}
		})
	}
}

func FuzzParseHandoffs(f *testing.F) {
	f.Add("cr:futex:4711:18:0:4711:7f3c10a0:1700000000123456789 sr:clone:1:2:3:4:0:-5")
	f.Fuzz(func(t *testing.T, s string) {
		hs, err := evidence.ParseHandoffs(nil, s)
		if err != nil {
			return
		}
		again, err := evidence.ParseHandoffs(nil, string(evidence.AppendHandoffs(nil, hs)))
		require.NoError(t, err)
		assert.Equal(t, hs, again)
	})
}

func BenchmarkPutRead(b *testing.B) {
	e := exchange()
	var got evidence.Exchange
	b.Run("put", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e.Put(ptrace.NewSpan())
		}
	})
	span := newSpan(&e)
	e.Put(span)
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			got.Read(span)
		}
	})
}

func TestReduceLeavesWhatAGatewayNeeds(t *testing.T) {
	span := ptrace.NewSpan()
	want := []string{evidence.KeyRequestTID, evidence.KeyRequestSeq, evidence.KeyRequestLen, evidence.KeyResponseStart, evidence.KeyResponseSeq, evidence.KeyResponseLen, evidence.KeyContext, evidence.KeyHidden, "url.path"}
	for _, key := range append(want, evidence.KeyRequestIO, evidence.KeyRequestHandoffs, evidence.KeyConnID, evidence.KeyLossy, evidence.KeyResponseTID) {
		span.Attributes().PutStr(key, "x")
	}
	evidence.Reduce(span)
	var got []string
	for key := range span.Attributes().All() {
		got = append(got, key)
	}
	assert.ElementsMatch(t, want, got)
}
