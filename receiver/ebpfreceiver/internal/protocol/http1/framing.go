package http1

import (
	"bytes"
	"math"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/httptext"
)

// unknown is the length of a body that does not declare it.
const unknown = -1

// framing is what the headers say about the length of the body (RFC 9112,
// section 6).
type framing struct {
	length  int64 // of Content-Length, else unknown
	coded   bool  // there is a transfer coding other than identity
	chunked bool  // and the last one is chunked
}

// header takes a header line. It reports whether the message still makes sense.
func (f *framing) header(name, value []byte) bool {
	switch {
	case isName(name, "content-length"):
		return f.contentLength(value)
	case isName(name, "transfer-encoding"):
		last := value[bytes.LastIndexByte(value, ',')+1:]
		last = bytes.Trim(last, " \t")
		f.chunked = isName(last, "chunked")
		f.coded = !isName(last, "identity") && len(last) > 0
	}
	return true
}

// contentLength reads a length; a list of equal ones counts as one.
func (f *framing) contentLength(value []byte) bool {
	for more := true; more; {
		var item []byte
		item, value, more = bytes.Cut(value, []byte{','})
		n, ok := httptext.Decimal(bytes.Trim(item, " \t"))
		if !ok || n > maxBody || f.length != unknown && f.length != n {
			return false
		}
		f.length = n
	}
	return true
}

// beginChunk reads the line before a chunk: its size and extensions.
func (h *half) beginChunk(line []byte) (protocol.Step, bool) {
	if i := bytes.IndexByte(line, ';'); i >= 0 {
		line = line[:i]
	}
	size, ok := parseHex(bytes.Trim(line, " \t"))
	if !ok || size > maxBody-h.body {
		return protocol.Step{}, false
	}
	h.body += size
	h.headers = 0
	h.state = chunkEnd
	if size == 0 {
		h.state = trailerLine
	}
	return protocol.Step{Skip: size}, true
}

// endChunk reads the line end behind a chunk.
func (h *half) endChunk(data []byte) (protocol.Step, bool) {
	n := 1
	if data[0] == '\r' {
		n = 2
	}
	if len(data) < n {
		return protocol.Step{}, true
	}
	h.state = chunkSize
	return protocol.Step{Consumed: n}, data[n-1] == '\n'
}

func parseHex(b []byte) (int64, bool) {
	var n int64
	for _, c := range b {
		var digit byte
		switch {
		case c >= '0' && c <= '9':
			digit = c - '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			digit = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		if n > math.MaxInt64>>4 {
			return 0, false
		}
		n = n<<4 | int64(digit)
	}
	return n, len(b) > 0
}
