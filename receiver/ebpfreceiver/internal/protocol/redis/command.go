package redis

import (
	"strconv"
	"unicode/utf8"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// maxShown is how many arguments db.query.text shows at most.
const maxShown = 32

// command is what was read of the command under way.
type command struct {
	args  int64 // arguments it has, its name included; 0 between commands
	index int64 // arguments read
	size  int64 // bytes of the current argument with its line end; 0 before it
	left  int64 // of these, the bytes to come

	arg  []byte // beginning of an argument that comes in pieces
	name []byte // upper case, with the subcommand
	key  []byte // first argument that is shown
	text []byte // arguments for db.query.text
	rule rule
}

// reset makes ready for the next command and keeps the memory, if it is little.
func (c *command) reset() {
	const little = 256
	if cap(c.arg) > little || cap(c.key) > little || cap(c.text) > little {
		*c = command{name: c.name[:0]}
		return
	}
	*c = command{arg: c.arg[:0], name: c.name[:0], key: c.key[:0], text: c.text[:0]}
}

// nextCommand takes the next piece of a command off the front of data.
func (p *Parser) nextCommand(data []byte) (protocol.Step, bool) {
	c := &p.command
	if c.size > 0 {
		return p.argument(data)
	}
	line, n, ok := p.line(protocol.FromClient, data)
	if n == 0 || !ok {
		return protocol.Step{}, ok
	}
	step := protocol.Step{Consumed: n}
	switch {
	case c.args == 0 && (len(line) == 0 || line[0] != '*'):
		step.Message, ok = p.inline(line)
	case c.args == 0:
		c.args, ok = length(line[1:], maxArgs)
		if c.args <= 0 { // the server passes over it
			c.args, step.Message = 0, &protocol.Message{Kind: protocol.Ignored}
		}
	default:
		if ok = c.beginArgument(line); ok && int64(len(data)-n) < c.left && c.wanted(&p.options) == 0 {
			step.Skip = c.left
			c.endSize()
			step.Message, ok = p.endArgument(nil)
		}
	}
	return step, ok
}

// beginArgument reads "$length".
func (c *command) beginArgument(line []byte) bool {
	if len(line) == 0 || line[0] != '$' {
		return false
	}
	n, ok := length(line[1:], maxBulk)
	c.size = n + 2
	c.left = c.size
	return ok && n >= 0
}

// argument takes a part of the current argument; what is of no use is skipped.
func (p *Parser) argument(data []byte) (protocol.Step, bool) {
	c := &p.command
	if c.left == c.size && int64(len(data)) >= c.left {
		n := int(c.left)
		c.endSize()
		m, ok := p.endArgument(data[:n-2])
		return protocol.Step{Consumed: n, Message: m}, ok
	}
	n := min(c.left, int64(len(data)))
	value := data[:max(min(n, c.left-2), 0)]
	wanted := c.wanted(&p.options) - len(c.arg)
	c.arg = append(c.arg, value[:max(min(wanted, len(value)), 0)]...)
	c.left -= n
	step := protocol.Step{Consumed: int(n)}
	if c.left > 2 && wanted > len(value) {
		return step, true
	}
	step.Skip = c.left
	value = c.arg
	c.endSize()
	var ok bool
	step.Message, ok = p.endArgument(value)
	return step, ok
}

// endSize ends the current argument as far as its bytes are concerned.
func (c *command) endSize() { c.size, c.left, c.arg = 0, 0, c.arg[:0] }

// wanted returns how many bytes of the current argument are of use.
func (c *command) wanted(o *protocol.Options) int {
	n := 0
	if c.index == 0 || c.index == 1 && c.rule.container {
		n = maxName + 1
	}
	if c.shows(o) {
		n = max(n, o.MaxStatement+1)
	}
	return n
}

// endArgument takes the value of an argument, or its beginning. It returns the
// message if the argument was the last one.
func (p *Parser) endArgument(value []byte) (*protocol.Message, bool) {
	c := &p.command
	switch {
	case c.index == 0:
		if !isName(value) {
			return nil, false
		}
		c.name = appendUpper(c.name, value)
		c.rule = ruleOf(c.name)
	case c.index == 1 && c.rule.container && isName(value):
		c.name = appendUpper(append(c.name, ' '), value)
		c.rule = subruleOf(c.name)
	default:
		c.show(value, &p.options)
	}
	c.index++
	if c.index < c.args {
		return nil, true
	}
	return p.endCommand()
}

// shows reports whether the current argument may be seen.
func (c *command) shows(o *protocol.Options) bool {
	if c.rule.isKey(c.index, c.args) {
		return true
	}
	return o.RawStatements && (!c.rule.secret || c.index <= c.rule.open)
}

// show appends the current argument, or what stands for it, to the text.
func (c *command) show(value []byte, o *protocol.Options) {
	shown := c.shows(o)
	value = protocol.Truncate(value, o.MaxStatement)
	if shown && len(c.key) == 0 {
		c.key = append(c.key, value...)
	}
	switch {
	case c.index > maxShown+1 || len(c.text) > o.MaxStatement:
	case c.index == maxShown+1:
		c.text = append(c.text, " ..."...)
	case shown:
		c.text = appendArgument(append(c.text, ' '), value)
	default:
		c.text = append(c.text, " ?"...)
	}
}

// appendArgument writes an argument as one would for redis-cli: in quotes when
// it is not one plain word.
func appendArgument(text, value []byte) []byte {
	for _, c := range value {
		if c <= ' ' || c == '"' || c == '\'' || c == '\\' || c == 0x7f {
			return strconv.AppendQuote(text, string(value))
		}
	}
	if len(value) == 0 || !utf8.Valid(value) {
		return strconv.AppendQuote(text, string(value))
	}
	return append(text, value...)
}

// isName reports whether value can be the name of a command.
func isName(value []byte) bool {
	for _, c := range value {
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9', c == '.', c == '_', c == '-', c == '|':
		default:
			return false
		}
	}
	return len(value) > 0 && len(value) <= maxName
}

func appendUpper(out, value []byte) []byte {
	for _, c := range value {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		out = append(out, c)
	}
	return out
}
