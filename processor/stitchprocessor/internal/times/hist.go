package times

import "math"

// Gaps are counted in bins that grow with the gap: 8 to an octave of |gap|/unit + 1,
// with the sign kept. The bin is the top of the float's bits, without a logarithm.
const (
	perOctave = 8
	octaves   = 24
	half      = perOctave * octaves
	bins      = 2 * half
)

const (
	fineUnit   = 16_000 // ns: below, gaps are taken as linear
	background = 2.0    // pseudo-counts of the log-uniform density below every other one
	beside     = 100.0  // pseudo-counts of what other classes of request are like
	maxScore   = 2.5    // normal scores beyond are not told apart
)

// scale is how gaps are put into bins: by the grain of the clock.
type scale struct {
	unit, grain float64       // ns
	inverse     float64       // of unit
	coarse      int           // bins on either side of zero that are as wide as the grain
	logWidth    [bins]float32 // of ns
}

func newScale(grain int64) *scale {
	unit := float64(fineUnit)
	if 8*grain > fineUnit { // a bin would be finer than the clock
		unit = float64(grain)
	}
	s := &scale{unit: unit, grain: float64(grain), inverse: 1 / unit}
	for b := range s.logWidth {
		s.logWidth[b] = float32(math.Log(s.width(b)))
	}
	for s.coarse < half && s.width(half+s.coarse) <= s.grain {
		s.coarse++
	}
	return s
}

// bin returns the bin of a gap in ns.
func (s *scale) bin(gap int64) int {
	b := int(math.Float64bits(math.Abs(float64(gap))*s.inverse+1)>>49) - 1023*perOctave
	b = min(b, half-1)
	if gap < 0 {
		return half - 1 - b
	}
	return half + b
}

// width returns the width of a bin in ns, which is at least the clock's grain.
func (s *scale) width(bin int) float64 {
	b := bin - half
	if bin < half {
		b = half - 1 - bin
	}
	return max(math.Ldexp(s.unit/perOctave, b/perOctave), s.grain)
}

// hist counts gaps.
type hist struct {
	n     int
	count [bins]uint16
}

// add counts a gap. Where a bin is full it stays so.
func (h *hist) add(bin int) {
	if h.count[bin] < math.MaxUint16 {
		h.n++
		h.count[bin]++
	}
}

// density is the logarithm of a smoothed probability per ns, and the normal score of
// each bin: where its middle would lie, were the gaps of a normal distribution.
type density struct {
	log, score [bins]float32
}

// newDensity smooths a histogram. The fewer gaps it has, the wider; where the clock is
// coarser than the bins it hardly does.
func newDensity(h *hist, s *scale) *density { return newDensityBeside(h, &hist{}, s) }

// newDensityBeside also believes a little of what others are like.
func newDensityBeside(h, others *hist, s *scale) *density {
	smooth := smoothed(h, s)
	n := float64(h.n) + background
	if others.n > 0 {
		weight := min(beside, float64(others.n))
		n += weight
		for b, v := range smoothed(others, s) {
			smooth[b] += v * weight / float64(others.n)
		}
	}
	d := &density{}
	total := 1 / n
	none := float32(math.Log(background / bins * total))
	for b := range smooth {
		mass := none
		if smooth[b] > 0 {
			mass = float32(math.Log((smooth[b] + background/bins) * total))
		}
		d.log[b] = mass - s.logWidth[b]
	}
	return d
}

// rank fills in the normal scores. Bins with next to nothing in them share one.
func (d *density) rank(s *scale) {
	const step = 1e-3
	none := d.log[0] + s.logWidth[0]
	same, mass := none, math.Exp(float64(none))
	below, scored, score := 0.0, -1.0, float32(0)
	for b := range d.log {
		if l := d.log[b] + s.logWidth[b]; l != same {
			same, mass = l, math.Exp(float64(l))
		}
		if at := below + mass/2; at-scored > step {
			scored, score = at, float32(normalScore(at))
		}
		d.score[b] = score
		below += mass
	}
}

func smoothed(h *hist, s *scale) (out [bins]float64) {
	if h.n == 0 {
		return out
	}
	wide := kernel(min(4, 6*math.Pow(float64(h.n)+4, -0.2)))
	narrow := kernel(0.3)
	for b, n := range h.count {
		if n == 0 {
			continue
		}
		k := wide
		if half-s.coarse <= b && b < half+s.coarse {
			k = narrow
		}
		r := len(k) / 2
		for i, w := range k {
			at := min(max(b+i-r, 0), bins-1)
			out[at] += float64(n) * w
		}
	}
	return out
}

// kernel returns a normal distribution over bins that adds up to one.
func kernel(sigma float64) []float64 {
	r := int(math.Ceil(3 * sigma))
	k, sum := make([]float64, 2*r+1), 0.0
	for i := range k {
		x := float64(i-r) / sigma
		k[i] = math.Exp(-x * x / 2)
		sum += k[i]
	}
	for i := range k {
		k[i] /= sum
	}
	return k
}

// normalScore is the inverse of the normal distribution, limited.
func normalScore(p float64) float64 {
	z := math.Sqrt2 * math.Erfinv(2*p-1)
	return min(max(z, -maxScore), maxScore)
}

// mean returns the mean log density of the gaps in h under d.
func (d *density) mean(h *hist) float64 {
	sum := 0.0
	for b, n := range h.count {
		if n != 0 {
			sum += float64(n) * float64(d.log[b])
		}
	}
	return sum
}

// octave returns the logarithm of a distance in ns that is not negative.
func (s *scale) octave(distance int64) int {
	return (s.bin(distance) - half) / perOctave
}
