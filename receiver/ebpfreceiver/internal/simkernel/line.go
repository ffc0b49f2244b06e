package simkernel

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Line describes a protocol of lines that has every feature of the contract, so
// that tests need no real one:
//
//	Q name [id=N] [len=N] [oneway] [k:v]   a request, N bytes of body after the line
//	A ok|error|refused [id=N] [len=N]      a response
//	A ok until                             a response up to a line with one dot
//	N                                      either way, ignored
//	U                                      from the server: opaque from here on
//
// k:v is a header of the request, a the line an attribute line.text.
func Line() protocol.Protocol {
	return protocol.Protocol{
		Name:   "line",
		Detect: detectLine,
		New:    func(*protocol.Options) protocol.Parser { return &lineParser{} },
	}
}

func detectLine(dir protocol.Direction, data []byte) protocol.Verdict {
	first := "QN"
	if dir == protocol.FromServer {
		first = "ANU"
	}
	switch {
	case len(data) < 2:
		return protocol.Unsure
	case strings.IndexByte(first, data[0]) < 0 || data[1] != ' ' && data[1] != '\n':
		return protocol.No
	}
	return protocol.Yes
}

type lineParser struct {
	open  [2]*protocol.Message // under way, its end not known
	ended bool
}

var _ protocol.Parser = (*lineParser)(nil)

func (p *lineParser) Parse(dir protocol.Direction, data []byte) (protocol.Step, error) {
	if p.ended {
		return protocol.Step{Opaque: true}, nil
	}
	end := bytes.IndexByte(data, '\n') + 1
	if end == 0 {
		return protocol.Step{}, nil
	}
	line := string(data[:end-1])
	if m := p.open[dir]; m != nil { // in a body up to a dot
		if line != "." {
			return protocol.Step{Consumed: end}, nil
		}
		p.open[dir] = nil
		return protocol.Step{Consumed: end, Message: m}, nil
	}
	m, skip, until := parseLine(line)
	switch {
	case m == nil || (m.Kind == protocol.Request) == (dir == protocol.FromServer) && m.Kind != protocol.Ignored:
		return protocol.Step{}, protocol.ErrNotThisProtocol
	case until:
		p.open[dir] = m
		return protocol.Step{Consumed: end}, nil
	}
	p.ended = line == "U"
	return protocol.Step{Consumed: end, Skip: skip, Message: m}, nil
}

func (p *lineParser) Gap(protocol.Direction, int) bool { return false }

func (p *lineParser) Resync(dir protocol.Direction) *protocol.Message {
	m := p.open[dir]
	p.open[dir] = nil
	return m
}

func (p *lineParser) Close(dir protocol.Direction) *protocol.Message { return p.Resync(dir) }

func parseLine(line string) (m *protocol.Message, skip int64, until bool) {
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return nil, 0, false
	}
	m = &protocol.Message{Attributes: []protocol.Attribute{protocol.String("line.text", line)}}
	switch {
	case fields[0] == "Q" && len(fields) > 1:
		m.Kind, m.Name = protocol.Request, fields[1]
	case fields[0] == "A" && len(fields) > 1:
		m.Kind = protocol.Response
		m.Status, m.StatusText = status(fields[1])
	case fields[0] == "N" || fields[0] == "U":
		m.Kind = protocol.Ignored
	default:
		return nil, 0, false
	}
	for _, f := range fields[1:] {
		switch k, v, _ := strings.Cut(f, "="); k {
		case "id":
			m.ID, _ = strconv.ParseUint(v, 10, 64)
		case "len":
			skip, _ = strconv.ParseInt(v, 10, 64)
		case "oneway":
			m.OneWay = true
		case "until":
			until = true
		}
		if k, v, ok := strings.Cut(f, ":"); ok {
			m.Headers = append(m.Headers, protocol.Header{Name: k, Value: v})
		}
	}
	return m, skip, until
}

func status(word string) (protocol.Status, string) {
	switch word {
	case "error":
		return protocol.StatusError, "server said error"
	case "refused":
		return protocol.StatusClientError, "refused"
	}
	return protocol.StatusUnset, ""
}
