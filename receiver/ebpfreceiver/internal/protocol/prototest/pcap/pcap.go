// Package pcap reads packet captures for tests: a classic pcap file in, the TCP
// conversations in it out. It knows Ethernet (with VLAN tags), Linux cooked and
// raw IP captures of IPv4 and IPv6, puts segments in order, removes
// retransmissions and turns what is missing into gaps.
package pcap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
)

// Link types, as listed at https://www.tcpdump.org/linktypes.html.
const (
	linkEthernet = 1
	linkRaw      = 101
	linkCooked   = 113
)

const (
	fileHeader   = 24
	packetHeader = 16
)

var errShort = errors.New("short packet")

// segment is one TCP segment; full is the length of its payload on the wire,
// which may be more than was captured.
type segment struct {
	src, dst netip.AddrPort
	seq      uint32
	syn, fin bool
	payload  []byte
	full     int
}

// ReadFile returns the TCP connections in a capture file, in the order of their
// first packet. Packets that are not TCP are passed over.
func ReadFile(name string) ([]*Connection, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return Read(data)
}

// Read is ReadFile for a capture in memory.
func Read(data []byte) ([]*Connection, error) {
	if len(data) < fileHeader {
		return nil, fmt.Errorf("pcap header: %w", errShort)
	}
	order, err := byteOrder(data)
	if err != nil {
		return nil, err
	}
	link := order.Uint32(data[20:])
	var table connections
	for rest := data[fileHeader:]; len(rest) > 0; {
		if len(rest) < packetHeader {
			return nil, fmt.Errorf("packet header: %w", errShort)
		}
		n := int(order.Uint32(rest[8:]))
		if n > len(rest)-packetHeader {
			return nil, fmt.Errorf("packet of %d bytes: %w", n, errShort)
		}
		if s, ok := decode(link, rest[packetHeader:packetHeader+n]); ok {
			table.add(s)
		}
		rest = rest[packetHeader+n:]
	}
	return table.finish(), nil
}

func byteOrder(data []byte) (binary.ByteOrder, error) {
	const micros, nanos = 0xa1b2c3d4, 0xa1b23c4d
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if magic := order.Uint32(data); magic == micros || magic == nanos {
			return order, nil
		}
	}
	return nil, fmt.Errorf("not a pcap file: magic %x", data[:4])
}

// decode finds the TCP segment in a frame.
func decode(link uint32, frame []byte) (segment, bool) {
	switch link {
	case linkRaw:
		return decodeIP(frame)
	case linkCooked:
		return decodeIP(behind(frame, 16))
	case linkEthernet:
		at := 12
		for len(frame) >= at+2 && isVLAN(binary.BigEndian.Uint16(frame[at:])) {
			at += 4
		}
		return decodeIP(behind(frame, at+2))
	}
	return segment{}, false
}

func isVLAN(etherType uint16) bool { return etherType == 0x8100 || etherType == 0x88a8 }

func behind(b []byte, n int) []byte {
	if len(b) < n {
		return nil
	}
	return b[n:]
}

func decodeIP(b []byte) (segment, bool) {
	const tcp = 6
	switch {
	case len(b) >= 20 && b[0]>>4 == 4 && b[9] == tcp:
		src, dst := netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
		header := int(b[0]&0x0f) * 4
		return decodeTCP(src, dst, behind(b, header), int(binary.BigEndian.Uint16(b[2:]))-header)
	case len(b) >= 40 && b[0]>>4 == 6 && b[6] == tcp:
		src, dst := netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
		return decodeTCP(src, dst, b[40:], int(binary.BigEndian.Uint16(b[4:])))
	}
	return segment{}, false
}

// decodeTCP reads a segment that took length bytes on the wire; b may be shorter
// (cut by the capture) or longer (Ethernet padding).
func decodeTCP(src, dst netip.Addr, b []byte, length int) (segment, bool) {
	if len(b) < 20 || length < 20 {
		return segment{}, false
	}
	header := int(b[12]>>4) * 4
	if header < 20 || header > len(b) || header > length {
		return segment{}, false
	}
	return segment{
		src:     netip.AddrPortFrom(src, binary.BigEndian.Uint16(b)),
		dst:     netip.AddrPortFrom(dst, binary.BigEndian.Uint16(b[2:])),
		seq:     binary.BigEndian.Uint32(b[4:]),
		fin:     b[13]&0x05 != 0, // FIN or RST
		syn:     b[13]&0x02 != 0,
		payload: b[header:min(len(b), length)],
		full:    length - header,
	}, true
}
