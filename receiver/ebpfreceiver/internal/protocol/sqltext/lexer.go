package sqltext

// Dialect selects the lexical rules.
type Dialect uint8

// Dialects.
const (
	PostgreSQL Dialect = iota
	MySQL
)

type kind uint8

const (
	end kind = iota
	word
	quoted  // quoted identifier
	literal // string or number
	number
	punct // any other single byte, and placeholders
)

// token is src[start:end]; spaced says that white space or a comment precedes.
type token struct {
	kind       kind
	spaced     bool
	start, end int
}

// lexer cuts a statement into tokens. Comments are passed over but for the wanted
// tags in them.
type lexer struct {
	src     []byte
	pos     int
	dialect Dialect
	// escapes says that a backslash escapes the next byte in '...' strings.
	escapes bool
	wanted  []string
	tags    []Tag
}

func (l *lexer) next() token {
	spaced := l.skipSpace()
	t := token{spaced: spaced, start: l.pos}
	if l.pos < len(l.src) {
		t.kind = l.scan(l.src[l.pos])
	}
	t.end = l.pos
	return t
}

// peek returns the byte at distance n from the current position, or 0.
func (l *lexer) peek(n int) byte {
	if l.pos+n < len(l.src) {
		return l.src[l.pos+n]
	}
	return 0
}

// scan moves behind the token that begins with c.
func (l *lexer) scan(c byte) kind {
	switch {
	case c == '\'':
		l.string(l.escapes)
		return literal
	case c == '"':
		return l.doubleQuoted()
	case c == '`' && l.dialect == MySQL:
		l.quoted('`', false)
		return quoted
	case c == '$' && l.dialect == PostgreSQL:
		return l.dollar()
	case isDigit(c), c == '.' && isDigit(l.peek(1)):
		l.number()
		return number
	case isWordStart(c):
		return l.word()
	}
	l.pos++
	return punct
}

// doubleQuoted reads "...": an identifier, in MySQL's default mode a string.
func (l *lexer) doubleQuoted() kind {
	if l.dialect == MySQL {
		l.quoted('"', true)
		return literal
	}
	l.quoted('"', false)
	return quoted
}

// word reads an identifier or keyword, or the string that it is the prefix of:
// E'...' has escapes, B, N, X and U& do not change the rules.
func (l *lexer) word() kind {
	start := l.pos
	for l.pos < len(l.src) && l.isWordPart(l.src[l.pos]) {
		l.pos++
	}
	if l.pos-start != 1 {
		return word
	}
	switch first := l.src[start] | 0x20; {
	case l.peek(0) == '\'' && (first == 'e' && l.dialect == PostgreSQL):
		l.string(true)
		return literal
	case l.peek(0) == '\'' && (first == 'b' || first == 'n' || first == 'x'):
		l.string(l.escapes)
		return literal
	case first == 'u' && l.dialect == PostgreSQL && l.peek(0) == '&' && l.peek(1) == '\'':
		l.pos++
		l.string(l.escapes)
		return literal
	case first == 'u' && l.dialect == PostgreSQL && l.peek(0) == '&' && l.peek(1) == '"':
		l.pos++
		return l.doubleQuoted()
	}
	return word
}

// string reads '...' and, as PostgreSQL does, the strings on following lines
// that continue it under the same rules.
func (l *lexer) string(escapes bool) {
	l.quoted('\'', escapes)
	for l.dialect == PostgreSQL {
		n := continuation(l.src[l.pos:])
		if n == 0 {
			return
		}
		l.pos += n
		l.quoted('\'', escapes)
	}
}

// continuation returns the length of white space with a line feed in it that is
// followed by a quote, else 0.
func continuation(b []byte) int {
	line := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\n' || c == '\r':
			line = true
		case c == '\'' && line:
			return i
		case c == '-' && i+1 < len(b) && b[i+1] == '-':
			for i+1 < len(b) && b[i+1] != '\n' && b[i+1] != '\r' {
				i++
			}
		case !isSpace(c):
			return 0
		}
	}
	return 0
}

