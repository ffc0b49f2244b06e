package mysql

import (
	"encoding/binary"
	"strings"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/sqltext"
)

// Commands by their first byte.
const (
	comQuit         = 0x01
	comInitDB       = 0x02
	comQuery        = 0x03
	comFieldList    = 0x04
	comStatistics   = 0x09
	comProcessInfo  = 0x0a
	comProcessKill  = 0x0c
	comDebug        = 0x0d
	comPing         = 0x0e
	comChangeUser   = 0x11
	comBinlogDump   = 0x12
	comRegister     = 0x15
	comPrepare      = 0x16
	comExecute      = 0x17
	comLongData     = 0x18
	comCloseStmt    = 0x19
	comResetStmt    = 0x1a
	comSetOption    = 0x1b
	comFetch        = 0x1c
	comBinlogGTID   = 0x1e
	comReset        = 0x1f
	comBulkExecute  = 0xfa // MariaDB
	executeHeadSize = 10   // command, id, flags, count
)

// command is one that waits for its response.
type command struct {
	code     byte
	prepared statement // by COM_STMT_PREPARE
	database string    // chosen if it succeeds
}

// operation returns the name of a command without a statement of its own;
// nothing for one that does not exist.
func operation(code byte) string {
	switch code {
	case comInitDB:
		return "USE"
	case comFieldList:
		return "FIELD_LIST"
	case comStatistics:
		return "STATISTICS"
	case comProcessInfo:
		return "PROCESS_INFO"
	case comProcessKill:
		return "KILL"
	case comDebug:
		return "DEBUG"
	case comPing:
		return "PING"
	case comChangeUser:
		return "CHANGE_USER"
	case comRegister:
		return "REGISTER_REPLICA"
	case comExecute, comBulkExecute:
		return "EXECUTE"
	case comResetStmt:
		return "RESET"
	case comSetOption:
		return "SET_OPTION"
	case comFetch:
		return "FETCH"
	case comReset:
		return "RESET_CONNECTION"
	}
	return ""
}

// wantedOfCommand returns how many bytes of a command are read.
func wantedOfCommand(code byte, o *protocol.Options) int {
	switch code {
	case comQuery, comPrepare:
		return min(2*o.MaxStatement, maxText)
	case comInitDB:
		return 1 + maxDatabase
	case comChangeUser:
		return maxFields
	case comExecute, comBulkExecute, comCloseStmt:
		return 1 + 4
	}
	return 1
}

// fromClient takes a payload of the client. Only the first packet of an exchange
// is a command.
func (p *Parser) fromClient(f *frame, payload []byte, cut bool) (*protocol.Message, bool) {
	switch {
	case p.starting && f.seq != 0, f.seq == 1 && !p.spoken && f.size >= tlsRequestLen:
		return p.reply(f, payload)
	case f.seq != 0:
		return ignored(), p.spoken
	case len(payload) == 0:
		return nil, false
	}
	p.starting = false // what ended it was lost
	return p.command(payload, cut)
}

// command takes a command.
func (p *Parser) command(payload []byte, cut bool) (*protocol.Message, bool) {
	code := payload[0]
	switch code {
	case comQuit, comLongData:
		return ignored(), true
	case comCloseStmt:
		if len(payload) >= 5 {
			p.cache.forget(binary.LittleEndian.Uint32(payload[1:]))
		}
		return ignored(), true
	case comBinlogDump, comBinlogGTID:
		p.opaque = true
		return ignored(), true
	}
	if len(p.waiting) >= maxWaiting {
		return nil, false
	}
	switch code {
	case comQuery:
		return p.query(payload[1:], cut), true
	case comPrepare:
		return p.prepare(payload[1:], cut), true
	case comExecute, comBulkExecute:
		return p.execute(payload), true
	}
	name := operation(code)
	if name == "" {
		return nil, false
	}
	c := command{code: code}
	switch code {
	case comInitDB:
		c.database = protocol.Text(payload[1:], maxDatabase)
	case comChangeUser:
		c.database = database(payload[1:], 0)
	}
	return p.request(c, sqltext.Statement{Operation: name, Summary: name}), true
}

