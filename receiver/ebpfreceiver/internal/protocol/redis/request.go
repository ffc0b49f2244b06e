package redis

import (
	"strings"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// inline reads a command in one line, as a person types it. An empty line is
// none. Other protocols have such lines, too: they do not make it Redis.
func (p *Parser) inline(line []byte) (*protocol.Message, bool) {
	p.typed = true
	words := splitWords(line)
	if len(words) == 0 {
		return &protocol.Message{Kind: protocol.Ignored}, true
	}
	p.command.args = int64(len(words))
	for _, word := range words {
		m, ok := p.endArgument(word)
		if m != nil || !ok {
			return m, ok
		}
	}
	return nil, true
}

// splitWords splits a line at spaces outside quotes; escapes are left as they
// are.
func splitWords(line []byte) [][]byte {
	var words [][]byte
	for i := 0; i < len(line) && len(words) < maxShown+2; {
		start, quote := i, byte(0)
		for ; i < len(line) && (quote != 0 || line[i] != ' ' && line[i] != '\t'); i++ {
			switch {
			case quote == 0 && (line[i] == '"' || line[i] == '\''):
				quote = line[i]
			case quote != 0 && line[i] == '\\':
				i++
			case line[i] == quote:
				quote = 0
			}
		}
		i = min(i, len(line))
		if i > start {
			words = append(words, line[start:i])
		}
		i++
	}
	return words
}

// endCommand ends the command under way and returns its message.
func (p *Parser) endCommand() (*protocol.Message, bool) {
	c := &p.command
	name := p.operation(c.name)
	m := p.options.Messages.New(protocol.Request)
	m.Name = name
	ok := true
	switch m.OneWay = p.isOneWay(name); {
	case name == "PSYNC" || name == "SYNC":
		p.opaque, m.OneWay = true, true
	case !m.OneWay:
		ok = p.waiting.push(c.expectation())
	}
	if name == "SELECT" {
		p.namespace = namespace(c.key)
	}
	m.Attributes = p.attributes(m.Attributes, name)
	c.reset()
	return m, ok
}

// operation returns the name as text; most commands are the same as the one
// before.
func (p *Parser) operation(name []byte) string {
	if string(name) != p.last {
		p.last = string(name)
	}
	return p.last
}

func (p *Parser) attributes(list []protocol.Attribute, name string) []protocol.Attribute {
	c := &p.command
	list = append(list,
		protocol.String("db.system.name", "redis"),
		protocol.String("db.operation.name", name),
		protocol.String("db.query.text", queryText(name, c.text, p.options.MaxStatement)))
	if p.namespace != "" {
		list = append(list, protocol.String("db.namespace", p.namespace))
	}
	if c.rule.procedure && len(c.key) > 0 {
		list = append(list, protocol.String("db.stored_procedure.name", protocol.Text(c.key, p.options.MaxStatement)))
	}
	return list
}

// queryText puts name and arguments together.
func queryText(name string, arguments []byte, limit int) string {
	if len(arguments) == 0 {
		return name
	}
	var b strings.Builder
	b.Grow(len(name) + len(arguments))
	b.WriteString(name)
	b.Write(arguments)
	text := b.String()
	if len(text) <= limit {
		return text
	}
	return protocol.Text([]byte(text), limit)
}

// namespace returns the database index, or nothing if it is none.
func namespace(index []byte) string {
	if n, ok := length(index, 1<<16); !ok || n < 0 {
		return ""
	}
	return string(index)
}

// isOneWay reports whether CLIENT REPLY has asked for no reply to this command.
func (p *Parser) isOneWay(name string) bool {
	mode := p.replies
	if mode == replySkip {
		p.replies = replyOn
	}
	if name != "CLIENT REPLY" {
		return mode != replyOn
	}
	switch strings.ToUpper(string(p.command.key)) {
	case "ON":
		p.replies = replyOn
		return false
	case "OFF":
		p.replies = replyOff
	case "SKIP":
		if mode != replyOff {
			p.replies = replySkip
		}
	default: // an error, which is sent as any other reply
		return mode != replyOn
	}
	return true
}

// expectation returns what the command waits for.
func (c *command) expectation() entry {
	e := entry{class: c.rule.class, kind: c.rule.kind, count: 1}
	if e.class == subscribe || e.class == unsubscribe {
		e.count = int32(c.args - 1)
	}
	return e
}
