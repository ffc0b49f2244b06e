package mysql

import (
	"bytes"
	"encoding/binary"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Capabilities of client and server that matter here.
const (
	withDatabase   = 1 << 3
	compressed     = 1 << 5
	protocol41     = 1 << 9
	withTLS        = 1 << 11
	authLenenc     = 1 << 21
	compressedZstd = 1 << 26
)

// version is what a greeting begins with.
const version = 10

// Lengths of the handshake.
const (
	tlsRequestLen = 32  // fixed part of the client's reply, and all of a request for TLS
	maxGreeting   = 512 // of the server; real ones have a hundred bytes
	maxDatabase   = 128 // of a name; the server's bound is 64 characters
)

// greet takes the server's greeting, which begins with a version.
func (p *Parser) greet(payload []byte) (*protocol.Message, bool) {
	if payload[0] == errPacket {
		return ignored(), true // too many connections, host not allowed
	}
	name, _, whole := cstring(payload[1:])
	if payload[0] != version || !whole {
		return nil, false
	}
	p.starting = true
	p.mariadb = bytes.Contains(bytes.ToLower(name), []byte("mariadb"))
	return ignored(), true
}

// reply takes what the client says while the connection starts.
func (p *Parser) reply(f *frame, payload []byte) (*protocol.Message, bool) {
	if f.seq != 1 || len(payload) < tlsRequestLen {
		return ignored(), true // the answer to a request to authenticate otherwise
	}
	capabilities := binary.LittleEndian.Uint32(payload)
	if capabilities&protocol41 == 0 {
		return nil, false
	}
	p.opaque = capabilities&withTLS != 0 && f.size == tlsRequestLen
	p.packed = capabilities&(compressed|compressedZstd) != 0
	if !p.opaque && capabilities&withDatabase != 0 {
		p.database = database(payload[tlsRequestLen:], capabilities)
	}
	return ignored(), true
}

// database finds the database behind the user's name and the proof of identity.
func database(b []byte, capabilities uint32) string {
	_, rest, ok := cstring(b)
	if ok && capabilities&authLenenc != 0 {
		_, rest, ok = lenencString(rest)
	} else if ok && len(rest) > 0 {
		n := 1 + int(rest[0])
		ok = n <= len(rest)
		rest = rest[min(n, len(rest)):]
	}
	name, _, whole := cstring(rest)
	if !ok || !whole {
		return ""
	}
	return protocol.Text(name, maxDatabase)
}

// authenticate takes what the server says while the connection starts: it may
// ask for more, and ends with OK or an error.
func (p *Parser) authenticate(payload []byte) *protocol.Message {
	if len(payload) > 0 && payload[0] == okPacket {
		p.starting, p.opaque = false, p.packed
	}
	return ignored()
}
