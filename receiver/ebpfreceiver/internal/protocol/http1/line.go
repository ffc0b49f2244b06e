package http1

import (
	"bytes"
	"strings"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// line returns the first line of data without its end, and its length with it;
// zero when it is not complete. A header line is complete when the next line is
// known not to continue it.
func (h *half) line(data []byte) ([]byte, int) {
	for from := min(h.scanned, len(data)); ; {
		i := bytes.IndexByte(data[from:], '\n')
		if i < 0 {
			h.scanned = len(data)
			return nil, 0
		}
		end := from + i
		line := trimCR(data[:end])
		if h.state != headerLine || len(line) == 0 {
			h.scanned = 0
			return line, end + 1
		}
		if end+1 == len(data) {
			h.scanned = end
			return nil, 0
		}
		if !isBlank(data[end+1]) {
			h.scanned = 0
			return line, end + 1
		}
		from = end + 1
	}
}

// emptyLine takes the line end that data begins with. Some clients send one
// behind a body; it must not count as the beginning of the next message.
func emptyLine(data []byte) (protocol.Step, bool) {
	n := 1
	if data[0] == '\r' {
		n = 2
	}
	if len(data) < n {
		return protocol.Step{}, true
	}
	return protocol.Step{Consumed: n, Message: &protocol.Message{Kind: protocol.Ignored}}, data[n-1] == '\n'
}

// skipEmptyLines returns data without the line ends that it begins with.
func skipEmptyLines(data []byte) []byte { return bytes.TrimLeft(data, "\r\n") }

// unfold replaces the line breaks of a folded header line by spaces.
func unfold(line []byte) []byte {
	if bytes.IndexByte(line, '\n') < 0 {
		return line
	}
	out := bytes.Clone(line)
	for i, c := range out {
		if c == '\r' || c == '\n' {
			out[i] = ' '
		}
	}
	return out
}

func trimCR(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// isText reports whether b may be a header name or a line that servers pass
// over: no control bytes.
func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// isToken reports whether b is a token of RFC 9110, section 5.6.2.
func isToken(b []byte) bool {
	for _, c := range b {
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0:
			return false
		}
	}
	return len(b) > 0
}

// isName reports whether the header name is lower, which is in lower case.
func isName(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
