package window

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// PeerOf is a hash of an end of a connection, zero if there is none. What is learned by peer
// is looked up by it: an address is four times as long, and five times as slow to look up.
func PeerOf(end netip.AddrPort) uint64 {
	if !end.IsValid() {
		return 0
	}
	b := end.Addr().As16()
	h := fold(binary.LittleEndian.Uint64(b[:8]), uint64(end.Port()))
	h = fold(binary.LittleEndian.Uint64(b[8:]), h)
	for _, c := range []byte(end.Addr().Zone()) { // of a link-local address, else there is none
		h = fold(h, uint64(c))
	}
	return max(h, 1)
}

// fold is the multiply-and-fold step of wyhash.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xd1b54a32d192ed03)
	return hi ^ lo
}
