package sqltext

import (
	"strings"
	"unicode/utf8"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Options say how to read a statement and what to keep of it.
type Options struct {
	Dialect Dialect
	// BackslashEscapes says that PostgreSQL's standard_conforming_strings is off.
	// MySQL always has such escapes.
	BackslashEscapes bool
	// Raw keeps the text as it is, literals and comments included.
	Raw bool
	// Truncated says that the statement goes on behind what is given.
	Truncated bool
	// MaxText bounds Statement.Text in bytes. Zero means no text at all.
	MaxText int
	// Tags names the sqlcommenter keys to return: trace context in comments.
	Tags []string
}

// Statement describes SQL text of one or more statements.
type Statement struct {
	// Text is the text with literals replaced by a question mark, comments removed,
	// white space made single and lists of literals behind IN made one; valid UTF-8.
	Text string
	// Summary lists operations and their targets as the text has them, at most 255
	// bytes: "SELECT orders", "INSERT a SELECT b". Empty when no operation is known.
	Summary string
	// Operation, Collection (a table) and Procedure are set when the text plainly
	// has one and no other.
	Operation, Collection, Procedure string
	// Tags are the wanted sqlcommenter pairs, values decoded.
	Tags []Tag
}

// Tag is a pair of a sqlcommenter comment (google.github.io/sqlcommenter/spec).
type Tag struct{ Key, Value string }

// Describe reads sql, which it neither keeps nor changes. It takes time and
// memory in proportion to len(sql), which the caller bounds.
func Describe(sql []byte, o *Options) Statement {
	if o == nil {
		o = &Options{}
	}
	var st Statement
	s := summary{src: sql, truncated: o.Truncated}
	s.frames[0].start = true
	w := writer{limit: o.MaxText}
	if !o.Raw {
		w.out.Grow(min(len(sql), max(o.MaxText, 0)))
	}
	l := lexer{src: sql, dialect: o.Dialect, escapes: o.BackslashEscapes || o.Dialect == MySQL, wanted: o.Tags}
	for {
		t := l.next()
		var kw keyword
		if t.kind == word && !isPart(sql, t) {
			kw = lookup(sql[t.start:t.end])
		}
		s.add(t, kw)
		if t.kind == end {
			break
		}
		if !o.Raw {
			w.add(t, kw, sql[t.start:t.end])
		}
	}
	s.describe(&st)
	st.Tags = l.tags
	st.Text = w.text()
	if o.Raw {
		st.Text = protocol.Text(sql, o.MaxText)
	}
	return st
}

// isPart reports whether the word is a part of something that cannot be a
// keyword: a qualified name, a variable, a named placeholder.
func isPart(sql []byte, t token) bool {
	if t.start == 0 {
		return false
	}
	before := sql[t.start-1]
	return before == '.' || before == '@' || before == ':'
}

// writer builds the text without literals.
type writer struct {
	out   strings.Builder
	limit int
	full  bool
	list  listState
	last  keyword // keyword before, or zero
	open  bool    // the token before cannot end an operand: a sign belongs to the number
	sign  bool    // a sign is held back
	space bool    // with white space before it
}

// listState follows "IN (literal, literal ...)".
type listState uint8

const (
	noList listState = iota
	afterIn
	afterParen
	afterLiteral // only here and below are tokens swallowed
	afterComma
)

func (w *writer) add(t token, kw keyword, text []byte) {
	if t.kind == word && w.isBoolean(kw) {
		t.kind = literal
	}
	if w.holdSign(t, text) {
		return
	}
	t.spaced = t.spaced || w.sign && w.space
	isLiteral := t.kind == literal || t.kind == number
	if !w.swallow(isLiteral, kw, text) {
		w.write(t, isLiteral, text)
	}
	w.sign = false
	w.last = kw
	w.open = t.kind == punct && text[0] != ')' && text[0] != ']' && text[0] != '$' && text[0] != '?'
}

// isBoolean reports whether the word is a truth value, and not a part of IS TRUE.
func (w *writer) isBoolean(kw keyword) bool {
	return (kw == kwTrue || kw == kwFalse) && w.last != kwIs && w.last != kwNot
}

// holdSign keeps a sign that may belong to the number behind it.
func (w *writer) holdSign(t token, text []byte) bool {
	if w.sign && t.kind != number {
		w.sign = false
		w.flushList()
		w.write(token{spaced: w.space}, false, []byte{'-'})
	}
	if t.kind == punct && w.open && text[0] == '-' {
		w.sign, w.space = true, t.spaced
		return true
	}
	return false
}

// swallow advances the list state and reports whether the token disappears.
func (w *writer) swallow(isLiteral bool, kw keyword, text []byte) bool {
	was := w.list
	w.list = noList
	switch {
	case kw == kwIn:
		w.list = afterIn
	case was == afterIn && text[0] == '(':
		w.list = afterParen
	case was == afterParen && isLiteral:
		w.list = afterLiteral
	case was == afterLiteral && text[0] == ',':
		w.list = afterComma
		return true
	case was == afterComma && isLiteral:
		w.list = afterLiteral
		return true
	case was == afterComma:
		w.put(',')
	}
	return false
}

// flushList writes the comma that was held back for a literal that did not come.
func (w *writer) flushList() {
	if w.list == afterComma {
		w.put(',')
	}
	w.list = noList
}

func (w *writer) write(t token, isLiteral bool, text []byte) {
	if t.spaced && w.out.Len() > 0 {
		w.put(' ')
	}
	if isLiteral {
		w.put('?')
		return
	}
	w.put(text...)
}

// put appends as long as there is room.
func (w *writer) put(text ...byte) {
	room := w.limit - w.out.Len()
	if w.full {
		return
	}
	w.full = len(text) > room
	w.out.Write(protocol.Truncate(text, room))
}

// text returns what was written.
func (w *writer) text() string {
	s := w.out.String()
	if utf8.ValidString(s) {
		return s
	}
	return protocol.Text([]byte(s), w.limit)
}
