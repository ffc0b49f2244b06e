package times

// grains finds out how fine the clock is: as the largest power of ten that nearly all
// times so far are multiples of.
type grains struct {
	zeros [10]int // times by their trailing decimal zeros
	total int
}

const (
	grainShare = 0.97 // of times that must be multiples
	grainTimes = 64   // seen before anything is believed
)

func (g *grains) add(t int64) {
	z := 0
	for t%10 == 0 && z < len(g.zeros)-1 && t != 0 {
		t /= 10
		z++
	}
	g.zeros[z]++
	if g.total++; g.total == 1<<16 { // what is long ago counts less
		g.total = 0
		for i := range g.zeros {
			g.zeros[i] /= 2
			g.total += g.zeros[i]
		}
	}
}

// grain returns the grain in ns.
func (g *grains) grain() int64 {
	if g.total < grainTimes {
		return 1
	}
	multiples := 0
	for z := len(g.zeros) - 1; z > 0; z-- {
		if multiples += g.zeros[z]; float64(multiples) >= grainShare*float64(g.total) {
			grain := int64(1)
			for range z {
				grain *= 10
			}
			return grain
		}
	}
	return 1
}
