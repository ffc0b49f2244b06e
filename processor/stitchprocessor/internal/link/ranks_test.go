package link

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASequenceCountsWhatCameBefore(t *testing.T) {
	var s sequence
	for _, at := range []int64{10, 30, 20} {
		s.add(at, at)
	}
	assert.EqualValues(t, 0, s.rank(10))
	assert.EqualValues(t, 1, s.rank(20), "an event that came late is in its place")
	assert.EqualValues(t, 3, s.rank(99))
	assert.EqualValues(t, 20, s.at(1))
	assert.Zero(t, s.at(3))
	assert.Zero(t, s.at(-1))
}

func TestASequenceIsBoundedAndKeepsItsRanks(t *testing.T) {
	var s sequence
	for i := range int64(3 * maxSequence) {
		s.add(i, i)
		assert.LessOrEqual(t, len(s.times), maxSequence)
	}
	assert.EqualValues(t, 3*maxSequence-5, s.rank(3*maxSequence-5))
	assert.EqualValues(t, 3*maxSequence-5, s.at(3*maxSequence-5))
	assert.Zero(t, s.at(1), "it is forgotten")
}

func TestWhatIsNotSeenHappenedBetweenWhatItsThreadDid(t *testing.T) {
	var taken, put sequence
	// Three tasks are taken from a queue: the second one between 12 and 30, so that it
	// may have been before the first one, not after the third.
	taken.add(20, 10)
	taken.add(30, 12)
	taken.add(40, 35)
	for _, tt := range []struct {
		what            string
		at, free        int64
		low, high       int32
		wanted          int32
		off, offAsFirst int64
	}{
		{"the first may be the second", 20, 10, 0, 1, 2, -20, 0},
		{"the second may be the first", 30, 12, 0, 1, 2, -10, 0},
		{"the third is the third", 40, 35, 2, 2, 2, 0, 15},
	} {
		low, high := taken.between(tt.at, tt.free)
		assert.Equal(t, []int32{tt.low, tt.high}, []int32{low, high}, tt.what)
		assert.Equal(t, tt.off, taken.off(tt.wanted, tt.wanted, tt.at, tt.free), tt.what)
		assert.Equal(t, tt.offAsFirst, taken.off(0, 0, tt.at, tt.free), tt.what)
	}
	assert.Zero(t, taken.off(7, 7, 20, 10), "who should have that place is not known")

	// Two are put: the first one after 10, before its thread went on at 25.
	put.add(10, 10)
	put.add(20, 20)
	put.bound(10, 25)
	put.bound(11, 99) // nothing happened then
	low, high := put.between(20, 20)
	assert.Equal(t, []int32{0, 1}, []int32{low, high}, "it may have been first")
	low, high = put.between(10, 25)
	assert.Equal(t, []int32{0, 1}, []int32{low, high})
	low, high = put.between(10, 15)
	assert.Equal(t, []int32{0, 0}, []int32{low, high}, "something else says that it was put before 15")
}

func TestShifts(t *testing.T) {
	var s shifts
	assert.False(t, s.settled())
	for i := range shiftSamples {
		d := int32(7)
		if i%8 == 0 {
			d = 8
		}
		s.add(d)
	}
	assert.True(t, s.settled())
	assert.EqualValues(t, 7, s.usual)
	sharp := s.spread
	for range shiftSamples / 2 {
		s.add(11)
	}
	assert.Greater(t, s.spread, sharp, "after an event was lost it is not sure")
	for range shiftSamples / 2 {
		s.add(11)
	}
	assert.EqualValues(t, 11, s.usual)
	assert.Zero(t, s.spread, "and then it is again")
	for range enough {
		s.off.add(0)
	}
	assert.Less(t, s.cost(1000), s.cost(5e6), "what was never so far out of place is unlikely to be")
}

// TestShiftsCountTheLatest compares the counts with those of a list, however many values there are.
func TestShiftsCountTheLatest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, different := range []int32{1, 3, 60, 64, 1000} {
		var s shifts
		var all []int32
		for range 1000 {
			d := r.Int32N(different) - different/2
			s.add(d)
			all = append(all, d)
			want := map[int32]int{}
			for _, d := range all[max(0, len(all)-shiftSamples):] {
				want[d]++
			}
			got := map[int32]int{}
			for _, i := range s.last[:min(len(all), shiftSamples)] {
				got[s.values[i]] = int(s.counts[i])
			}
			require.Equal(t, want, got)
		}
	}
}

func TestGapsAreLearnedAndForgotten(t *testing.T) {
	var g gaps
	for range 64 {
		g.add(1e6)
	}
	assert.True(t, g.known())
	assert.Less(t, g.cost(1e6), 0.2)
	assert.Greater(t, g.cost(-1e6), 5.0, "the other order")
	assert.Greater(t, g.cost(64e6), 5.0)
	narrow := g.spread
	for range 3 * gapSamples {
		g.add(64e6)
	}
	assert.Less(t, g.cost(64e6), 0.2)
	assert.Greater(t, g.cost(1e6), 0.5)
	assert.Greater(t, g.spread, narrow)
	assert.LessOrEqual(t, g.total, gapSamples)
	_, width := octave(-1 << 62)
	assert.Positive(t, width)
}