// query takes COM_QUERY.
func (p *Parser) query(payload []byte, cut bool) *protocol.Message {
	text, attributes, ok := queryAttributes(payload, p.options.ContextHeaders)
	st := sqltext.Statement{}
	if ok {
		st = p.describe(text, cut)
	}
	c := command{code: comQuery}
	if ok && strings.EqualFold(st.Operation, "USE") {
		c.database = chosen(text)
	}
	m := p.request(c, st)
	m.Headers = headers(attributes, st.Tags)
	return m
}

// chosen returns the database that a USE names.
func chosen(text []byte) string {
	words := strings.Fields(protocol.Text(text, 2*maxDatabase))
	if len(words) < 2 || !strings.EqualFold(words[0], "USE") {
		return ""
	}
	return strings.Trim(words[1], "`;")
}

// prepare takes COM_STMT_PREPARE: a statement that gets an id by its response.
func (p *Parser) prepare(text []byte, cut bool) *protocol.Message {
	st := p.describe(text, cut)
	list := headers(nil, st.Tags)
	st.Tags = nil // they belong to this exchange
	p.cache.last = &st
	what := st
	what.Operation = "PREPARE"
	what.Summary = strings.TrimSuffix("PREPARE "+st.Summary, " ")
	m := p.request(command{code: comPrepare, prepared: &st}, what)
	m.Headers = list
	return m
}

// execute takes COM_STMT_EXECUTE and its like.
func (p *Parser) execute(payload []byte) *protocol.Message {
	c := command{code: payload[0]}
	if len(payload) >= 5 {
		if st := p.cache.lookup(binary.LittleEndian.Uint32(payload[1:])); st != nil {
			return p.request(c, *st)
		}
	}
	return p.request(c, sqltext.Statement{Operation: "EXECUTE", Summary: "EXECUTE"})
}

// describe reads the text of a statement.
func (p *Parser) describe(text []byte, cut bool) sqltext.Statement {
	return sqltext.Describe(text, &sqltext.Options{
		Dialect:   sqltext.MySQL,
		Raw:       p.options.RawStatements,
		Truncated: cut,
		MaxText:   p.options.MaxStatement,
		Tags:      p.options.ContextHeaders,
	})
}

func headers(list []protocol.Header, tags []sqltext.Tag) []protocol.Header {
	for _, t := range tags {
		list = append(list, protocol.Header{Name: t.Key, Value: t.Value})
	}
	return list
}

// request returns a message that opens an exchange.
func (p *Parser) request(c command, st sqltext.Statement) *protocol.Message {
	p.waiting = append(p.waiting, c)
	m := p.options.Messages.New(protocol.Request)
	m.Name = p.spanName(st)
	m.Attributes = p.attributes(m.Attributes, st)
	return m
}

func (p *Parser) system() string {
	if p.mariadb {
		return "mariadb"
	}
	return "mysql"
}

// spanName is the summary, or the operation, or the system.
func (p *Parser) spanName(st sqltext.Statement) string {
	switch {
	case st.Summary != "":
		return st.Summary
	case st.Operation != "":
		return st.Operation
	}
	return p.system()
}

func (p *Parser) attributes(list []protocol.Attribute, st sqltext.Statement) []protocol.Attribute {
	list = append(list, protocol.String("db.system.name", p.system()))
	text := func(key, value string) {
		if value != "" {
			list = append(list, protocol.String(key, value))
		}
	}
	text("db.namespace", p.database)
	text("db.operation.name", st.Operation)
	text("db.collection.name", st.Collection)
	text("db.stored_procedure.name", st.Procedure)
	text("db.query.summary", st.Summary)
	text("db.query.text", st.Text)
	return list
}
