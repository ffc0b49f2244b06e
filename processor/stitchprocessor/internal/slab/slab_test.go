package slab_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/slab"
)

func TestValuesAreZeroAndApart(t *testing.T) {
	var s slab.Of[int]
	seen := map[*int]bool{}
	for range 3 * slab.Size {
		v := s.Next()
		assert.Zero(t, *v)
		assert.False(t, seen[v])
		*v, seen[v] = 1, true
	}
}

func TestRoomEndsWhereTheNextOneBegins(t *testing.T) {
	var s slab.Of[int]
	for range 2 * slab.Size {
		first := append(s.Room(3), 1, 2, 3)
		second := append(s.Room(3), 4, 5, 6)
		assert.Equal(t, 3, cap(first))
		assert.Equal(t, []int{1, 2, 3, 9}, append(first, 9))
		assert.Equal(t, []int{4, 5, 6}, second)
	}
}

func TestAllocatesOncePerSlab(t *testing.T) {
	var s slab.Of[[64]byte]
	var last *[64]byte
	assert.InDelta(t, 1, testing.AllocsPerRun(100, func() {
		for range slab.Size {
			last = s.Next()
		}
	}), 0.1)
	assert.NotNil(t, last)
}
