package link

import (
	"cmp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestVotersAgreeOnTheShiftsOfBothOrders(t *testing.T) {
	s := stage{votes: map[places]int{}}
	cast := func(agreeing int) {
		for i := range voters {
			// Each votes for all calls of the time: its own, and others at random.
			for other := range int32(8) {
				s.take(places{other - 4, int32(i*7%31) - other})
			}
			if i < agreeing {
				s.take(places{5, -2})
			}
			s.voters++
		}
		s.count()
	}
	cast(voters)
	assert.True(t, s.settled)
	assert.Equal(t, places{5, -2}, s.shift)
	assert.Empty(t, s.votes, "and they vote anew")
	cast(voters / 5)
	assert.False(t, s.settled, "a minority is chance")
}

func TestCallsOfWhichMuchIsKnownAreNoFirstStage(t *testing.T) {
	known := &habit{calls: 100, links: 50, stage: &stage{settled: true}}
	for range 2 * enough {
		known.stage.orders[0].learn(offset{})
	}
	assert.False(t, known.staged())
	known.links = 3
	assert.True(t, known.staged())
}

func TestTheLatestCallsAreRemembered(t *testing.T) {
	var hb habit
	for i := range int64(2*maxLifetimes) + 1 {
		hb.remember(lifetime{start: i ^ 1, end: i + 9}) // every second one comes late
		assert.LessOrEqual(t, len(hb.lives), maxLifetimes)
	}
	assert.True(t, slices.IsSortedFunc(hb.lives, func(a, b lifetime) int { return cmp.Compare(a.start, b.start) }))
	assert.EqualValues(t, 2*maxLifetimes+1, hb.lives[len(hb.lives)-1].start)
}
