package postgres

import (
	"bytes"
	"strings"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Types of messages by who sends them.
const (
	clientKinds = "QPBEDCHSFXpdcf\x01" // \x01: start-up
	serverKinds = "RKSNAZTDCE123IntsGHWdcVv"
)

func isKind(dir protocol.Direction, kind byte) bool {
	if dir == protocol.FromClient {
		return strings.IndexByte(clientKinds, kind) >= 0
	}
	return strings.IndexByte(serverKinds, kind) >= 0
}

// hasLength reports whether a message of this type may have a payload of n
// bytes.
func hasLength(dir protocol.Direction, kind byte, n int64) bool {
	switch kind {
	case startup:
		return n >= 4 && n <= maxStartup
	case 'S', 'H':
		return n >= 0 && n <= maxMessage && (n == 0) == (dir == protocol.FromClient)
	case 'X', '1', '2', '3', 'I', 'n', 's', 'c':
		return n == 0
	case 'Z':
		return n == 1
	case 'R':
		return n >= 4
	}
	return n >= 0 && n <= maxMessage
}

// wanted returns how many bytes of the payload are read; the rest is skipped.
func wanted(dir protocol.Direction, kind byte, o *protocol.Options) int {
	if dir == protocol.FromServer {
		switch kind {
		case 'E':
			return maxFields
		case 'S', 'C':
			return 64
		case 'Z':
			return 1
		}
		return 0
	}
	text := min(2*o.MaxStatement, maxText)
	switch kind {
	case startup:
		return maxFields
	case 'Q':
		return text
	case 'P':
		return text + maxNames
	case 'B', 'E', 'D', 'C':
		return maxNames
	}
	return 0
}

// cstring splits a string that ends in a null byte off b. Without one, all of b
// is the beginning of the string.
func cstring(b []byte) (text, rest []byte, whole bool) { return bytes.Cut(b, []byte{0}) }
