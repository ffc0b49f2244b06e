package fastcgi

import (
	"encoding/binary"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Types of records.
const (
	beginRequest    = 1
	abortRequest    = 2
	endRequest      = 3
	params          = 4
	stdin           = 5
	stdout          = 6
	stderr          = 7
	data            = 8
	getValues       = 9
	getValuesResult = 10
	unknownType     = 11
)

const (
	version   = 1
	headerLen = 8
	fixedLen  = 8 // of the content of BEGIN_REQUEST and END_REQUEST
)

// header is what every record begins with.
type header struct {
	kind    byte
	id      uint16 // 0 on records about the connection itself
	content int    // bytes
	padding int
}

// parseHeader reads a whole header. It is false for what cannot come from that
// side.
func parseHeader(dir protocol.Direction, b []byte) (header, bool) {
	h := header{
		kind:    b[1],
		id:      binary.BigEndian.Uint16(b[2:]),
		content: int(binary.BigEndian.Uint16(b[4:])),
		padding: int(b[6]),
	}
	return h, b[0] == version && isKind(dir, h)
}

func isKind(dir protocol.Direction, h header) bool {
	client := dir == protocol.FromClient
	switch h.kind {
	case beginRequest:
		return client && h.id != 0 && h.content == fixedLen
	case endRequest:
		return !client && h.id != 0 && h.content == fixedLen
	case abortRequest, params, stdin, data:
		return client && h.id != 0
	case stdout, stderr:
		return !client && h.id != 0
	case getValues:
		return client && h.id == 0
	case getValuesResult, unknownType:
		return !client && h.id == 0
	}
	return false
}
