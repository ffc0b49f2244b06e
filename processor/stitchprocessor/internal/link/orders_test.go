package link

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhatIsOutOfPlaceIsSoByTheLesserTime(t *testing.T) {
	const us = int64(1e3)
	var in, out sequence
	for _, at := range []int64{1000, 1040, 9000} { // µs; two threads put something in at about the same time
		in.add(at*us, at*us)
	}
	for _, at := range []int64{20000, 23000, 26000} {
		out.add(at*us, (at-100)*us)
	}
	at := func(at int64) moment { return moment{at * us, at * us} }
	from := func(at int64) moment { return moment{at * us, (at - 100) * us} }
	for _, tt := range []struct {
		name      string
		in, after moment
		off       offset
	}{
		{"what is in place is not", at(1040), from(23000), offset{}},
		{"what may have changed places when it was put in is so by what lay between", at(1000), from(23000), offset{-40 * us, -40 * us}},
		{"in either direction", at(1040), from(20000), offset{40 * us, 40 * us}},
		{"what was put in much later is so by what it waited less", at(9000), from(23000), offset{-3000 * us, -3000 * us}},
		{"what may have happened before is in place, if not as it was seen", moment{9000 * us, 1020 * us}, from(23000), offset{0, -3000 * us}},
	} {
		assert.Equal(t, tt.off, in.offset(tt.in, 0, &out, tt.after), tt.name)
	}
}

func TestAnOrderKnowsHowFarThingsAreOutOfPlace(t *testing.T) {
	var o order
	for i := range int64(100) {
		o.learn(offset{})
		if i%10 == 0 {
			o.learn(offset{off: 100e3, within: 100e3})
		}
	}
	near, far := offset{off: -90e3}, offset{off: 3e6}
	assert.Zero(t, o.cost(offset{}))
	assert.Greater(t, o.cost(near), 2.0)
	assert.Greater(t, o.cost(far), o.cost(near)+4, "nothing was so far out of place yet")
	assert.Less(t, o.cost(offset{within: 3e6}), o.cost(far), "it may be in place")
	assert.Positive(t, o.cost(offset{within: 3e6}), "but is not likely to be")
	strict := order{strict: true}
	assert.Greater(t, strict.cost(far), 5.0, "one that is expected to be kept is dear to leave")
}
