package tracectx

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// MaxContexts bounds what is kept of one request.
const MaxContexts = 4

// Contexts are the contexts of one request. The zero value is none.
type Contexts struct {
	list [MaxContexts]Context
	n    int
}

// Len is their number.
func (cs *Contexts) Len() int { return cs.n }

// All returns them, the one that decides first; the others are aliases of it. The
// slice belongs to cs.
func (cs *Contexts) All() []Context { return cs.list[:cs.n] }

// First returns the one that decides, if there is any.
func (cs *Contexts) First() (*Context, bool) { return &cs.list[0], cs.n > 0 }

// add takes one more context, after those of formats that come before. One that
// names the caller's span goes before those that do not.
func (cs *Contexts) add(c *Context) {
	for i := range cs.list[:cs.n] {
		if same := &cs.list[i]; same.TraceID == c.TraceID && same.SpanID == c.SpanID && (c.ParentID == [8]byte{} || same.ParentID == c.ParentID) {
			return // says nothing new
		}
	}
	at := cs.n
	for at > 0 && cs.list[at-1].SpanID == [8]byte{} && c.SpanID != [8]byte{} {
		at--
	}
	if at == MaxContexts {
		return
	}
	cs.n = min(cs.n+1, MaxContexts)
	copy(cs.list[at+1:cs.n], cs.list[at:])
	cs.list[at] = *c
}

// String is the text form of evidence.context: the contexts, separated by a space,
// and of each one
//
//	<format>:<trace id>:<span id>:<flags>[:<parent id>[:<raw trace id>[:<raw span id>]]]
//
// with ids and flags in lower-case hexadecimal. Fields at the end that are empty are
// left out; an unknown parent id is empty. In raw ids % and : are written as
// in URLs. The trace state is not part of it.
func (cs *Contexts) String() string {
	if cs.n == 0 {
		return ""
	}
	b := make([]byte, 0, 64)
	for i := range cs.All() {
		if i > 0 {
			b = append(b, ' ')
		}
		b = cs.list[i].append(b)
	}
	return string(b)
}

func (c *Context) append(b []byte) []byte {
	b = append(b, c.Format.String()...)
	b = hex.AppendEncode(append(b, ':'), c.TraceID[:])
	b = hex.AppendEncode(append(b, ':'), c.SpanID[:])
	b = hex.AppendEncode(append(b, ':'), []byte{c.Flags})
	end := len(b)
	b = append(b, ':')
	if c.ParentID != [8]byte{} {
		b = hex.AppendEncode(b, c.ParentID[:])
		end = len(b)
	}
	for _, raw := range [...]string{c.RawTrace, c.RawSpan} {
		b = escape(append(b, ':'), raw)
		if raw != "" {
			end = len(b)
		}
	}
	return b[:end]
}

func escape(b []byte, raw string) []byte {
	for i := range len(raw) {
		switch c := raw[i]; c {
		case '%', ':':
			b = append(b, '%', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		default:
			b = append(b, c)
		}
	}
	return b
}

// Parse reads what String wrote, into cs. The error is ErrNone for an empty text and
// ErrMalformed for any other that is no list of at most MaxContexts valid contexts
// of known formats; cs is empty then.
func (cs *Contexts) Parse(text string) error {
	*cs = Contexts{}
	if text == "" {
		return ErrNone
	}
	for more := true; more; {
		var entry string
		entry, text, more = strings.Cut(text, " ")
		if cs.n == MaxContexts || !cs.list[cs.n].parse(entry) {
			*cs = Contexts{}
			return fmt.Errorf("evidence.context: %w", ErrMalformed)
		}
		cs.n++
	}
	return nil
}

// parse reads one entry.
func (c *Context) parse(entry string) bool {
	var fields [7]string
	n := 0
	for more := true; more; n++ {
		if n == len(fields) {
			return false
		}
		fields[n], entry, more = strings.Cut(entry, ":")
	}
	var flags [1]byte
	c.Format = FormatOf(fields[0])
	ok := c.Format != Unknown && decode(c.TraceID[:], fields[1]) && decode(c.SpanID[:], fields[2]) &&
		decode(flags[:], fields[3]) && (fields[4] == "" || decode(c.ParentID[:], fields[4]) && c.ParentID != [8]byte{})
	c.Flags = flags[0]
	var rawTrace, rawSpan bool
	c.RawTrace, rawTrace = unescape(fields[5])
	c.RawSpan, rawSpan = unescape(fields[6])
	return ok && rawTrace && rawSpan && c.Valid() && (n == 4 || fields[n-1] != "")
}

// unescape reads what escape wrote; other escapes are wrong.
func unescape(s string) (string, bool) {
	if strings.IndexByte(s, '%') < 0 {
		return s, s == "" || isRaw(s)
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		var c [1]byte
		if i+3 > len(s) || !decode(c[:], s[i+1:i+3]) || strings.IndexByte("%:", c[0]) < 0 {
			return "", false
		}
		b = append(b, c[0])
		i += 2
	}
	return string(b), isRaw(string(b))
}
