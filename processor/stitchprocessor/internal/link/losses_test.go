package link

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

func TestLossesAreNoticed(t *testing.T) {
	exchange := func(ordinal uint32, end int64) *window.Node {
		return &window.Node{ConnID: 7, Ordinal: ordinal, End: end}
	}
	s := losses{next: map[uint64]follow{}}
	for i := range uint32(3) {
		s.observe(exchange(5+i, int64(i+1)))
	}
	s.observe(exchange(9, 3))
	s.observe(exchange(8, 3))
	s.settle()
	assert.False(t, s.about(exchange(10, 4)), "a connection from before, and two exchanges in the wrong order")
	s.observe(exchange(11, 5e9))
	assert.False(t, s.about(exchange(12, 5e9)), "the other one may come yet")
	s.settle()
	assert.True(t, s.about(exchange(9, 5e9)))
	assert.True(t, s.about(exchange(4, 1)), "what went before may have been of it")
	late := exchange(11, 16e9)
	late.Request.Start = 15e9 + 1
	assert.False(t, s.about(late), "it is over")
	for i := range uint64(2 * maxFollowed) {
		s.observe(&window.Node{ConnID: i})
	}
	assert.LessOrEqual(t, len(s.next), maxFollowed)
}
