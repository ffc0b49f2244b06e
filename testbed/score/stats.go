package score

import "math"

// z95 is the standard normal quantile of a two-sided interval of 95 %.
const z95 = 1.959963984540054

// Share is a proportion with its 95 % Wilson interval, each from 0 to 1.
type Share struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// NewShare returns the proportion of k among n; all zero if n is zero.
//
// Source: E. B. Wilson, Probable inference, the law of succession, and
// statistical inference, JASA 22 (1927).
func NewShare(k, n int) Share {
	if n == 0 {
		return Share{}
	}
	p, m := float64(k)/float64(n), float64(n)
	middle := p + z95*z95/(2*m)
	half := z95 * math.Sqrt(p*(1-p)/m+z95*z95/(4*m*m))
	scale := 1 + z95*z95/m
	return Share{Value: p, Low: max(0, (middle-half)/scale), High: min(1, (middle+half)/scale)}
}

// Count says how links came out.
type Count struct {
	Right  int `json:"right"`
	Wrong  int `json:"wrong"`
	Orphan int `json:"orphan"` // no parent claimed
}

// Total returns how many links there were to find.
func (c Count) Total() int { return c.Right + c.Wrong + c.Orphan }

// Recall returns the share of links found.
func (c Count) Recall() Share { return NewShare(c.Right, c.Total()) }

// WrongShare returns the share of links claimed wrongly.
func (c Count) WrongShare() Share { return NewShare(c.Wrong, c.Total()) }

func (c *Count) add(v verdict) {
	switch v {
	case right:
		c.Right++
	case wrong:
		c.Wrong++
	case orphan:
		c.Orphan++
	}
}
