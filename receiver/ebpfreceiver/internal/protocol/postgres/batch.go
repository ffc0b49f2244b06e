package postgres

import (
	"strings"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/sqltext"
)

// batch is what was read of an extended query: the messages up to Sync.
type batch struct {
	begun    bool
	executed int       // statements, without those that only control the transaction
	first    statement // of these, nil if it is not known
	control  statement // first that only controls the transaction
	prepared statement // last that was parsed
	bound    statement // last that was bound
	closed   bool
	mixed    bool            // the statements differ,
	varied   bool            // and so do their operations
	texts    strings.Builder // their texts, when they do
	headers  []protocol.Header
}

func (b *batch) reset() { *b = batch{} }

// parse takes Parse: a statement gets a name and a text.
func (p *Parser) parse(payload []byte, cut bool) {
	p.batch.begun = true
	name, rest, named := cstring(payload)
	if !named {
		return
	}
	text, _, whole := cstring(rest)
	st := p.describe(text, cut && !whole)
	p.batch.headers = headers(p.batch.headers, st.Tags)
	st.Tags = nil // they belong to this exchange
	p.batch.prepared = &st
	p.cache.prepare(string(name), &st)
}

// bind takes Bind: a portal is made of a statement.
func (p *Parser) bind(payload []byte) {
	p.batch.begun = true
	portal, rest, ok := cstring(payload)
	name, _, named := cstring(rest)
	if ok && named {
		p.batch.bound = p.cache.bind(string(portal), string(name))
	}
}

// execute takes Execute: a portal runs.
func (p *Parser) execute(payload []byte) {
	p.batch.begun = true
	portal, _, _ := cstring(payload)
	p.batch.execute(p.cache.portal(string(portal)), p.options.MaxStatement)
}

// close takes Close.
func (p *Parser) close(payload []byte) {
	p.batch.begun, p.batch.closed = true, true
	if len(payload) == 0 {
		return
	}
	name, _, _ := cstring(payload[1:])
	p.cache.close(payload[0], string(name))
}

// execute counts an execution of st, which is nil when it is not known.
func (b *batch) execute(st statement, limit int) {
	if st != nil && isControl(st.Operation) {
		if b.control == nil {
			b.control = st
		}
		return
	}
	b.executed++
	if b.executed == 1 {
		b.first = st
		return
	}
	if !b.mixed && sameText(st, b.first) {
		return
	}
	if !b.mixed {
		b.mixed = true
		for range b.executed - 1 {
			b.add(b.first, limit)
		}
	}
	b.add(st, limit)
	b.varied = b.varied || st == nil || b.first == nil || st.Operation != b.first.Operation
}

// cut ends the batch before its Sync was seen. What was bound or parsed in it has
// most likely been executed as well.
func (b *batch) cut(limit int) {
	switch {
	case b.executed > 0 || b.control != nil:
	case b.bound != nil:
		b.execute(b.bound, limit)
	case b.prepared != nil:
		b.execute(b.prepared, limit)
	}
}

func sameText(a, b statement) bool {
	return a == b || a != nil && b != nil && a.Text == b.Text && a.Summary == b.Summary
}

// add appends a statement to the text of a mixed batch.
func (b *batch) add(st statement, limit int) {
	if st == nil || b.texts.Len() > limit {
		return
	}
	if b.texts.Len() > 0 {
		b.texts.WriteString("; ")
	}
	b.texts.WriteString(st.Text)
}

// isControl reports whether the statement only controls the transaction.
func isControl(operation string) bool {
	switch strings.ToUpper(operation) {
	case "BEGIN", "START TRANSACTION", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE":
		return true
	}
	return false
}

// sync takes Sync: the exchange is complete. If its first part was cut, that has
// gone out already: it ended in Flush, as this part shows.
func (p *Parser) sync() *protocol.Message {
	b := &p.batch
	if p.halved {
		p.halved = false
		b.reset()
		return ignored()
	}
	st := b.describe(p.options.MaxStatement)
	m := p.request(spanName(st), st, b.executed)
	m.Headers = b.headers
	b.reset()
	return m
}

// describe returns one description for all that the batch does.
func (b *batch) describe(limit int) sqltext.Statement {
	switch {
	case b.executed > 1:
		return b.several(limit)
	case b.executed == 1 && b.first == nil:
		return sqltext.Statement{Operation: "EXECUTE", Summary: "EXECUTE"}
	case b.executed == 1:
		return *b.first
	case b.control != nil:
		return *b.control
	case b.prepared != nil:
		st := *b.prepared
		st.Operation = "PREPARE"
		st.Summary = join("PREPARE", st.Summary)
		return st
	case b.closed:
		return sqltext.Statement{Operation: "DEALLOCATE", Summary: "DEALLOCATE"}
	case b.begun:
		return sqltext.Statement{Operation: "DESCRIBE", Summary: "DESCRIBE"}
	}
	return sqltext.Statement{Operation: "SYNC", Summary: "SYNC"}
}

// several describes more than one execution, as the semantic conventions want
// batches.
func (b *batch) several(limit int) sqltext.Statement {
	if b.first == nil || b.mixed {
		st := sqltext.Statement{Operation: "BATCH", Summary: "BATCH"}
		if b.first != nil && !b.varied {
			st.Operation = join("BATCH", b.first.Operation)
		}
		st.Text = protocol.Text([]byte(b.texts.String()), limit)
		return st
	}
	st := *b.first
	st.Summary = join("BATCH", st.Summary)
	st.Operation = join("BATCH", st.Operation)
	return st
}

func join(word, rest string) string { return strings.TrimSuffix(word+" "+rest, " ") }
