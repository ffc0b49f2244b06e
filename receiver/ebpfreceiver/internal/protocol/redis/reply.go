package redis

import (
	"bytes"
	"strings"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Marks in level.left of what has no length.
const (
	streamedAggregate = -1
	streamedString    = -2
)

// noCode is the error.type of an error without a prefix.
const noCode = "_OTHER"

// maxWord is the length of the longest first element of a push that matters.
const maxWord = 16

// level is an aggregate that is being read.
type level struct {
	left      int64 // elements to come
	attribute bool  // it stands before a value and is not one
}

// reply is what was read of the reply under way.
type reply struct {
	kind     byte // its first byte, 0 before it; that of an attribute does not count
	elements int  // of the outermost aggregate, so far
	size     int64
	first    [maxWord]byte // first element, if it is a short string
	firstLen int
	third    int64  // third element, if it is a number
	null     bool   // its second element is null
	code     string // prefix of the first error
	text     string // its text, when statements may be seen
	line     bool   // a simple string that looks like a line of MONITOR

	levels [maxDepth]level
	depth  int
}

// nextReply takes the next piece of a reply off the front of data.
func (p *Parser) nextReply(data []byte) (protocol.Step, bool) {
	r := &p.reply
	if !isType(data[0]) {
		return protocol.Step{}, false
	}
	line, n, ok := p.line(protocol.FromServer, data)
	if n == 0 || !ok {
		return protocol.Step{}, ok
	}
	step := protocol.Step{Consumed: n}
	if r.depth == 0 && r.kind == 0 && line[0] != '|' {
		r.kind = line[0]
	}
	done := false
	switch line[0] {
	case '*', '%', '~', '>', '|':
		done, ok = r.aggregate(line)
	case '.':
		done, ok = r.endStream(streamedAggregate)
	case ';':
		step.Skip, done, ok = r.chunk(line)
	case '$', '=', '!':
		step, done, ok = p.bulk(line, data, n)
	default:
		done, ok = p.scalar(line)
	}
	if ok && done {
		step.Message = p.endValue()
	}
	return step, ok
}

func isType(c byte) bool { return strings.IndexByte("+-:$*_#,(!=%~>|.;", c) >= 0 }

// scalar takes a value of one line.
func (p *Parser) scalar(line []byte) (done, ok bool) {
	r := &p.reply
	text := line[1:]
	switch line[0] {
	case '-':
		p.failure(text)
	case '+':
		r.line = r.depth == 0 && isMonitorLine(text)
		r.word(text)
	case ':':
		number, isNumber := integer(text)
		if !isNumber {
			return false, false
		}
		if r.depth == 1 && r.elements == 2 {
			r.third = number
		}
	case '_':
		r.null = r.null || r.depth == 1 && r.elements == 1
		return true, len(text) == 0
	case '#':
		return true, string(text) == "t" || string(text) == "f"
	case ',', '(':
		return true, len(text) > 0
	}
	return true, true
}

// bulk takes a string of declared length. It is skipped unless it is an error or
// may be the first element of a push.
func (p *Parser) bulk(line, data []byte, n int) (step protocol.Step, done, ok bool) {
	const longest = 4 << 10
	r := &p.reply
	step.Consumed = n
	if string(line[1:]) == "?" {
		ok = line[0] == '$' && r.push(level{left: streamedString})
		return step, false, ok
	}
	size, ok := length(line[1:], maxBulk)
	if !ok || size < 0 {
		r.null = r.null || r.depth == 1 && r.elements == 1
		return step, true, ok && line[0] == '$'
	}
	isError := line[0] == '!' && size <= longest
	isWord := r.depth == 1 && r.elements == 0 && size <= maxWord
	if !isError && !isWord {
		step.Skip = size + 2
		return step, true, true
	}
	end := n + int(size)
	if len(data) < end+2 {
		if r.depth == 0 {
			r.kind = 0 // it has not begun yet
		}
		return protocol.Step{}, false, true
	}
	step.Consumed = end + 2
	if isError {
		p.failure(data[n:end])
	} else {
		r.word(data[n:end])
	}
	return step, true, true
}

// aggregate opens an array, set, map, push or attribute.
func (r *reply) aggregate(line []byte) (done, ok bool) {
	l := level{attribute: line[0] == '|'}
	if string(line[1:]) == "?" {
		l.left = streamedAggregate
		return false, line[0] != '>' && r.push(l)
	}
	l.left, ok = length(line[1:], maxElements)
	if !ok || l.left < 0 {
		return true, ok && line[0] == '*'
	}
	if line[0] == '%' || l.attribute {
		l.left *= 2
	}
	if r.depth == 0 && !l.attribute {
		r.size = l.left
	}
	if l.left == 0 {
		return !l.attribute, true
	}
	return false, r.push(l)
}

func (r *reply) push(l level) bool {
	if r.depth == maxDepth {
		return false
	}
	r.levels[r.depth] = l
	r.depth++
	return true
}

// endStream closes an aggregate or string without declared length.
func (r *reply) endStream(mark int64) (done, ok bool) {
	if r.depth == 0 || r.levels[r.depth-1].left != mark {
		return false, false
	}
	r.depth--
	return !r.levels[r.depth].attribute, true
}

// chunk takes a piece of a streamed string; the last one is empty.
func (r *reply) chunk(line []byte) (skip int64, done, ok bool) {
	size, ok := length(line[1:], maxBulk)
	if !ok || size < 0 || r.depth == 0 || r.levels[r.depth-1].left != streamedString {
		return 0, false, false
	}
	if size > 0 {
		return size + 2, false, true
	}
	done, ok = r.endStream(streamedString)
	return 0, done, ok
}

// endValue counts a value that is complete, and the aggregates that are complete
// with it. It returns the message if the reply is.
func (p *Parser) endValue() *protocol.Message {
	r := &p.reply
	for r.depth > 0 {
		if r.depth == 1 && !r.levels[0].attribute {
			r.elements++
		}
		l := &r.levels[r.depth-1]
		if l.left > 0 {
			l.left--
		}
		if l.left != 0 {
			return nil
		}
		r.depth--
		if l.attribute {
			return nil
		}
	}
	return p.endReply()
}

// word keeps the first element of an aggregate.
func (r *reply) word(text []byte) {
	if r.depth == 1 && r.elements == 0 && len(text) <= maxWord && !r.levels[0].attribute {
		r.firstLen = copy(r.first[:], text)
	}
}

// failure keeps the first error.
func (p *Parser) failure(text []byte) {
	r := &p.reply
	if r.code != "" {
		return
	}
	r.code = errorCode(text)
	if p.options.RawStatements {
		r.text = protocol.Text(text, p.options.MaxStatement)
	}
}

// errorCode returns the prefix of an error. An error without one has none of the
// known codes.
func errorCode(text []byte) string {
	code, _, _ := bytes.Cut(text, []byte{' '})
	for _, c := range code {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return noCode
		}
	}
	if len(code) == 0 || len(code) > maxName {
		return noCode
	}
	return string(code)
}

// isMonitorLine recognises "1339518083.107412 [0 127.0.0.1:60866] ...".
func isMonitorLine(text []byte) bool {
	stamp, rest, found := bytes.Cut(text, []byte(" ["))
	seconds, micros, dotted := bytes.Cut(stamp, []byte{'.'})
	_, ok := length(seconds, 1<<40)
	return found && dotted && ok && len(micros) == 6 && len(rest) > 0
}

// integer reads the text of a ':' line. Numbers that take more than 63 bits do
// not matter here.
func integer(text []byte) (int64, bool) {
	digits := bytes.TrimLeft(text, "+-")
	if len(text)-len(digits) > 1 {
		return 0, false
	}
	n, ok := length(digits, 1<<62)
	return n, ok
}
