package http1

import (
	"bytes"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/httptext"
)

// enough is how many bytes of a request line without an end are taken for one
// when its beginning is right: targets can be longer than what is captured.
const enough = 512

// Detect recognises the first line of a message. It implements
// protocol.Protocol.Detect.
func Detect(dir protocol.Direction, data []byte) protocol.Verdict {
	data = skipEmptyLines(data)
	if dir == protocol.FromServer {
		return detectResponse(data)
	}
	return detectRequest(data)
}

func detectResponse(data []byte) protocol.Verdict {
	const prefix, status = "HTTP/1.", len("HTTP/1.1 200")
	n := min(len(data), len(prefix))
	switch {
	case string(data[:n]) != prefix[:n]:
		return protocol.No
	case len(data) < status:
		return protocol.Unsure
	}
	if new(response).begin(data[:status]) {
		return protocol.Yes
	}
	return protocol.No
}

// detectRequest wants a method, a target and a version of ours. RTSP and SIP have
// another one, and so has HTTP/2's preface, which is known by its method.
func detectRequest(data []byte) protocol.Verdict {
	line, _, complete := bytes.Cut(data, []byte{'\n'})
	method, target, spaced := bytes.Cut(line, []byte{' '})
	switch {
	case len(data) == 0:
		return protocol.Unsure
	case !isToken(method) || len(method) > maxMethod || complete && !spaced || string(method) == "PRI":
		return protocol.No
	case !spaced:
		return protocol.Unsure
	case complete:
		return detectLine(trimCR(target))
	case !isText(trimCR(target)):
		return protocol.No
	case len(line) >= enough && httptext.Method(method) != "":
		return protocol.Yes
	}
	return protocol.Unsure
}

// detectLine looks at the rest of a request line, behind the method.
func detectLine(rest []byte) protocol.Verdict {
	rest = bytes.TrimRight(rest, " ")
	cut := bytes.LastIndexByte(rest, ' ')
	if cut <= 0 || !isText(rest) || version(rest[cut+1:]) == "" {
		return protocol.No
	}
	return protocol.Yes
}
