package postgres

import (
	"bytes"
	"encoding/binary"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// plausible bounds the length of the first message of a connection that was met
// in the middle.
const plausible = 1 << 24

// Detect recognises a start-up packet or, on a connection met in the middle, a
// run of messages that could hardly be anything else. It implements
// protocol.Protocol.Detect.
func Detect(dir protocol.Direction, data []byte) protocol.Verdict {
	switch {
	case len(data) == 0:
		return protocol.Unsure
	case dir == protocol.FromClient && data[0] == 0:
		return detectStartup(data)
	case dir == protocol.FromServer && len(data) == 1 && bytes.IndexByte([]byte("SNG"), data[0]) >= 0:
		return protocol.Unsure // the answer to a request for encryption
	}
	return detectRun(dir, data)
}

// detectStartup wants a known code and the length that goes with it.
func detectStartup(data []byte) protocol.Verdict {
	if len(data) < 8 {
		return prefixVerdict(data)
	}
	length, code := binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])
	switch {
	case code == sslCode, code == gssCode:
		return verdict(length == 8)
	case code == cancelCode:
		return verdict(length >= 16 && length <= 16+256)
	case code>>16 != 3 || length < 9 || length > maxStartup:
		return protocol.No
	}
	parameters := data[8:min(len(data), int(length))]
	for _, c := range parameters {
		if c < ' ' && c != 0 || c == 0x7f {
			return protocol.No
		}
	}
	switch {
	case len(parameters) > 0 && parameters[0] == 0: // Kafka has zeros here
		return protocol.No
	case bytes.Contains(parameters, []byte("user\x00")):
		return protocol.Yes
	case len(data) >= int(length):
		return protocol.No
	}
	return protocol.Unsure
}

// prefixVerdict judges less than a header: the length is small.
func prefixVerdict(data []byte) protocol.Verdict {
	return unsureIf(len(data) < 2 || data[1] == 0)
}

// detectRun follows the messages as long as they are plausible. It is sure at the
// first one that has a structure of its own, or at the end of a run.
func detectRun(dir protocol.Direction, data []byte) protocol.Verdict {
	for messages := 0; ; messages++ {
		if len(data) == 0 {
			return runVerdict(messages)
		}
		if !isKind(dir, data[0]) || data[0] == startup {
			return protocol.No
		}
		if len(data) < 5 {
			return unsureIf(len(data) < 2 || data[1] == 0)
		}
		kind, n := data[0], int64(binary.BigEndian.Uint32(data[1:]))-4
		if n > plausible || !hasLength(dir, kind, n) {
			return protocol.No
		}
		whole := int64(len(data)-5) >= n
		payload := data[5:min(int64(len(data)), 5+n)]
		switch v := structure(dir, kind, payload, whole); {
		case v != protocol.Unsure:
			return v
		case !whole:
			return runVerdict(messages)
		}
		data = data[5+n:]
	}
}

// runVerdict: three messages in a row are no accident.
func runVerdict(messages int) protocol.Verdict {
	if messages >= 3 {
		return protocol.Yes
	}
	return protocol.Unsure
}

// structure judges one message by its payload, the rest of which may be missing.
func structure(dir protocol.Direction, kind byte, payload []byte, whole bool) protocol.Verdict {
	if dir == protocol.FromClient {
		switch kind {
		case 'Q':
			return isStatement(payload, whole)
		case 'P':
			return isParse(payload, whole)
		case 'B', 'E', 'D', 'C':
			return unsureIf(isPrintable(firstString(kind, payload)))
		case 'S', 'H':
			return unsureIf(len(payload) == 0 && whole)
		}
		return protocol.Unsure
	}
	switch kind {
	case 'Z':
		return isReady(payload, whole)
	case 'R':
		return isAuthentication(payload)
	case 'E', 'N':
		return isFields(payload, whole)
	case 'C':
		return isTag(payload, whole)
	case 'T':
		return isRowDescription(payload)
	case 'S':
		return unsureIf(!whole || bytes.Count(payload, []byte{0}) == 2 && isPrintable(firstString(kind, payload)))
	case 'K':
		return unsureIf(len(payload) >= 8 || !whole)
	case 'D':
		return unsureIf(len(payload) < 2 || int(payload[0])<<8|int(payload[1]) <= 1664)
	}
	return protocol.Unsure
}

// isStatement: text, up to the null byte at its end.
func isStatement(payload []byte, whole bool) protocol.Verdict {
	text, rest, ended := cstring(payload)
	switch {
	case !isPrintable(text), ended && len(rest) > 0, whole && !ended, len(text) == 0 && ended:
		return protocol.No
	case ended, len(text) >= 8:
		return protocol.Yes
	}
	return protocol.Unsure
}

// isParse: a name, text, and types of parameters.
func isParse(payload []byte, whole bool) protocol.Verdict {
	name, rest, named := cstring(payload)
	text, types, ended := cstring(rest)
	switch {
	case !isPrintable(name), named && !isPrintable(text), whole && !ended:
		return protocol.No
	case !ended && len(text) < 8, len(types) < 2:
		return unsureIf(!whole)
	case whole && len(types) != 2+4*(int(types[0])<<8|int(types[1])):
		return protocol.No
	}
	return protocol.Yes
}

func isReady(payload []byte, whole bool) protocol.Verdict {
	if !whole {
		return protocol.Unsure
	}
	return verdict(bytes.IndexByte([]byte("ITE"), payload[0]) >= 0)
}

// isAuthentication: the codes go up to 12.
func isAuthentication(payload []byte) protocol.Verdict {
	if len(payload) < 4 {
		return protocol.Unsure
	}
	return verdict(binary.BigEndian.Uint32(payload) <= 12)
}

// isFields: the severity comes first.
func isFields(payload []byte, whole bool) protocol.Verdict {
	if len(payload) < 8 {
		return unsureIf(!whole)
	}
	return verdict(payload[0] == 'S' && payload[1] >= 'A' && isPrintable(firstString('E', payload[1:])))
}

// isTag: a command in upper case, often with a count.
func isTag(payload []byte, whole bool) protocol.Verdict {
	tag, rest, ended := cstring(payload)
	for _, c := range tag {
		if (c < 'A' || c > 'Z') && c != ' ' && (c < '0' || c > '9') {
			return protocol.No
		}
	}
	if len(rest) > 0 || whole && !ended || ended && len(tag) < 2 {
		return protocol.No
	}
	return protocol.Unsure
}

// isRowDescription: a count, and the name and type of the first column.
func isRowDescription(payload []byte) protocol.Verdict {
	if len(payload) < 2 {
		return protocol.Unsure
	}
	const column = 18
	name, rest, ended := cstring(payload[2:])
	switch {
	case int(payload[0])<<8|int(payload[1]) > 1664 || !isPrintable(name):
		return protocol.No
	case !ended || len(rest) < column:
		return protocol.Unsure
	}
	format := binary.BigEndian.Uint16(rest[column-2:])
	return verdict(format <= 1)
}

// firstString returns the string that a payload of this type begins with.
func firstString(kind byte, payload []byte) []byte {
	if (kind == 'D' || kind == 'C') && len(payload) > 0 {
		payload = payload[1:]
	}
	text, _, _ := cstring(payload)
	return text
}

func isPrintable(text []byte) bool {
	for _, c := range text {
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0x7f {
			return false
		}
	}
	return true
}

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
