package postgres

import (
	"bytes"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// noCode is the error.type of an error without SQLSTATE.
const noCode = "_OTHER"

// answer is what was read of the response under way.
type answer struct {
	begun    bool
	rows     int64
	isQuery  bool // it has rows, be it none
	severity string
	code     string // SQLSTATE of the first error
	text     string // its text, when statements may be seen
}

// fromServer takes a message of the server.
func (p *Parser) fromServer(kind byte, payload []byte) (*protocol.Message, bool) {
	if kind == 'S' {
		p.parameter(payload)
	}
	if p.starting {
		p.starting = kind != 'Z'
		return ignored(), true
	}
	switch kind {
	case 'Z':
		return p.ready(), true
	case 'N', 'A', 'S': // at any time
		if !p.answer.begun && p.waiting == 0 {
			return ignored(), true
		}
	case 'R', 'K', 'v': // only while starting
		return ignored(), true
	case 'E':
		return p.failed(payload), true
	case 'D':
		p.answer.rows++
		p.answer.isQuery = true
	case 'C':
		p.answer.isQuery = p.answer.isQuery || bytes.HasPrefix(payload, []byte("SELECT ")) ||
			bytes.HasPrefix(payload, []byte("FETCH "))
	case 'W':
		p.streaming = true
		return p.respond(), true
	}
	p.answer.begun = !p.streaming
	return nil, true
}

// parameter takes ParameterStatus.
func (p *Parser) parameter(payload []byte) {
	name, rest, _ := cstring(payload)
	if string(name) == "standard_conforming_strings" {
		value, _, _ := cstring(rest)
		p.escapes = string(value) == "off"
	}
}

// ready takes ReadyForQuery, which ends a response. The one that ends a
// replication stream answers nothing.
func (p *Parser) ready() *protocol.Message {
	p.halved = false
	if p.streaming {
		p.streaming = false
		p.answer = answer{}
		return ignored()
	}
	return p.respond()
}

// respond returns the response under way.
func (p *Parser) respond() *protocol.Message {
	a := &p.answer
	m := p.options.Messages.New(protocol.Response)
	if a.isQuery {
		m.Attributes = append(m.Attributes, protocol.Int("db.response.returned_rows", a.rows))
	}
	if a.code != "" {
		m.Status, m.StatusText = protocol.StatusError, a.statusText()
		if a.code != noCode {
			m.Attributes = append(m.Attributes, protocol.String("db.response.status_code", a.code))
		}
		m.Attributes = append(m.Attributes, protocol.String("error.type", a.code))
	}
	p.answer = answer{}
	p.waiting = max(p.waiting-1, 0)
	return m
}

func (a *answer) statusText() string {
	text := a.severity
	if a.code != noCode {
		text += " " + a.code
	}
	if a.text != "" {
		text += ": " + a.text
	}
	return text
}

// cutAnswer ends the response under way where it stands.
func (p *Parser) cutAnswer() *protocol.Message {
	if !p.answer.begun {
		return nil
	}
	p.answer.isQuery = false // not all rows were seen
	return p.respond()
}

// failed takes ErrorResponse. A fatal one ends the connection: no ReadyForQuery
// follows.
func (p *Parser) failed(payload []byte) *protocol.Message {
	a := &p.answer
	severity, code, text := errorFields(payload)
	if a.code == "" {
		a.severity, a.code = protocol.Text(severity, 16), sqlstate(code)
		if p.options.RawStatements {
			a.text = protocol.Text(text, p.options.MaxStatement)
		}
	}
	isFatal := string(severity) == "FATAL" || string(severity) == "PANIC"
	switch {
	case !isFatal:
		a.begun = true
		return nil
	case p.waiting == 0 && !a.begun:
		*a = answer{}
		return ignored()
	}
	return p.respond()
}

// errorFields returns severity, SQLSTATE and text of an error. The severity that
// is not translated wins.
func errorFields(payload []byte) (severity, code, text []byte) {
	for len(payload) > 1 && payload[0] != 0 {
		value, rest, _ := cstring(payload[1:])
		switch payload[0] {
		case 'S':
			if severity == nil {
				severity = value
			}
		case 'V':
			severity = value
		case 'C':
			code = value
		case 'M':
			text = value
		}
		payload = rest
	}
	return severity, code, text
}

// sqlstate returns a code of five letters and digits; anything else is none.
func sqlstate(code []byte) string {
	for _, c := range code {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return noCode
		}
	}
	if len(code) != 5 {
		return noCode
	}
	return string(code)
}
