package mysql

import (
	"bytes"
	"encoding/binary"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// headerLen is the length of a packet's header: three bytes of length, and one
// that counts the packets of an exchange.
const headerLen = 4

// maxPacket is the length of a packet behind which its payload goes on in the
// next one.
const maxPacket = 1<<24 - 1

// packetSize returns the length of the payload behind a whole header.
func packetSize(header []byte) int {
	return int(header[0]) | int(header[1])<<8 | int(header[2])<<16
}

// lenenc reads a length-encoded integer and returns what is behind it.
func lenenc(b []byte) (n uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	size := 0
	switch b[0] {
	case 0xfc:
		size = 2
	case 0xfd:
		size = 3
	case 0xfe:
		size = 8
	case 0xfb, 0xff: // NULL, error
		return 0, nil, false
	default:
		return uint64(b[0]), b[1:], true
	}
	if len(b) < 1+size {
		return 0, nil, false
	}
	var room [8]byte
	copy(room[:], b[1:1+size])
	return binary.LittleEndian.Uint64(room[:]), b[1+size:], true
}

// lenencString reads a string that follows its length.
func lenencString(b []byte) (text, rest []byte, ok bool) {
	n, rest, ok := lenenc(b)
	if !ok || n > uint64(len(rest)) {
		return nil, nil, false
	}
	return rest[:n], rest[n:], true
}

// cstring splits a string that ends in a null byte off b.
func cstring(b []byte) (text, rest []byte, whole bool) { return bytes.Cut(b, []byte{0}) }

func verdict(ok bool) protocol.Verdict {
	if ok {
		return protocol.Yes
	}
	return protocol.No
}

func unsureIf(ok bool) protocol.Verdict {
	if ok {
		return protocol.Unsure
	}
	return protocol.No
}
