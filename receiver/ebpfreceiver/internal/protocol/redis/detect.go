package redis

import (
	"bytes"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Detect recognises the first bytes of a command or of a reply. It implements
// protocol.Protocol.Detect. An array of strings may be both.
func Detect(dir protocol.Direction, data []byte) protocol.Verdict {
	if len(data) == 0 {
		return protocol.Unsure
	}
	if dir == protocol.FromServer {
		return detectReply(data)
	}
	if data[0] != '*' {
		return detectInline(data)
	}
	count, rest, verdict := header(data[1:], maxArgs)
	if verdict != protocol.Yes {
		return verdict
	}
	if count < 1 {
		return protocol.No
	}
	return detectName(rest)
}

// detectName looks at the first argument of a command.
func detectName(data []byte) protocol.Verdict {
	if len(data) == 0 {
		return protocol.Unsure
	}
	if data[0] != '$' {
		return protocol.No
	}
	size, rest, verdict := header(data[1:], maxName)
	if verdict != protocol.Yes {
		return verdict
	}
	n := min(len(rest), int(max(size, 0)))
	switch {
	case size < 1, n > 0 && !isName(rest[:n]):
		return protocol.No
	case n < int(size):
		return protocol.Unsure
	}
	return protocol.Yes
}

// header reads a number and its line end.
func header(data []byte, limit int64) (int64, []byte, protocol.Verdict) {
	line, rest, found := bytes.Cut(data, []byte("\r\n"))
	if found {
		n, ok := length(line, limit)
		return n, rest, verdict(ok)
	}
	line = bytes.TrimSuffix(line, []byte{'\r'})
	_, ok := length(line, limit)
	if ok || len(line) == 0 || string(line) == "-" {
		return 0, nil, protocol.Unsure
	}
	return 0, nil, protocol.No
}

// detectInline accepts the commands that no other protocol in use begins with.
func detectInline(data []byte) protocol.Verdict {
	line, _, found := bytes.Cut(data, []byte{'\n'})
	word, _, spaced := bytes.Cut(bytes.TrimRight(line, "\r"), []byte{' '})
	if !isName(word) {
		return protocol.No
	}
	if !found && !spaced {
		return protocol.Unsure
	}
	switch string(appendUpper(nil, word)) {
	case "PING", "HELLO", "CONFIG", "CLIENT", "CLUSTER", "COMMAND", "DBSIZE", "FLUSHALL", "FLUSHDB", "KEYS", "MONITOR",
		"PSUBSCRIBE", "SUBSCRIBE", "REPLCONF", "PSYNC", "SLOWLOG", "HGETALL", "LRANGE", "SMEMBERS", "EXISTS":
		if found {
			return protocol.Yes
		}
		return protocol.Unsure
	}
	return protocol.No
}

// detectReply wants a complete first line that could hardly be anything else.
func detectReply(data []byte) protocol.Verdict {
	if !isType(data[0]) || data[0] == '.' || data[0] == ';' {
		return protocol.No
	}
	line, rest, found := bytes.Cut(data[1:], []byte("\r\n"))
	if !found {
		return protocol.Unsure
	}
	switch data[0] {
	case '+':
		return verdict(string(line) == "OK" || string(line) == "PONG" || string(line) == "QUEUED" || isMonitorLine(line))
	case '-':
		return verdict(errorCode(line) != noCode)
	case ':':
		_, ok := integer(line)
		return verdict(ok)
	case '$', '=', '!':
		_, ok := length(line, maxBulk)
		return verdict(ok)
	case '*', '%', '~', '>', '|':
		n, ok := length(line, maxElements)
		if !ok || n > 0 && len(rest) > 0 && !isType(rest[0]) {
			return protocol.No
		}
		if n > 0 && len(rest) == 0 {
			return protocol.Unsure
		}
		return protocol.Yes
	case '#':
		return verdict(string(line) == "t" || string(line) == "f")
	}
	return verdict(data[0] == '_' && len(line) == 0)
}

func verdict(ok bool) protocol.Verdict {
	if ok {
		return protocol.Yes
	}
	return protocol.No
}
