package link

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

func TestNamesThatNeverComeUpTwiceKeepNobodyOut(t *testing.T) {
	var o operations[int]
	unique := uint64(1000)
	for range 10 * maxOperations { // they are there first
		unique++
		o.meet(unique)
	}
	const usual, rounds = 8, 4 * rested
	for range rounds {
		for op := range uint64(usual) {
			if n := o.meet(op); n != nil {
				*n++
			}
		}
		unique++
		o.meet(unique)
		require.LessOrEqual(t, len(o.of), maxOperations)
	}
	for op := range uint64(usual) {
		require.NotNil(t, o.get(op))
		assert.Greater(t, *o.get(op), rounds/2)
	}
	assert.Nil(t, o.get(1001), "came up once, long ago")
	assert.Greater(t, o.dropped, rounds/2, "most of the others")
}

func TestWhatComesUpIsNotDrivenOut(t *testing.T) {
	var o operations[int]
	for range 100 {
		for op := range uint64(3 * maxOperations) {
			if n := o.meet(op); n != nil {
				*n++
			}
		}
	}
	assert.Len(t, o.of, maxOperations)
	for op := range uint64(maxOperations) {
		assert.Equal(t, 100, *o.get(op))
	}
	assert.Equal(t, 100*2*maxOperations, o.dropped)
}

func TestHabitsOfOperationsThatFindNoRoomAreCounted(t *testing.T) {
	l := New(window.New(), func(*window.Node, window.Claim) {})
	for op := range uint64(maxOperations + 5) {
		l.habits.observe(l.p, &window.Node{Operation: op}, 0)
		l.habits.observe(l.p, &window.Node{Operation: op, Server: true}, 0)
	}
	assert.Equal(t, Drops{Operations: 2 * 5}, l.Dropped())
	assert.Zero(t, l.Dropped())
}
