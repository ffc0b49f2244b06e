package evidence

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestNumbersAreThoseOfStrconv compares them, but for signs and superfluous zeros, which nobody
// writes.
func TestNumbersAreThoseOfStrconv(t *testing.T) {
	for _, s := range []string{
		"", "0", "7", "00", "255", "256", "4294967295", "4294967296", "9223372036854775807", "9223372036854775808",
		"9999999999999999999", "18446744073709551615", "1700000000123456789", "7f3c10a0", "7F3C10A0", "ffffffffffffffff",
		"fffffffffffffffff", "g", "a", "1 ", " 1", "-1", "1_0", "0x1", "1.", "\x10", "\xff", "@", "`", "/", ":",
	} {
		for _, base := range []int{10, 16} {
			for _, bits := range []int{8, 32, 63, 64} {
				want, err := strconv.ParseUint(s, base, bits)
				got, ok := number(s, uint64(base), bits)
				if s == "18446744073709551615" && base == 10 {
					assert.False(t, ok, "more digits than a time has")
					continue
				}
				assert.Equal(t, err == nil, ok, "%q in base %d, %d bits", s, base, bits)
				if ok {
					assert.Equal(t, want, got)
				}
			}
		}
	}
}
