package link

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

func TestLossesAreNoticed(t *testing.T) {
	exchange := func(ordinal uint32, at int64) *window.Node {
		n := &window.Node{ConnID: 7, Ordinal: ordinal, End: at}
		n.Request.Start = at
		return n
	}
	s := losses{}
	for i := range uint32(3) {
		s.observe(exchange(5+i, int64(i+1)))
	}
	s.observe(exchange(9, 3))
	s.observe(exchange(8, 3))
	s.settle()
	assert.False(t, s.about(exchange(10, 4)), "a connection from before, and two exchanges in the wrong order")
	s.observe(exchange(10, 1e9))
	s.observe(exchange(12, 5e9))
	assert.False(t, s.about(exchange(13, 5e9)), "the other one may come yet")
	s.settle()
	assert.True(t, s.about(exchange(9, 5e9)))
	assert.True(t, s.about(exchange(9, 2e9)), "it may have been any time since the last one")
	assert.False(t, s.about(exchange(13, 5e9+1)), "no request has been open for so long")
}

func TestALossCastsDoubtAsLongAsRequestsAreOpen(t *testing.T) {
	at := func(start, end int64) *window.Node {
		n := &window.Node{End: end}
		n.Request.Start = start
		return n
	}
	s := losses{}
	request := at(0, 100)
	request.Server = true
	s.observe(request)
	lossy := at(1000, 1010)
	lossy.Lossy = true
	s.observe(lossy)
	assert.True(t, s.about(at(1110, 1120)), "a request may have been open at both times")
	assert.False(t, s.about(at(1111, 1120)))
	assert.True(t, s.about(at(890, 900)))
	assert.False(t, s.about(at(890, 899)))

	lossy = at(1100, 1110)
	lossy.Lossy = true
	s.observe(lossy)
	assert.True(t, s.about(at(890, 900)), "two losses that are close are one")
	lossy = at(5000, 5010)
	lossy.Lossy = true
	s.observe(lossy)
	assert.False(t, s.about(at(890, 900)), "of others the latest counts")
	old := at(10, 20)
	old.Lossy = true
	s.observe(old)
	assert.True(t, s.about(at(5000, 5000)), "and not one that comes late")

	request = at(0, 4*lossMemory)
	request.Server = true
	s.observe(request)
	assert.False(t, s.about(at(5011+lossMemory, 5012+lossMemory)), "however long requests take")
}
