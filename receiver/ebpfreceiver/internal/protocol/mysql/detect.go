package mysql

import (
	"encoding/binary"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// enough is how many bytes of a statement without an end are taken for one.
const enough = 64

// Detect recognises the handshake or, on a connection met behind it, a command
// or a result. It implements protocol.Protocol.Detect.
func Detect(dir protocol.Direction, data []byte) protocol.Verdict {
	for {
		if len(data) < headerLen {
			return unsureIf(len(data) < 3 || packetSize(data) > 0)
		}
		size, seq := packetSize(data), data[3]
		payload := data[headerLen:min(len(data), headerLen+size)]
		var v protocol.Verdict
		switch {
		case size == 0:
			return protocol.No
		case dir == protocol.FromClient:
			v = detectClient(seq, size, payload)
		default:
			v = detectServer(seq, size, payload, data[headerLen+len(payload):])
		}
		if v != protocol.Unsure || dir == protocol.FromServer || len(data) <= headerLen+size {
			return v
		}
		data = data[headerLen+size:]
	}
}

func detectClient(seq byte, size int, payload []byte) protocol.Verdict {
	switch {
	case seq == 1:
		return detectReply(size, payload)
	case seq != 0:
		return protocol.No
	case len(payload) == 0:
		return protocol.Unsure
	}
	whole := len(payload) == size
	switch payload[0] {
	case comQuery, comPrepare:
		return isStatement(payload[1:], whole)
	case comExecute:
		return isExecute(size, payload)
	case comPing, comReset:
		return verdict(size == 1)
	case comQuit:
		return unsureIf(size == 1)
	case comCloseStmt, comResetStmt:
		return unsureIf(size == 5)
	case comInitDB:
		return unsureIf(size > 1 && size <= maxDatabase && isPrintable(payload[1:]))
	}
	return protocol.No
}

// detectReply wants the fixed part of the client's reply to the greeting.
func detectReply(size int, payload []byte) protocol.Verdict {
	const filler, reserved = 9, 19 // behind which MariaDB has more capabilities
	const most = 1 << 16
	switch {
	case size < tlsRequestLen || size > most:
		return protocol.No
	case len(payload) < 4:
		return protocol.Unsure
	case binary.LittleEndian.Uint32(payload)&protocol41 == 0:
		return protocol.No
	}
	for i := filler; i < min(len(payload), filler+reserved); i++ {
		if payload[i] != 0 {
			return protocol.No
		}
	}
	if len(payload) < filler+reserved {
		return protocol.Unsure
	}
	return protocol.Yes
}

// isStatement: text, maybe behind attributes. Of other protocols that have a
// length where MySQL has a command, the text ends before this one does.
func isStatement(b []byte, whole bool) protocol.Verdict {
	if len(b) == 1 && b[0] <= maxAttributes && b[0] != '\t' && b[0] != '\n' && b[0] != '\r' {
		return unsureIf(!whole)
	}
	if len(b) >= 2 && b[0] <= maxAttributes && b[1] == 1 {
		if b[0] > 0 && !whole {
			return protocol.Unsure
		}
		var ok bool
		if b, _, ok = queryAttributes(b, nil); !ok {
			return protocol.No
		}
	}
	switch {
	case len(b) == 0:
		return unsureIf(!whole)
	case !isPrintable(b) || !opensStatement(b[0]):
		return protocol.No
	case whole, len(b) >= enough:
		return protocol.Yes
	}
	return protocol.Unsure
}

// opensStatement reports whether a statement may begin with c: a word, a
// parenthesis, a comment, white space.
func opensStatement(c byte) bool {
	switch c {
	case '(', '/', '-', '#', ' ', '\n', '\t', '\r', ';', '{':
		return true
	}
	return c|0x20 >= 'a' && c|0x20 <= 'z'
}

// isExecute: an id, flags, and the number 1.
func isExecute(size int, payload []byte) protocol.Verdict {
	switch {
	case size < executeHeadSize:
		return protocol.No
	case len(payload) < executeHeadSize:
		return protocol.Unsure
	}
	const flags = 0x0f
	return verdict(payload[5] <= flags && binary.LittleEndian.Uint32(payload[6:]) == 1)
}

func detectServer(seq byte, size int, payload, rest []byte) protocol.Verdict {
	switch {
	case seq == 0 && size > maxGreeting, seq > 1:
		return protocol.No
	case len(payload) == 0:
		return protocol.Unsure
	case payload[0] == errPacket:
		return isError(seq, size, payload)
	case seq == 0:
		return isGreeting(payload, len(payload) == size)
	case payload[0] == okPacket:
		const most = 1 << 10
		return unsureIf(size >= 7 && size <= most)
	}
	return isResult(size, payload, rest)
}

// isGreeting: the version of the protocol, and that of the server.
func isGreeting(payload []byte, whole bool) protocol.Verdict {
	const least = 4
	name, _, ended := cstring(payload[1:])
	switch {
	case payload[0] != version, !isPrintable(name), whole && !ended,
		len(name) > 0 && (name[0] < '0' || name[0] > '9'), ended && len(name) < least:
		return protocol.No
	case !ended:
		return protocol.Unsure
	}
	return protocol.Yes
}

// isError: a code, and the mark before SQLSTATE, which a server that refuses the
// connection leaves out.
func isError(seq byte, size int, payload []byte) protocol.Verdict {
	const mark, lowest, highest, most = 3, 1000, 9999, 1 << 10
	switch {
	case size < mark+1 || size > most:
		return protocol.No
	case len(payload) <= mark:
		return protocol.Unsure
	}
	code := binary.LittleEndian.Uint16(payload[1:])
	return verdict(code >= lowest && code <= highest && (payload[mark] == '#' || seq == 0 && isPrintable(payload[mark:])))
}

// isResult: a number of columns, and the definition of the first.
func isResult(size int, payload, rest []byte) protocol.Verdict {
	const most = 10
	n, _, ok := lenenc(payload)
	switch {
	case size > most, len(payload) == size && (!ok || n == 0):
		return protocol.No
	case len(rest) >= headerLen && rest[3] != 2:
		return protocol.No
	case len(rest) < headerLen+4:
		return protocol.Unsure
	}
	return verdict(isDefinition(rest[headerLen:]))
}

func isPrintable(text []byte) bool {
	for _, c := range text {
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0x7f {
			return false
		}
	}
	return true
}
