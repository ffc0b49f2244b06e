package truth

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/bits"
)

// Prefix begins every token, and Width is the length of one in bytes.
const (
	Prefix = "tb-"
	Width  = len(Prefix) + 16
)

// ErrToken says that a text is not a token.
var ErrToken = errors.New("not a token: want " + Prefix + " and 16 hexadecimal digits")

// Token names one request. It is written as Prefix and 16 hexadecimal digits.
// The zero Token names nothing: it is what Mask leaves behind.
type Token uint64

// NewToken returns the n-th token of a seed. Tokens of one seed never repeat,
// and neighbours have nothing in common that an order could be read from.
func NewToken(seed, n uint64) Token {
	return Token(mix(n ^ mix(seed)))
}

// mix is the finaliser of SplitMix64, a bijection of 64-bit words.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Choose returns a number below n that depends on the token and salt alone. It
// is how all that is random in a run (classes, delays) is drawn, so that it is
// the same whatever order requests arrive in.
func (t Token) Choose(salt, n uint64) uint64 {
	hi, _ := bits.Mul64(mix(uint64(t)^mix(salt)), n)
	return hi
}

// Append appends the text of t, Width bytes, to b.
func (t Token) Append(b []byte) []byte {
	const digits = "0123456789abcdef"
	b = append(b, Prefix...)
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, digits[t>>shift&15])
	}
	return b
}

func (t Token) String() string { return string(t.Append(nil)) }

// MarshalText makes a token its text in JSON.
func (t Token) MarshalText() ([]byte, error) { return t.Append(nil), nil }

// UnmarshalText reads what MarshalText wrote; anything else is ErrToken.
func (t *Token) UnmarshalText(b []byte) error {
	if len(b) != Width {
		return ErrToken
	}
	got, at := Find(b)
	if at != 0 {
		return ErrToken
	}
	*t = got
	return nil
}

// Find returns the first token in text and where it begins, or -1 if there is none.
func Find[T ~string | ~[]byte](text T) (Token, int) {
	b := []byte(text)
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte(Prefix))
		if i < 0 || from+i+Width > len(b) {
			return 0, -1
		}
		from += i
		if t, ok := parse(b[from+len(Prefix) : from+Width]); ok {
			return t, from
		}
		from += len(Prefix)
	}
}

func parse(digits []byte) (Token, bool) {
	var raw [8]byte
	if _, err := hex.Decode(raw[:], digits); err != nil || bytes.ContainsAny(digits, "ABCDEF") {
		return 0, false
	}
	var t Token
	for _, c := range raw {
		t = t<<8 | Token(c)
	}
	return t, true
}
