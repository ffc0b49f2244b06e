package link

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatComesUpAgainIsKeptAmongNamesThatDoNot(t *testing.T) {
	var o operations[int]
	unique := uint64(1000)
	for range 200 * maxOperations {
		for op := range uint64(8) {
			if n := o.meet(op); n != nil {
				*n++
			}
		}
		unique++
		o.meet(unique)
		require.LessOrEqual(t, len(o.of), maxOperations)
	}
	for op := range uint64(8) {
		require.NotNil(t, o.get(op))
		assert.Equal(t, 200*maxOperations, *o.get(op))
	}
	assert.Nil(t, o.get(1001), "came up once")
	assert.InDelta(t, 200*maxOperations, o.dropped, 2*maxOperations, "each of the others, but for those that are there")
}

func TestWhatIsNoLongerAskedForMakesRoom(t *testing.T) {
	var o operations[int]
	for range 10 * maxWorth {
		for op := range uint64(maxOperations) {
			o.meet(op)
		}
	}
	for range 2 * maxWorth {
		for op := range uint64(8) {
			o.meet(1000 + op)
		}
	}
	for op := range uint64(8) {
		assert.NotNil(t, o.get(1000+op))
	}
	assert.LessOrEqual(t, len(o.of), maxOperations)
	assert.Positive(t, o.dropped)
}
