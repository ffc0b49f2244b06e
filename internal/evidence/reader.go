package evidence

import (
	"net/netip"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Reader takes the evidence off one span after the other. The zero one is ready. It has one
// owner.
type Reader struct {
	Exchange    // of the span that was taken last
	local, peer address
}

// address is the one that was read last: the next span mostly has the same.
type address struct {
	text string
	addr netip.Addr
}

func (a *address) parse(text string) netip.Addr {
	if a.text != text {
		*a = address{text, parse(text)}
	}
	return a.addr
}

// Take does what Read and then Remove do, in one pass.
func (r *Reader) Take(span ptrace.Span) bool {
	r.reset()
	var at ends
	span.Attributes().RemoveIf(func(k string, v pcommon.Value) bool {
		if isEvidence(k) {
			r.readKey(k, v)
			return true
		}
		at.read(k, v)
		return false
	})
	r.Local = netip.AddrPortFrom(r.local.parse(at.local), at.localPort)
	r.Peer = netip.AddrPortFrom(r.peer.parse(at.peer), at.peerPort)
	return r.close(span)
}
