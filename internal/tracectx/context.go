package tracectx

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Errors of Extract and Parse.
var (
	// ErrNone says that there is no context, which is the usual case.
	ErrNone = errors.New("no trace context")
	// ErrMalformed says that a value breaks the specification of its format.
	ErrMalformed = errors.New("malformed trace context")
)

// Format is a way to write a trace context on the wire. Its text form is what
// evidence.context begins with.
type Format uint8

// Formats that are understood.
const (
	Unknown Format = iota
	W3C            // traceparent and tracestate, https://www.w3.org/TR/trace-context-2/
)

// format says how to find and read one kind of context.
type format struct {
	name    string
	headers []string // lower case, the first one decides
	extract func(Headers) (Context, error)
}

// formats is the registry, in order of preference: the first format that yields
// a context wins.
var formats = [...]format{
	Unknown: {name: "unknown"},
	W3C:     {name: "w3c", headers: []string{headerTraceparent, headerTracestate}, extract: extractW3C},
}

// Headers gives the values of a header, which is named in lower case, in the
// order of the wire. It returns nil if the header is absent.
type Headers func(name string) []string

// Context is a trace context in canonical form. The zero value is none.
type Context struct {
	TraceID [16]byte
	SpanID  [8]byte // the parent of what the request causes
	Flags   byte    // of W3C: 1 sampled, 2 random trace id
	Format  Format
	State   string // tracestate, empty if there was none or it was malformed
}

// FlagSampled is the bit of Flags that says that the caller records this trace.
const FlagSampled = 1

// Valid reports whether both ids are there.
func (c *Context) Valid() bool { return c.TraceID != [16]byte{} && c.SpanID != [8]byte{} }

// Sampled reports whether the caller says that it records this trace.
func (c *Context) Sampled() bool { return c.Flags&FlagSampled != 0 }

// String is the name of the format, as in evidence.context.
func (f Format) String() string {
	if int(f) < len(formats) {
		return formats[f].name
	}
	return formats[Unknown].name
}

// HeaderNames returns the headers that Extract looks at, in lower case. The
// caller owns the slice.
func HeaderNames() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.headers...)
	}
	return names
}

// Extract returns the context that a request carries. Without one the error is
// ErrNone; ErrMalformed if all there is breaks its specification.
func Extract(headers Headers) (Context, error) {
	err := ErrNone
	for _, f := range formats {
		if f.extract == nil {
			continue
		}
		c, ferr := f.extract(headers)
		if ferr == nil {
			return c, nil
		}
		if !errors.Is(ferr, ErrNone) {
			err = ferr
		}
	}
	return Context{}, err
}

// String is the text form of evidence.context:
//
//	w3c:<trace id>:<span id>:<flags>
//
// all in lower-case hexadecimal. The trace state is not part of it.
func (c *Context) String() string {
	b := make([]byte, 0, 56)
	b = append(b, c.Format.String()...)
	b = hex.AppendEncode(append(b, ':'), c.TraceID[:])
	b = hex.AppendEncode(append(b, ':'), c.SpanID[:])
	b = hex.AppendEncode(append(b, ':'), []byte{c.Flags})
	return string(b)
}

// Parse reads what String wrote. The error is ErrNone for an empty text and
// ErrMalformed for any other that is no valid context of a known format.
func Parse(text string) (Context, error) {
	if text == "" {
		return Context{}, ErrNone
	}
	name, rest, _ := strings.Cut(text, ":")
	trace, rest, _ := strings.Cut(rest, ":")
	span, flags, _ := strings.Cut(rest, ":")
	c := Context{Format: formatOf(name)}
	ok := c.Format != Unknown && decode(c.TraceID[:], trace) && decode(c.SpanID[:], span)
	var f [1]byte
	if !ok || !decode(f[:], flags) || !c.Valid() {
		return Context{}, fmt.Errorf("%w: %s", ErrMalformed, quote(text))
	}
	c.Flags = f[0]
	return c, nil
}

func formatOf(name string) Format {
	for i, f := range formats {
		if f.name == name && f.extract != nil {
			return Format(i)
		}
	}
	return Unknown
}

// decode fills dst from lower-case hexadecimal of exactly its length.
func decode(dst []byte, s string) bool {
	if len(s) != 2*len(dst) {
		return false
	}
	for i := range dst {
		hi, lo := nibble(s[2*i]), nibble(s[2*i+1])
		if hi > 15 || lo > 15 {
			return false
		}
		dst[i] = hi<<4 | lo
	}
	return true
}

// nibble is the value of a lower-case hexadecimal digit, or 255.
func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

// quote bounds what a hostile value can put into an error.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most]
	}
	return strconv.QuoteToASCII(s)
}
