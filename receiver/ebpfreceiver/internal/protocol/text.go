package protocol

import (
	"strings"
	"unicode/utf8"
)

// Text returns b as a string that may go into an attribute: at most limit bytes,
// cut between characters, and valid UTF-8 (each run of other bytes becomes one
// U+FFFD), since one invalid string would make a backend refuse a whole batch.
func Text(b []byte, limit int) string {
	cut := Truncate(b, limit)
	if utf8.Valid(cut) {
		return string(cut)
	}
	s := strings.ToValidUTF8(string(cut), string(utf8.RuneError))
	if len(s) <= limit {
		return s
	}
	return string(Truncate([]byte(s), limit))
}

// Truncate returns the first limit bytes of b, fewer where that would cut a
// UTF-8 sequence in two. The result shares memory with b.
func Truncate(b []byte, limit int) []byte {
	if len(b) <= limit {
		return b
	}
	end := max(limit, 0)
	for back := 0; back < utf8.UTFMax && end > 0 && !utf8.RuneStart(b[end]); back++ {
		end--
	}
	return b[:end]
}
