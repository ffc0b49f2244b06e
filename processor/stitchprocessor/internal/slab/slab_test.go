package slab_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/slab"
)

// many is more than one piece has.
const many = 3000

func TestValuesAreZeroAndApart(t *testing.T) {
	var s slab.Of[int]
	seen := map[*int]bool{}
	for range many {
		v := s.Next()
		assert.Zero(t, *v)
		assert.False(t, seen[v])
		*v, seen[v] = 1, true
	}
}

func TestRoomEndsWhereTheNextOneBegins(t *testing.T) {
	var s slab.Of[int]
	for range many {
		first := append(s.Room(3), 1, 2, 3)
		second := append(s.Room(3), 4, 5, 6)
		assert.Equal(t, 3, cap(first))
		assert.Equal(t, []int{1, 2, 3, 9}, append(first, 9))
		assert.Equal(t, []int{4, 5, 6}, second)
	}
}

func TestWhatIsLargerThanAPieceHasOneOfItsOwn(t *testing.T) {
	var s slab.Of[[1 << 14]byte]
	assert.NotSame(t, s.Next(), s.Next())
	assert.Equal(t, 3, cap(s.Room(3)))
}

func TestManyValuesTakeFewAllocations(t *testing.T) {
	var s slab.Of[[64]byte]
	var last *[64]byte
	assert.Less(t, testing.AllocsPerRun(10, func() {
		for range many {
			last = s.Next()
		}
	}), float64(many)/50)
	assert.NotNil(t, last)
}
