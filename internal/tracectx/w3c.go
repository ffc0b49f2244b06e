package tracectx

import "strings"

const (
	// lengthVersion0 is that of 00-<32>-<16>-<2>.
	lengthVersion0 = 55
	// maxMembers and maxKey, maxValue are limits of the specification.
	maxMembers, maxKey, maxValue = 32, 256, 256
	// maxState bounds what is kept. The specification asks for at least 512.
	maxState = 4096
)

// extractW3C follows section 4.3 of Trace Context Level 2
// (https://www.w3.org/TR/trace-context-2/): exactly one traceparent; a malformed
// tracestate is dropped and does not spoil it.
func extractW3C(r *Reader) (Context, error) {
	parent, err := r.one(traceparent)
	if err != nil {
		return Context{}, err
	}
	c, err := ParseTraceparent(parent)
	if state := r.values[tracestate].text; err == nil && ValidTracestate(state) {
		c.State = state
	}
	return c, err
}

// ParseTraceparent reads the value of a traceparent header. Version 00 has exactly
// four fields; a later version may have more after a dash; version ff, upper-case
// digits and ids of zero are malformed. Of a later version's flags only
// the two known bits are kept. White space around the value is ignored. The error is
// ErrMalformed.
func ParseTraceparent(value string) (Context, error) {
	s := strings.Trim(value, " \t")
	c := Context{Format: W3C}
	var version, flags [1]byte
	ok := len(s) >= lengthVersion0 && s[2] == '-' && s[35] == '-' && s[52] == '-' &&
		decode(version[:], s[:2]) && decode(c.TraceID[:], s[3:35]) &&
		decode(c.SpanID[:], s[36:52]) && decode(flags[:], s[53:55])
	switch {
	case !ok || version[0] == 0xff || !c.Valid() || c.SpanID == [8]byte{}:
		ok = false
	case version[0] == 0:
		ok = len(s) == lengthVersion0
	default:
		ok = len(s) == lengthVersion0 || s[lengthVersion0] == '-'
		flags[0] &= 3
	}
	if !ok {
		return Context{}, ErrMalformed
	}
	c.Flags = flags[0]
	return c, nil
}

// ValidTracestate reports whether s is a well-formed list of at most 32 members
// with distinct keys. The empty string is one.
func ValidTracestate(s string) bool {
	if len(s) > maxState {
		return false
	}
	var keys [maxMembers]string
	n := 0
	for s != "" {
		var member string
		member, s, _ = strings.Cut(s, ",")
		member = strings.Trim(member, " \t")
		if member == "" {
			continue // allowed, and not counted
		}
		key, value, found := strings.Cut(member, "=")
		if !found || n == maxMembers || !validKey(key) || !validValue(value) {
			return false
		}
		for _, k := range keys[:n] {
			if k == key {
				return false
			}
		}
		keys[n] = key
		n++
	}
	return true
}

// validKey follows Level 2: a lower-case letter or digit, then those and _-*/@.
func validKey(s string) bool {
	if s == "" || len(s) > maxKey || !isLowerAlnum(s[0]) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !isLowerAlnum(s[i]) && strings.IndexByte("_-*/@", s[i]) < 0 {
			return false
		}
	}
	return true
}

// validValue allows printable ASCII but comma and equals sign. Trailing space has
// been trimmed with the member.
func validValue(s string) bool {
	if s == "" || len(s) > maxValue {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e || s[i] == '=' || s[i] == ',' {
			return false
		}
	}
	return true
}

func isLowerAlnum(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
