package link

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

func requestReadAt(t int64) *window.Node {
	return window.NewNode(&evidence.Exchange{Request: evidence.Message{Start: t - 1, End: t}}, true, t+1)
}

func TestTheRanksOfATimelineStayWhenItsBeginningIsDropped(t *testing.T) {
	s := &timeline{at: read}
	for i := range 3 * maxTimeline {
		s.add(requestReadAt(int64(10 + i)))
	}
	assert.LessOrEqual(t, len(s.nodes), maxTimeline)
	assert.EqualValues(t, 3*maxTimeline-1, s.rank(int64(10+3*maxTimeline-1)))
	assert.EqualValues(t, 10+3*maxTimeline-5, read(s.of(3*maxTimeline-5)))
	assert.Nil(t, s.of(0), "dropped")
	assert.Nil(t, s.of(3*maxTimeline), "not here yet")
	assert.False(t, s.has(requestReadAt(10)))
	late := requestReadAt(int64(10+3*maxTimeline) - 5)
	s.add(late)
	assert.EqualValues(t, 3*maxTimeline+1, s.rank(int64(10+3*maxTimeline)), "one that comes late counts")
}

func TestTheOrderOfIdleThreadsTellsAQueueFromAStack(t *testing.T) {
	for _, tt := range []struct {
		name string
		next func(idle int) int // which of so many idle threads is woken
		fair bool               // nearly without exception
		line bool               // as a rule
	}{
		{"the one that has waited longest", func(int) int { return 0 }, true, true},
		{"one of the first three", func(int) int { return rand.IntN(3) }, false, true},
		{"the last one to fall idle", func(idle int) int { return idle - 1 }, false, false},
		{"any of them", func(idle int) int { return rand.IntN(idle) }, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var i idleness
			var idle []int64
			for now := int64(1); now < 400; now++ {
				idle = append(idle, 1000*now)
				if len(idle) < 8 {
					continue
				}
				n := tt.next(len(idle))
				i.observe(idle[n], 1000*now+1)
				idle = append(idle[:n], idle[n+1:]...)
				if now%3 == 0 && len(idle) > 1 { // sometimes two in a row
					n = tt.next(len(idle))
					i.observe(idle[n], 1000*now+2)
					idle = append(idle[:n], idle[n+1:]...)
				}
			}
			assert.Equal(t, tt.fair, i.fair())
			assert.Equal(t, tt.line, i.inLine())
		})
	}
}

func TestWhatRequestsWaitForIsNotForgotten(t *testing.T) {
	led := &ledger{}
	request := window.NewNode(&evidence.Exchange{
		Request:  evidence.Message{Start: 1, End: 2},
		Response: evidence.Message{Start: 100, End: 101},
	}, true, 101)
	call := func(end int64) *window.Node {
		return window.NewNode(&evidence.Exchange{Request: evidence.Message{Start: 50}, Response: evidence.Message{End: end}}, false, end)
	}
	for range 2 * memory {
		led.reply(call(150), request)
	}
	assert.True(t, led.forgotten())
	assert.LessOrEqual(t, led.late+led.awaited, memory)
	for range memory / 2 {
		led.reply(call(90), request)
	}
	assert.False(t, led.forgotten(), "some requests wait for theirs")
}

func TestALedgerElectsWhatHalfOfTheWakesSay(t *testing.T) {
	led := &ledger{}
	a, b := &supply{}, &supply{}
	say := func(from *supply, level int32) {
		led.votes[led.n%ballots] = vote{from, level}
		if led.n++; led.n >= enough {
			led.elect()
		}
	}
	for range enough - 1 {
		say(a, 3)
	}
	assert.False(t, led.settled, "too few")
	say(b, 0)
	assert.True(t, led.settled)
	assert.Equal(t, vote{a, 3}, led.elected)
	led.agree = 2 * enough
	assert.True(t, led.believed())
	for range ballots {
		say(a, 4) // a request has made no call
	}
	assert.Equal(t, vote{a, 4}, led.elected)
	assert.False(t, led.believed(), "wakes have to confirm it anew")
	for i := range int32(ballots) {
		say(a, i)
	}
	assert.False(t, led.settled, "they do not agree")
}

func TestWhatIsUsualIsNotStretchedByAStall(t *testing.T) {
	var e extreme
	for range ballots {
		e.add(100)
	}
	for range ballots / 8 {
		e.add(1e9)
	}
	assert.EqualValues(t, 100, e.least)
	assert.EqualValues(t, 100, e.middle)
	assert.EqualValues(t, 400, e.most)
}
