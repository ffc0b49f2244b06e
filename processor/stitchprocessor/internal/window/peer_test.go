package window_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

func TestPeersAreToldApart(t *testing.T) {
	seen := map[uint64]string{}
	for _, text := range []string{
		"10.0.0.1:80", "10.0.0.1:81", "10.0.0.2:80", "10.1.0.1:80", "[::1]:80", "[::2]:80", "[1::1]:80",
		"[fe80::1%eth0]:80", "[fe80::1%eth1]:80", "[fe80::1]:80",
	} {
		end := netip.MustParseAddrPort(text)
		p := window.PeerOf(end)
		assert.NotZero(t, p)
		assert.Empty(t, seen[p], text)
		assert.Equal(t, p, window.PeerOf(end))
		seen[p] = text
	}
	assert.Zero(t, window.PeerOf(netip.AddrPort{}), "none")
}
