package link

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// task is a call that a thread which was free at one time began at another, of which the
// reply was read at end and the loop was told at told. Microseconds.
func task(name string, free, start, end, told int64) *window.Node {
	c := &window.Node{Ref: name, Process: window.New(), End: end * 1e3}
	c.Request.Start = start * 1e3
	c.Response.End = end * 1e3
	c.Note.Free, c.Note.ToldAt = free*1e3, told*1e3
	return c
}

func TestTheCallInPlaceIsFound(t *testing.T) {
	for _, tt := range []struct {
		name  string
		tasks []*window.Node // as they began
		place int32
		want  string
		sure  bool
	}{
		{
			"one call was taken from the queue when the other thread was not free",
			[]*window.Node{task("a", 10, 20, 900, 990), task("b", 30, 40, 910, 950)}, 1, "a", true,
		},
		{
			"either may have been first, and the loop was told of one when the reply of the other had not come",
			[]*window.Node{task("a", 10, 20, 960, 990), task("b", 10, 40, 910, 950)}, 1, "b", true,
		},
		{
			"either may have been first, and the one that was on the wire finished first",
			[]*window.Node{task("a", 10, 20, 900, 990), task("b", 10, 40, 910, 950)}, 1, "a", true,
		},
		{
			"nothing says which was first",
			[]*window.Node{task("a", 10, 20, 910, 990), task("b", 10, 40, 900, 950)}, 1, "b", false,
		},
		{
			"a thread that was free for long has taken its task just before it wrote",
			[]*window.Node{task("a", 10, 20, 9200, 9290), task("b", 10, 9040, 9100, 9150)}, 1, "a", true,
		},
		{
			"what has another place is of another request",
			[]*window.Node{task("a", 10, 20, 900, 990)}, 2, "", false,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := &wakes{pending: tt.tasks}
			w.advance(1e9)
			r := &window.Node{}
			r.Note.Place = tt.place
			found, score := w.inPlace(w.finished, &occasion{event: event{node: r}}, 0)
			if tt.want == "" {
				assert.Nil(t, found)
				return
			}
			assert.Equal(t, tt.want, found.Ref)
			assert.Equal(t, tt.sure, score > 0)
			assert.Equal(t, !tt.sure, found.Note.Swapped, "then neither of them is sure later")
		})
	}
}

func TestAChangeOfPlacesDoesNotMoveTheQueue(t *testing.T) {
	known := func(free int64) bool {
		w := &wakes{}
		for i := range int64(20) {
			// The tenth and the eleventh have changed places on the wire.
			start := 1000 * i
			switch i {
			case 10:
				start += 1100
			case 11:
				start -= 900
			}
			c := task("c", start-10, start, 30000, 0)
			if i == 10 {
				c.Note.Free = (start - free) * 1e3
			}
			w.pending = append(w.pending, c)
		}
		w.advance(1e12)
		for i := range 13 {
			r := &window.Node{}
			r.Note.Place = int32(i + 1)
			place := int32(i + 1)
			if i == 10 || i == 11 {
				place = int32(10 + 12 - i) // the other one
			}
			for _, c := range w.finished {
				if c.Note.Place == place {
					w.vote([]*window.Node{c}, r)
				}
			}
		}
		shift, ok := w.shift()
		return ok && shift == 0
	}
	assert.True(t, known(1500), "the thread of the one was free before the other one began")
	assert.False(t, known(10), "it was not: a message must have been lost")
}
