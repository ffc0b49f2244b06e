package postgres

import (
	"encoding/binary"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/sqltext"
)

// maxDatabase bounds the name of a database; the server's bound is 63.
const maxDatabase = 128

// fromClient takes a message of the client.
func (p *Parser) fromClient(kind byte, payload []byte, cut bool) (*protocol.Message, bool) {
	p.typed = p.typed || kind != startup
	switch kind {
	case startup:
		return p.startup(payload)
	case 'Q':
		return p.query(payload, cut), true
	case 'P':
		p.parse(payload, cut)
	case 'B':
		p.bind(payload)
	case 'E':
		p.execute(payload)
	case 'C':
		p.close(payload)
	case 'D', 'H':
		p.batch.begun = true
	case 'S':
		return p.sync(), true
	case 'F':
		return p.request("FunctionCall", sqltext.Statement{Operation: "FunctionCall"}, 0), true
	case 'X', 'c', 'f', 'p':
		return ignored(), true
	}
	return nil, true
}

// startup takes a packet without a type.
func (p *Parser) startup(payload []byte) (*protocol.Message, bool) {
	switch code := binary.BigEndian.Uint32(payload); {
	case code == sslCode, code == gssCode:
		p.asking = true
	case code == cancelCode:
	case code>>16 == 3:
		p.asking, p.starting = false, true
		p.database = database(payload[4:])
	default:
		return nil, false
	}
	return ignored(), true
}

// database finds the database among the parameters; it is called like the user
// when it is not named.
func database(parameters []byte) string {
	var user, name []byte
	for {
		key, rest, _ := cstring(parameters)
		value, rest, whole := cstring(rest)
		if !whole || len(key) == 0 {
			break
		}
		switch string(key) {
		case "user":
			user = value
		case "database":
			name = value
		}
		parameters = rest
	}
	if len(name) == 0 {
		name = user
	}
	return protocol.Text(name, maxDatabase)
}

// query takes a simple query. One that comes before the Sync of others ends them
// as well.
func (p *Parser) query(payload []byte, cut bool) *protocol.Message {
	text, _, whole := cstring(payload)
	st := p.describe(text, cut || !whole)
	p.batch.reset()
	m := p.request(spanName(st), st, 0)
	m.Headers = headers(nil, st.Tags)
	return m
}

// describe reads the text of a statement.
func (p *Parser) describe(text []byte, cut bool) sqltext.Statement {
	return sqltext.Describe(text, &sqltext.Options{
		BackslashEscapes: p.escapes,
		Raw:              p.options.RawStatements,
		Truncated:        cut,
		MaxText:          p.options.MaxStatement,
		Tags:             p.options.ContextHeaders,
	})
}

func headers(list []protocol.Header, tags []sqltext.Tag) []protocol.Header {
	for _, t := range tags {
		list = append(list, protocol.Header{Name: t.Key, Value: t.Value})
	}
	return list
}

// spanName is the summary, or the operation, or the system.
func spanName(st sqltext.Statement) string {
	switch {
	case st.Summary != "":
		return st.Summary
	case st.Operation != "":
		return st.Operation
	}
	return "postgresql"
}

// request returns a message that opens an exchange with a statement, or with so
// many in a batch if size is not 0.
func (p *Parser) request(name string, st sqltext.Statement, size int) *protocol.Message {
	p.waiting++
	m := p.options.Messages.New(protocol.Request)
	m.Name, m.Attributes = name, p.attributes(m.Attributes, st, size)
	return m
}

func (p *Parser) attributes(list []protocol.Attribute, st sqltext.Statement, size int) []protocol.Attribute {
	list = append(list, protocol.String("db.system.name", "postgresql"))
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
	if size > 1 {
		list = append(list, protocol.Int("db.operation.batch.size", int64(size)))
	}
	return list
}
