package tracectx

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"strings"
)

// maxRaw is the longest id of another system that is taken.
const maxRaw = 128

// isRaw reports whether s may be an id of another system: printable, and not long.
func isRaw(s string) bool {
	if s == "" || len(s) > maxRaw {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// MapTrace returns the trace id for one that may be any text. Hexadecimal digits, up
// to 32, are a number; a UUID is one without its dashes. Anything else becomes the
// first 16 bytes of its SHA-256. It reports false for zero, and for what is empty,
// longer than 128 bytes or not printable.
func MapTrace(raw string) (id [16]byte, ok bool) {
	if !isRaw(raw) {
		return id, false
	}
	if isUUID(raw) {
		return id, padded(id[:], strings.ReplaceAll(raw, "-", "")) && id != [16]byte{}
	}
	if padded(id[:], raw) {
		return id, id != [16]byte{}
	}
	sum := sha256.Sum256([]byte(raw))
	return [16]byte(sum[:16]), true
}

// MapSpan returns the span id for one that may be any text, of the trace that was
// written as rawTrace. Hexadecimal digits, up to 16, are a number; anything else
// becomes the first 8 bytes of the SHA-256 of both, with a slash between. Reports
// false as MapTrace does.
func MapSpan(rawTrace, raw string) (id [8]byte, ok bool) {
	switch {
	case !isRaw(raw):
		return id, false
	case padded(id[:], raw):
		return id, id != [8]byte{}
	}
	return hashSpan(rawTrace, raw), true
}

func hashSpan(scope, raw string) [8]byte {
	var room [2*maxRaw + 1]byte
	b := append(append(append(room[:0], scope...), '/'), raw...)
	sum := sha256.Sum256(b)
	return [8]byte(sum[:8])
}

func isUUID(s string) bool {
	return len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' && strings.Count(s, "-") == 4
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

// padded fills dst from hexadecimal of either case, with zeros to the left.
func padded(dst []byte, s string) bool {
	if s == "" || len(s) > 2*len(dst) {
		return false
	}
	for i, at := len(s)-1, 0; i >= 0; i, at = i-1, at+1 {
		c := s[i]
		if c >= 'A' && c <= 'F' {
			c |= 0x20
		}
		n := nibble(c)
		if n > 15 {
			clear(dst)
			return false
		}
		dst[len(dst)-1-at/2] |= n << (4 * (at % 2))
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

// isHexOf reports whether s is how id is written here.
func isHexOf(s string, id []byte) bool {
	if len(s) != 2*len(id) {
		return false
	}
	for i, b := range id {
		if nibble(s[2*i]) != b>>4 || nibble(s[2*i+1]) != b&15 {
			return false
		}
	}
	return true
}

// decimal reads an unsigned number, without a sign or anything else around it.
func decimal(s string) (uint64, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' || len(s) > 20 {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}

// number is a span id of this value.
func number(n uint64) (id [8]byte) {
	binary.BigEndian.PutUint64(id[:], n)
	return id
}

// Bounds of dotted ids.
const (
	maxLevels = 64
	maxPlaces = 6 // digits of one level
)

// isDotted reports whether s is an id such as 0.2.1: the first call made for what is
// itself the second call made for the root.
func isDotted(s string) bool {
	if len(s) > maxRaw {
		return false
	}
	levels := 0
	for more := true; more; levels++ {
		var level string
		level, s, more = strings.Cut(s, ".")
		if level == "" || len(level) > maxPlaces || levels == maxLevels {
			return false
		}
		for i := range len(level) {
			if level[i] < '0' || level[i] > '9' {
				return false
			}
		}
	}
	return true
}

// setDotted takes a span id as SOFATracer and EagleEye write it. If it is dotted, it
// names its parent; else it is any id.
func (c *Context) setDotted(trace, raw string) bool {
	if !isDotted(raw) {
		id, ok := MapSpan(trace, raw)
		c.setSpan(id, raw)
		return ok
	}
	c.setSpan(hashSpan(trace, raw), raw)
	if i := strings.LastIndexByte(raw, '.'); i > 0 {
		c.ParentID = hashSpan(trace, raw[:i])
	}
	return true
}
