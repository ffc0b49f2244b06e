package evidence_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// TestAReaderReadsAndRemoves compares it with Read and Remove, for spans that have more or less in
// common with the one before.
func TestAReaderReadsAndRemoves(t *testing.T) {
	var r evidence.Reader
	for name, change := range map[string]func(*evidence.Exchange){
		"all that there is":           func(*evidence.Exchange) {},
		"the same again":              func(*evidence.Exchange) {},
		"another peer":                func(e *evidence.Exchange) { e.Peer = netip.MustParseAddrPort("10.0.0.1:5") },
		"another end":                 func(e *evidence.Exchange) { e.Local = netip.MustParseAddrPort("10.0.0.2:80") },
		"next to nothing":             func(e *evidence.Exchange) { *e = evidence.Exchange{Request: e.Request} },
		"without a thread it is none": func(e *evidence.Exchange) { e.Request.TID = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			e := exchange()
			change(&e)
			span := newSpan(&e)
			e.Put(span)
			var want evidence.Exchange
			has := want.Read(span)
			left := ptrace.NewSpan()
			span.CopyTo(left)
			evidence.Remove(left)
			require.Equal(t, has, r.Take(span))
			require.ElementsMatch(t, want.Request.Handoffs, r.Request.Handoffs)
			require.ElementsMatch(t, want.Response.Handoffs, r.Response.Handoffs)
			got := r.Exchange
			got.Request.Handoffs, got.Response.Handoffs = nil, nil
			want.Request.Handoffs, want.Response.Handoffs = nil, nil
			assert.Equal(t, want, got)
			assert.Equal(t, left.Attributes().AsRaw(), span.Attributes().AsRaw())
		})
	}
}

func TestAReaderTellsWhatWasDecided(t *testing.T) {
	e := exchange()
	span := newSpan(&e)
	e.Put(span)
	span.Attributes().PutStr(evidence.KeyParent, "b7ad6b7169203331")
	var r evidence.Reader
	require.True(t, r.Take(span))
	assert.True(t, r.Decided)
	assert.Equal(t, "b7ad6b7169203331", r.Parent)
}
