package policy

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// kernelFact folds a number that spans carry: the largest, or the sum. Its word
// is a float64, never negative, so that its bits compare like the number.
type kernelFact struct {
	key   string
	total bool
}

func (*kernelFact) words() int { return 1 }

func (k *kernelFact) onSpan(v *view, words []uint64) {
	if a, ok := v.span.Attributes().Get(k.key); ok {
		k.merge(words, []uint64{math.Float64bits(number(a))})
	}
}

func (k *kernelFact) merge(dst, src []uint64) {
	if k.total {
		dst[0] = math.Float64bits(math.Float64frombits(dst[0]) + math.Float64frombits(src[0]))
		return
	}
	dst[0] = max(dst[0], src[0])
}

// number reads an attribute; what is no positive number counts as 0.
func number(v pcommon.Value) float64 {
	var n float64
	switch v.Type() {
	case pcommon.ValueTypeInt:
		n = float64(v.Int())
	case pcommon.ValueTypeDouble:
		n = v.Double()
	case pcommon.ValueTypeBool:
		if v.Bool() {
			n = 1
		}
	}
	if n > 0 { // not NaN either
		return n
	}
	return 0
}

// atLeast samples if the number of a measure reaches a bound.
type atLeast struct {
	words func(State) []uint64
	bound float64
}

func (a *atLeast) decide(t *Trace) (verdict, error) { return sampled(a.leans(t)), nil }

func (a *atLeast) leans(t *Trace) bool {
	return math.Float64frombits(a.words(t.State)[0]) >= a.bound
}
