package fastcgi

import (
	"bytes"
	"encoding/binary"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Detect recognises the record that a request begins with, or the first of a
// response. It implements protocol.Protocol.Detect.
func Detect(dir protocol.Direction, data []byte) protocol.Verdict {
	if len(data) < headerLen {
		return detectShort(dir, data)
	}
	h, ok := parseHeader(dir, data)
	if !ok || data[7] != 0 {
		return protocol.No
	}
	rest := data[headerLen:]
	switch h.kind {
	case beginRequest, endRequest:
		return isFixed(h, rest)
	case stdout:
		return isOutput(rest[:min(len(rest), h.content)], len(rest) >= h.content)
	case stderr:
		if len(rest) > h.content+h.padding {
			return Detect(dir, rest[h.content+h.padding:])
		}
		return protocol.Unsure
	case getValues, getValuesResult:
		return isValues(rest[:min(len(rest), h.content)], len(rest) >= h.content)
	}
	return protocol.No // a request begins otherwise
}

// detectShort judges less than a header.
func detectShort(dir protocol.Direction, b []byte) protocol.Verdict {
	isFirst := func(kind byte) bool {
		if dir == protocol.FromClient {
			return kind == beginRequest || kind == getValues
		}
		return kind == endRequest || kind == stdout || kind == stderr || kind == getValuesResult
	}
	if len(b) > 0 && b[0] != version || len(b) > 1 && !isFirst(b[1]) {
		return protocol.No
	}
	return protocol.Unsure
}

// isFixed: a role and flags, or a status. The rest is reserved; PHP leaves there
// what was in its buffer when it ends a request.
func isFixed(h header, b []byte) protocol.Verdict {
	if len(b) < fixedLen {
		return protocol.Unsure
	}
	if h.kind == endRequest {
		const statuses = 3
		return verdict(b[4] <= statuses)
	}
	role := binary.BigEndian.Uint16(b)
	return verdict(role >= 1 && role <= roles && b[2] <= 1 && b[3]|b[4]|b[5]|b[6]|b[7] == 0)
}

// isOutput: the name of a header.
func isOutput(b []byte, whole bool) protocol.Verdict {
	const longest = 64
	name, _, found := bytes.Cut(b, []byte{':'})
	for _, c := range name {
		if (c|0x20 < 'a' || c|0x20 > 'z') && c != '-' && (c < '0' || c > '9') {
			return protocol.No
		}
	}
	switch {
	case found && len(name) > 0:
		return protocol.Yes
	case found, len(name) > longest, whole:
		return protocol.No
	}
	return protocol.Unsure
}

// isValues: the names of the application's limits begin alike.
func isValues(b []byte, whole bool) protocol.Verdict {
	const skip, prefix = 2, "FCGI_"
	if len(b) < skip+len(prefix) {
		if whole {
			return protocol.No
		}
		return protocol.Unsure
	}
	return verdict(string(b[skip:skip+len(prefix)]) == prefix)
}

func verdict(ok bool) protocol.Verdict {
	if ok {
		return protocol.Yes
	}
	return protocol.No
}
