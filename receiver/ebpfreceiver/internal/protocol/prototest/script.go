package prototest

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Frame encodes a message of a binary protocol, named in the conversation
// before the colon, around its payload.
type Frame func(name string, payload []byte) ([]byte, error)

// Script is a conversation as it is written in a golden file.
type Script struct {
	Options      protocol.Options
	Conversation Conversation
}

// Parse reads the text form described at the package. Frame may be nil when the
// text has no framed lines.
func Parse(text string, frame Frame) (Script, error) {
	var s Script
	for i, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := s.line(line, frame); err != nil {
			return s, fmt.Errorf("line %d %q: %w", i+1, line, err)
		}
	}
	return s, nil
}

func (s *Script) line(line string, frame Frame) error {
	if rest, ok := strings.CutPrefix(line, "options:"); ok {
		return parseOptions(rest, &s.Options)
	}
	e, err := parseEvent(line, frame)
	if err == nil {
		s.Conversation = append(s.Conversation, e)
	}
	return err
}

func parseEvent(line string, frame Frame) (Event, error) {
	dir, err := parseSide(line)
	if err != nil {
		return Event{}, err
	}
	head, text, isData := strings.Cut(line[1:], ":")
	if !isData || strings.HasPrefix(head, " fill ") {
		return parseAction(dir, strings.Fields(line[1:]))
	}
	data, err := Unescape(strings.TrimPrefix(text, " "))
	if name := strings.TrimSpace(head); err == nil && name != "" {
		if frame == nil {
			return Event{}, fmt.Errorf("no encoder for %q", name)
		}
		data, err = frame(name, data)
	}
	return Event{Dir: dir, Data: data}, err
}

func parseSide(line string) (protocol.Direction, error) {
	switch line[0] {
	case 'C':
		return protocol.FromClient, nil
	case 'S':
		return protocol.FromServer, nil
	}
	return 0, fmt.Errorf("want C or S")
}

// parseAction reads "close", "gap N" and "fill N text".
func parseAction(dir protocol.Direction, words []string) (Event, error) {
	if len(words) == 1 && words[0] == "close" {
		return Event{Dir: dir, Close: true}, nil
	}
	if len(words) < 2 {
		return Event{}, fmt.Errorf("want close, gap N or fill N text")
	}
	n, err := strconv.Atoi(words[1])
	if err != nil || n <= 0 {
		return Event{}, fmt.Errorf("want a positive number, got %q", words[1])
	}
	switch {
	case words[0] == "gap" && len(words) == 2:
		return Event{Dir: dir, Gap: n}, nil
	case words[0] == "fill" && len(words) == 3:
		text, err := Unescape(words[2])
		return Event{Dir: dir, Data: bytes.Repeat(text, n)}, err
	}
	return Event{}, fmt.Errorf("want close, gap N or fill N text")
}

func parseOptions(text string, o *protocol.Options) error {
	for _, word := range strings.Fields(text) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "raw-statements":
			o.RawStatements = true
		case "raw-queries":
			o.RawQueries = true
		case "capture":
			o.CaptureHeaders = strings.Split(value, ",")
		case "context":
			o.ContextHeaders = strings.Split(value, ",")
		case "max":
			n, err := strconv.Atoi(value)
			if err != nil {
				return fmt.Errorf("option max: %w", err)
			}
			o.MaxStatement = n
		default:
			return fmt.Errorf("unknown option %q", word)
		}
	}
	return nil
}

// Escape writes bytes as one line of a conversation.
func Escape(data []byte) string {
	var b strings.Builder
	for i, c := range data {
		edge := i == 0 || i == len(data)-1
		switch {
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == 0:
			b.WriteString(`\0`)
		case c == '\\':
			b.WriteString(`\\`)
		case c < ' ' || c >= 0x7f || (c == ' ' && edge):
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Unescape is the inverse of Escape.
func Unescape(text string) ([]byte, error) {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out = append(out, text[i])
			continue
		}
		c, n, err := unescapeOne(text[i+1:])
		if err != nil {
			return nil, err
		}
		out = append(out, c)
		i += n
	}
	return out, nil
}

// unescapeOne reads what follows a backslash: the byte, and how much it took.
func unescapeOne(text string) (byte, int, error) {
	const simple, meaning = `rnt0\`, "\r\n\t\x00\\"
	if text == "" {
		return 0, 0, fmt.Errorf("backslash at the end of the line")
	}
	if i := strings.IndexByte(simple, text[0]); i >= 0 {
		return meaning[i], 1, nil
	}
	if text[0] == 'x' && len(text) >= 3 {
		v, err := strconv.ParseUint(text[1:3], 16, 8)
		if err == nil {
			return byte(v), 3, nil
		}
	}
	return 0, 0, fmt.Errorf("unknown escape \\%c", text[0])
}
