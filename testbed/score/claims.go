package score

import (
	"math"
	"slices"
)

// Bins is how many bins calibration has, of equal width over 0 to 1.
const Bins = 10

// Edges returns the lower ends of the bins of Result.Claims: narrow ones where a
// parent is set, which is where a difference matters.
func Edges() []float64 { return []float64{0, 0.5, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999} }

// Bin is what became of the links whose confidence fell in one bin.
type Bin struct {
	Low     float64 `json:"low"`
	Links   int     `json:"links"`
	Right   int     `json:"right"`
	Claimed float64 `json:"claimed"` // mean confidence
}

// Pool adds bins of other runs to those of into, by their lower ends, and returns
// the sum in the order of those ends.
func Pool(into, bins []Bin) []Bin {
	for _, b := range bins {
		i := slices.IndexFunc(into, func(c Bin) bool { return math.Float64bits(c.Low) == math.Float64bits(b.Low) })
		if i < 0 {
			into = append(into, b)
			continue
		}
		c := &into[i]
		sum := c.Claimed*float64(c.Links) + b.Claimed*float64(b.Links)
		c.Links, c.Right = c.Links+b.Links, c.Right+b.Right
		c.Claimed = sum / float64(c.Links)
	}
	slices.SortFunc(into, func(a, b Bin) int { return int(math.Copysign(1, a.Low-b.Low)) })
	return into
}

func binOf(confidence float64) int {
	return int(min(max(confidence, 0)*Bins, Bins-1))
}

// claims gathers how sure a linker was, and whether rightly. Claimed is a sum
// until finish.
type claims struct {
	bins     []Bin
	byMethod map[string][]Bin
}

func (c *claims) add(sp *Span, right bool) {
	edges := Edges()
	of := c.byMethod[sp.Method]
	if of == nil {
		of = make([]Bin, len(edges))
		c.byMethod[sp.Method] = of
	}
	fine := len(edges) - 1
	for fine > 0 && sp.Confidence < edges[fine] {
		fine--
	}
	for _, b := range []*Bin{&c.bins[binOf(sp.Confidence)], &of[fine]} {
		b.Links++
		b.Claimed += sp.Confidence
		if right {
			b.Right++
		}
	}
}

func (c *claims) finish() ([]Bin, map[string][]Bin) {
	byMethod := map[string][]Bin{}
	for method, bins := range c.byMethod {
		byMethod[method] = finish(bins, Edges())
	}
	var tenths []float64
	for i := range Bins {
		tenths = append(tenths, float64(i)/Bins)
	}
	return finish(c.bins, tenths), byMethod
}

// finish turns sums into means and drops empty bins.
func finish(bins []Bin, low []float64) []Bin {
	var out []Bin
	for i, b := range bins {
		if b.Links > 0 {
			b.Low, b.Claimed = low[i], b.Claimed/float64(b.Links)
			out = append(out, b)
		}
	}
	return out
}
