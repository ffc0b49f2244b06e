package link

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

func TestChainsOfTheUsualLengthAreBelieved(t *testing.T) {
	var s relays
	c, r := &window.Node{}, &window.Node{}
	assert.True(t, s.usual(2, true))
	assert.False(t, s.usual(2, false), "with a lock about, not before that is known")
	for i := range 60 {
		hops := uint8(2)
		if i%6 == 0 {
			hops = 3
		}
		s.observe(c, r, &evidence.Handoff{Hops: hops})
	}
	assert.True(t, s.usual(2, false))
	assert.False(t, s.usual(3, true))
	assert.True(t, s.believed())
}

func TestChainsThatContradictWhatIsKnownAreNotBelieved(t *testing.T) {
	var s relays
	r, other := &window.Node{}, &window.Node{}
	for i := range 40 {
		c := &window.Node{State: window.Linked, Parent: r, Kind: Reply}
		if i%8 == 0 {
			c.Parent = other
		}
		s.observe(c, r, &evidence.Handoff{Hops: 1})
	}
	assert.False(t, s.believed())
	for range 4 * memory {
		s.observe(&window.Node{State: window.Linked, Parent: r, Kind: Reply}, r, &evidence.Handoff{Hops: 1})
	}
	assert.True(t, s.believed(), "it is forgotten")
}
