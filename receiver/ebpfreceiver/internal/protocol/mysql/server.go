package mysql

import (
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Packets of the server by their first byte.
const (
	okPacket     = 0x00
	morePacket   = 0x01 // while authenticating
	infilePacket = 0xfb
	eofPacket    = 0xfe
	errPacket    = 0xff
)

// eofSize is the length of an EOF packet; an OK packet in its place is longer.
const eofSize = 5

// Status flags of the server.
const (
	moreResults  = 1 << 3
	cursorExists = 1 << 6
)

// noCode is the error.type of an error without a code.
const noCode = "_OTHER"

// progress is the code of MariaDB's progress reports.
const progress = 0xffff

// eofs says whether EOF packets follow definitions.
type eofs uint8

const (
	eofsUnknown eofs = iota
	eofsSent
	eofsDeprecated // CLIENT_DEPRECATE_EOF
)

// state says what the next packet of a response is.
type state uint8

const (
	opening    state = iota
	defining         // columns of a result
	rows             // or the EOF before them, or what ends them
	describing       // parameters and columns of a prepared statement
)

// answer is what was read of the response under way.
type answer struct {
	begun    bool
	state    state
	left     uint64 // definitions to come
	ends     int    // EOF packets to come, if they are sent
	between  bool   // an EOF may divide columns and rows
	rows     int64
	isQuery  bool // it has rows, be it none
	code     string
	sqlstate string
	text     string // of the error, when statements may be seen
}

// fromServer takes a payload of the server.
func (p *Parser) fromServer(f *frame, payload []byte, cut bool) (*protocol.Message, bool) {
	switch {
	case len(payload) == 0:
		return nil, false
	case f.seq == 0 && !p.spoken:
		return p.greet(payload)
	case p.starting:
		return p.authenticate(payload), true
	case f.kind == errPacket && len(payload) >= 3 && binary.LittleEndian.Uint16(payload[1:]) == progress:
		p.answer.begun = true
		return nil, true
	}
	switch p.answer.state {
	case opening:
		return p.open(f, payload, cut)
	case defining:
		return nil, p.define(payload)
	case describing:
		return p.detail(f, payload)
	}
	return p.row(f, payload), true
}

// current returns the command that is answered. One that was not seen is taken
// for a query.
func (p *Parser) current() command {
	if len(p.waiting) == 0 {
		return command{code: comQuery}
	}
	return p.waiting[0]
}

// open takes the first packet of a response, or of its next result.
func (p *Parser) open(f *frame, payload []byte, cut bool) (*protocol.Message, bool) {
	if p.isTrailer(f) {
		return ignored(), true
	}
	if !p.answer.begun && f.seq == 0 {
		return nil, false
	}
	if len(p.waiting) == 0 && !p.answer.begun && f.kind == errPacket {
		return ignored(), true // the server closes the connection
	}
	c := p.current()
	p.answer.begun = true
	switch {
	case c.code == comFetch, c.code == comFieldList:
		p.answer.state = rows
		p.answer.isQuery = c.code == comFetch
		return p.row(f, payload), true
	case f.kind == errPacket:
		return p.failed(payload), true
	case c.code == comStatistics:
		return p.respond(), true
	case c.code == comChangeUser && f.kind != okPacket, f.kind == infilePacket:
		return nil, true // the client is asked for more
	case c.code == comPrepare:
		return p.prepared(f, payload, c.prepared)
	case f.kind == okPacket, f.kind == eofPacket:
		return p.done(f, payload), true
	}
	return nil, p.columns(payload, cut)
}

// isTrailer reports whether the packet is the EOF behind the definitions of a
// prepared statement, which nobody knew would come.
func (p *Parser) isTrailer(f *frame) bool {
	if p.answer.begun || f.kind != eofPacket || f.size != eofSize || f.seq <= 1 || p.eofs != eofsUnknown {
		return false
	}
	p.eofs = eofsSent
	return true
}

// columns takes the number of columns of a result. MariaDB may add that their
// definitions are left out.
func (p *Parser) columns(payload []byte, cut bool) bool {
	n, rest, ok := lenenc(payload)
	if !ok || n == 0 || len(rest) > 1 || cut {
		return false
	}
	a := &p.answer
	a.state, a.left, a.isQuery, a.between = defining, n, true, true
	if len(rest) == 1 && rest[0] == 0 {
		a.state = rows
	}
	return true
}

// define takes the definition of a column.
func (p *Parser) define(payload []byte) bool {
	p.answer.left--
	if p.answer.left == 0 {
		p.answer.state = rows
	}
	return isDefinition(payload)
}

// isDefinition: the catalog is always "def".
func isDefinition(payload []byte) bool { return len(payload) >= 4 && string(payload[:4]) == "\x03def" }

// prepared takes the answer to COM_STMT_PREPARE: an id, and how many
// definitions follow.
func (p *Parser) prepared(f *frame, payload []byte, st statement) (*protocol.Message, bool) {
	const least = 12
	if f.kind != okPacket || len(payload) < least {
		return nil, false
	}
	if st != nil {
		p.cache.prepare(statementID(payload), st)
	}
	a := &p.answer
	for _, at := range [...]int{5, 7} {
		n := binary.LittleEndian.Uint16(payload[at:])
		a.left += uint64(n)
		a.ends += int(min(n, 1))
	}
	if a.left == 0 || len(payload) > least && payload[least] == 0 {
		return p.respond(), true
	}
	a.state = describing
	return nil, true
}

// detail takes what follows the answer to COM_STMT_PREPARE.
func (p *Parser) detail(f *frame, payload []byte) (*protocol.Message, bool) {
	a := &p.answer
	switch {
	case f.kind == eofPacket && f.size == eofSize && a.ends > 0:
		a.ends--
		p.eofs = eofsSent
	case a.left > 0 && isDefinition(payload):
		a.left--
	default:
		return nil, false
	}
	if a.left > 0 || p.eofs == eofsSent && a.ends > 0 {
		return nil, true
	}
	return p.respond(), true
}

// row takes a row, the EOF before the first, or what ends the rows.
func (p *Parser) row(f *frame, payload []byte) *protocol.Message {
	a := &p.answer
	between := a.between
	a.between = false
	switch {
	case f.kind == errPacket && f.size < maxPacket:
		return p.failed(payload)
	case f.kind != eofPacket || f.size == maxPacket:
		a.rows++
	case between && f.size == eofSize:
		p.eofs = eofsSent
		if status(f, payload)&cursorExists == 0 {
			return nil
		}
		a.isQuery = false // the rows are fetched
		return p.done(f, payload)
	default:
		return p.done(f, payload)
	}
	if between {
		p.eofs = eofsDeprecated
	}
	return nil
}

// done takes OK or EOF, which end a result.
func (p *Parser) done(f *frame, payload []byte) *protocol.Message {
	if status(f, payload)&moreResults != 0 {
		p.answer.state = opening
		return nil
	}
	return p.respond()
}

// status returns the status flags of OK and EOF.
func status(f *frame, payload []byte) uint16 {
	const flags = 2
	var rest []byte
	switch {
	case len(payload) == 0:
		return 0
	case f.kind == eofPacket && f.size <= eofSize:
		rest = payload[min(len(payload), 3):]
	default:
		_, behind, _ := lenenc(payload[1:]) // affected rows
		_, rest, _ = lenenc(behind)         // last id
	}
	if len(rest) < flags {
		return 0
	}
	return binary.LittleEndian.Uint16(rest)
}

// failed takes an error, which ends the response.
func (p *Parser) failed(payload []byte) *protocol.Message {
	const fixed, withState = 3, 9
	a := &p.answer
	a.code = noCode
	if len(payload) >= fixed {
		a.code = strconv.Itoa(int(binary.LittleEndian.Uint16(payload[1:])))
		payload = payload[fixed:]
	}
	if len(payload) >= withState-fixed && payload[0] == '#' {
		a.sqlstate = sqlstate(payload[1 : withState-fixed])
		payload = payload[withState-fixed:]
	}
	if p.options.RawStatements && a.code != noCode {
		a.text = protocol.Text(payload, p.options.MaxStatement)
	}
	return p.respond()
}

// sqlstate returns a code of letters and digits; anything else is none.
func sqlstate(code []byte) string {
	for _, c := range code {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return ""
		}
	}
	return string(code)
}

// respond returns the response under way.
func (p *Parser) respond() *protocol.Message {
	a, c := &p.answer, p.current()
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
	} else if c.database != "" {
		p.database = c.database
	}
	p.answer = answer{}
	p.waiting = slices.Delete(p.waiting, 0, min(1, len(p.waiting)))
	return m
}

// statusText is what MySQL's own client prints.
func (a *answer) statusText() string {
	if a.code == noCode {
		return "ERROR"
	}
	text := "ERROR " + a.code
	if a.sqlstate != "" {
		text += " (" + a.sqlstate + ")"
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
