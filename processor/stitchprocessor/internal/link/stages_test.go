package link

import (
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
		known.stage.off[0].add(0)
	}
	assert.False(t, known.staged())
	known.links = 3
	assert.True(t, known.staged())
}
