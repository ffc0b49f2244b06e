package load

import (
	"math"
	"math/bits"
	"time"
)

// subBits is how many bits below the leading one are kept: an error of at most 1/32.
const subBits = 5

// Histogram counts durations in buckets whose width is 1/32 of their value or
// less. The zero Histogram is empty and ready. It is not safe for concurrent use.
type Histogram struct {
	counts [(64 - subBits) << subBits]uint64
	total  uint64
}

// Add counts d; a negative duration counts as zero.
func (h *Histogram) Add(d time.Duration) {
	h.counts[bucket(uint64(max(d, 0)))]++
	h.total++
}

// Count returns how many durations were added.
func (h *Histogram) Count() uint64 { return h.total }

// Quantile returns the upper edge of the bucket that holds the q-th quantile,
// q from 0 to 1, or zero if the histogram is empty.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := uint64(math.Ceil(q * float64(h.total)))
	var seen uint64
	for i, n := range h.counts {
		seen += n
		if n > 0 && seen >= max(rank, 1) {
			return time.Duration(upper(i))
		}
	}
	return 0
}

// bucket numbers values below 2^(subBits+1) one by one, and then 2^subBits
// buckets to each power of two.
func bucket(v uint64) int {
	shift := max(bits.Len64(v)-subBits-1, 0)
	return shift<<subBits + int(v>>shift)
}

func upper(i int) uint64 {
	shift := max(i>>subBits-1, 0)
	return (uint64(i-shift<<subBits)+1)<<shift - 1
}