// quoted moves behind the closing quote; a doubled quote stands for itself. What
// has no closing quote ends with the text.
func (l *lexer) quoted(quote byte, escapes bool) {
	for l.pos++; l.pos < len(l.src); l.pos++ {
		switch c := l.src[l.pos]; {
		case c == '\\' && escapes:
			l.pos++
		case c != quote:
		case l.peek(1) == quote:
			l.pos++
		default:
			l.pos++
			return
		}
	}
	l.pos = len(l.src)
}

// dollar reads $1, $tag$...$tag$ or a lone dollar sign.
func (l *lexer) dollar() kind {
	l.pos++
	if isDigit(l.peek(0)) {
		for isDigit(l.peek(0)) {
			l.pos++
		}
		return punct
	}
	n := 0
	for isWordStart(l.peek(n)) || (n > 0 && isDigit(l.peek(n))) {
		n++
	}
	if l.peek(n) != '$' {
		return punct
	}
	tag := l.src[l.pos-1 : l.pos+n+1]
	l.pos += n + 1
	l.until(tag)
	return literal
}

// until moves behind the next occurrence of mark, or to the end.
func (l *lexer) until(mark []byte) {
	for ; l.pos+len(mark) <= len(l.src); l.pos++ {
		if string(l.src[l.pos:l.pos+len(mark)]) == string(mark) {
			l.pos += len(mark)
			return
		}
	}
	l.pos = len(l.src)
}

// number reads all that can belong to a number, and letters glued to it.
func (l *lexer) number() {
	for ; l.pos < len(l.src); l.pos++ {
		switch c := l.src[l.pos]; {
		case isDigit(c), c == '.', c != '$' && l.isWordPart(c):
		case (c == '+' || c == '-') && l.src[l.pos-1]|0x20 == 'e' && isDigit(l.peek(1)) && !l.isHex():
		default:
			return
		}
	}
}

// isHex reports whether the number that ends here began with 0x, in which an e
// is a digit.
func (l *lexer) isHex() bool {
	start := l.pos
	for start > 0 && l.isWordPart(l.src[start-1]) {
		start--
	}
	return l.pos-start > 2 && l.src[start] == '0' && l.src[start+1]|0x20 == 'x'
}

// skipSpace passes over white space and comments.
func (l *lexer) skipSpace() bool {
	start := l.pos
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; {
		case isSpace(c):
			l.pos++
		case c == '-' && l.peek(1) == '-' && l.dashesComment():
			l.lineComment(2)
		case c == '#' && l.dialect == MySQL:
			l.lineComment(1)
		case c == '/' && l.peek(1) == '*':
			l.blockComment()
		default:
			return l.pos > start
		}
	}
	return l.pos > start
}

// dashesComment: MySQL wants white space behind the two dashes.
func (l *lexer) dashesComment() bool {
	return l.dialect != MySQL || l.peek(2) <= ' '
}

func (l *lexer) lineComment(mark int) {
	l.pos += mark
	start := l.pos
	for l.pos < len(l.src) && l.src[l.pos] != '\n' && l.src[l.pos] != '\r' {
		l.pos++
	}
	l.comment(start, l.pos)
}

// blockComment reads /* ... */, which PostgreSQL nests.
func (l *lexer) blockComment() {
	start, depth := l.pos+2, 1
	for l.pos += 2; l.pos < len(l.src) && depth > 0; l.pos++ {
		switch {
		case l.src[l.pos] == '*' && l.peek(1) == '/':
			depth--
			l.pos++
		case l.src[l.pos] == '/' && l.peek(1) == '*' && l.dialect == PostgreSQL:
			depth++
			l.pos++
		}
	}
	if depth == 0 && l.pos-2 > start {
		l.comment(start, l.pos-2)
	}
}

func (l *lexer) comment(start, end int) {
	if len(l.wanted) > 0 {
		l.tags = appendTags(l.tags, l.src[start:end], l.wanted)
	}
}

func (l *lexer) isWordPart(c byte) bool {
	return isWordStart(c) || isDigit(c) || c == '$'
}

func isWordStart(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= 0x80
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
