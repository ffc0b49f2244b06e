package join

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

func TestRequestsThatLeaveEarlyDoNotWaitForTheirCallers(t *testing.T) {
	a := New(Config{
		MaxWait: 10e9, SettleDelay: 1e8, PeerWait: 1e9, MaxSpans: 4, MaxTrace: 4, MaxDepth: 4, BatchSize: 4,
	}, func(ptrace.Traces) {})
	p, g := NewProcess("h"), &Group{Resource: pcommon.NewResource(), Scope: pcommon.NewInstrumentationScope()}
	asked := 0
	for i := range 1000 {
		s := &Span{
			Data: ptrace.NewSpan(), Group: g, Process: p, Server: true, Start: 1e9, End: 2e9, Arrived: 3e9, Seq: 7, Len: 9,
			Local: netip.MustParseAddrPort("127.0.0.1:80"), Peer: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(40000+i)),
		}
		s.Data.SetSpanID(pcommon.SpanID{byte(i), byte(i >> 8), 1})
		a.Add(s, 3e9)
		if s.open&askPeer != 0 {
			asked++
		}
	}
	require.Greater(t, asked, 4, "they wait for their callers")
	assert.LessOrEqual(t, len(p.host.waiting), 5, "those that were released for want of room do not")
}
