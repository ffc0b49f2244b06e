package fifo_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/fifo"
)

func TestAnEmptyOneHasZeroValues(t *testing.T) {
	var q fifo.Of[int]
	assert.Zero(t, q.Len())
	assert.Zero(t, q.First())
	assert.Zero(t, q.Pop())
	assert.Empty(t, slices.Collect(q.All()))
}

// TestItIsASlice compares it with a slice, for more values than a block has.
func TestItIsASlice(t *testing.T) {
	for name, tt := range map[string]struct{ push, pop, rounds int }{
		"it grows and is emptied at the end": {1, 0, 3000},
		"it stays short":                     {3, 3, 3000},
		"it grows while values leave":        {3, 2, 3000},
		"it shrinks to nothing":              {2000, 2001, 4},
		"blocks are filled to the last":      {512, 512, 5},
	} {
		t.Run(name, func(t *testing.T) {
			var q fifo.Of[int]
			var want []int
			next := 1
			for range tt.rounds {
				for range tt.push {
					q.Push(next)
					want = append(want, next)
					next++
				}
				for range min(tt.pop, len(want)) {
					require.Equal(t, want[0], q.First())
					require.Equal(t, want[0], q.Pop())
					want = want[1:]
				}
				require.Equal(t, len(want), q.Len())
			}
			require.Equal(t, len(want), len(slices.Collect(q.All())))
			for i, v := range want {
				require.Equal(t, v, q.At(i))
			}
			for _, v := range want {
				require.Equal(t, v, q.Pop())
			}
			require.Zero(t, q.Len())
		})
	}
}

func TestWhatLeavesIsNotKept(t *testing.T) {
	var q fifo.Of[*int]
	for range 600 {
		q.Push(new(int))
	}
	for range 600 {
		q.Pop()
	}
	for range 600 { // into the same memory
		q.Push(nil)
	}
	for v := range q.All() {
		require.Nil(t, v)
	}
}

func BenchmarkPushPop(b *testing.B) {
	var q fifo.Of[*int]
	for range 10_000 {
		q.Push(nil)
	}
	for b.Loop() {
		q.Push(nil)
		q.Pop()
	}
}
