package link

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

func TestOfTwoCloseTimesTheOrderSaysLittle(t *testing.T) {
	g := landing{order: shifts{usual: 3}}
	for range 100 {
		g.order.off.add(0) // nobody was ever out of place,
	}
	for i := range int64(100) {
		g.jitter.add(i * 2e3) // but threads are held up for up to 200 µs
	}
	near, far := g.cost(&g.order, 20e3), g.cost(&g.order, 5e6)
	assert.Less(t, near, 0.5, "20 µs may be the other way round")
	assert.Greater(t, far, float64(landMargin), "5 ms may not")
	assert.InDelta(t, far, g.cost(&g.order, -5e6), 1e-9)
}

func TestCallsThatWereGivenUpAreStillRivals(t *testing.T) {
	p := window.New()
	call := func(start, end int64) *window.Node {
		n := &window.Node{End: end, State: window.Orphan, Process: p}
		n.Request.Start = start
		return n
	}
	var g given
	c := call(50, 100)
	for _, x := range []*window.Node{c, call(10, 40), call(10, 60), call(101, 200), call(70, 80)} {
		g.calls[g.n%maxGiven] = x
		g.n++
	}
	assert.Equal(t, []*window.Node{g.calls[2], g.calls[4]}, g.add(nil, c), "those of its time, and not itself")
	g.calls[2].State = window.Linked
	g.calls[4].Process = nil
	assert.Empty(t, g.add(nil, c), "unless they have got a request after all, or are gone")
}

func TestWhereTooManyRequestsFitNoneIsChosen(t *testing.T) {
	hb, c := &habit{}, &window.Node{}
	l := &Linker{costs: []float64{1, 2, 2, 2, 2}}
	assert.False(t, l.tooMany(hb, c), "threads that wait for what they ask for are told by whom")
	hb.landing.order.n = 1
	assert.True(t, l.tooMany(hb, c))
	l.costs[crowd] = 1 + restMargin
	assert.False(t, l.tooMany(hb, c))
	l.costs = l.costs[:crowd]
	assert.False(t, l.tooMany(hb, c))
}
