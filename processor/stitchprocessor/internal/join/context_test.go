package join_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/join"
)

// by puts a context of some format on a request. A parent of zero is none.
func by(format tracectx.Format, foreign bool, trace, parent byte) func(*join.Span) {
	return func(s *join.Span) {
		wire(trace, parent)(s)
		s.WireFormat, s.Foreign = format, foreign
	}
}

func TestAForeignParentGivesWay(t *testing.T) {
	t.Run("to one that was found in the process", func(t *testing.T) {
		r := newRig(t, nil)
		s, c := r.add(1, true, "a", 0, by(tracectx.SW8, true, 9, 8)), r.add(2, false, "a", 0, by(tracectx.SW8, true, 9, 7))
		r.Linked(c, s, "thread", 0.99, join.Witnessed)
		r.Quiet(s)
		r.pass(time.Second)
		assert.Equal(t, byte(8), r.out[1].parent, "nothing better is known")
		assert.Equal(t, byte(1), r.out[2].parent)
		assert.Equal(t, "thread", r.out[2].method)
		assert.Equal(t, byte(9), r.out[2].trace)
	})
	t.Run("that of an SDK does not, not even to the caller's own words", func(t *testing.T) {
		r := newRig(t, nil)
		s, c := r.add(1, true, "a", 0, by(tracectx.B3, false, 9, 8)), r.add(2, false, "a", 0, by(tracectx.B3, false, 9, 7))
		r.Linked(c, s, "context", 1, join.Named)
		r.Quiet(s)
		r.pass(time.Second)
		assert.Equal(t, byte(7), r.out[2].parent)
		assert.Equal(t, "context", r.out[2].method)
	})
	t.Run("and what only one end saw of it holds for both", func(t *testing.T) {
		r := newRig(t, nil)
		up := r.add(3, true, "caller", 0, nil)
		c := r.add(1, false, "caller", 5, nil)
		s := r.add(2, true, "server", 5, by(tracectx.SW8, true, 9, 8))
		r.Linked(c, up, "thread", 0.99, join.Witnessed)
		r.Quiet(up)
		r.Quiet(s)
		r.pass(time.Second)
		assert.Equal(t, byte(3), r.out[1].parent)
		assert.Equal(t, byte(1), r.out[2].parent)
		assert.Equal(t, byte(9), r.out[3].trace)
	})
}

func TestAContextWithoutACallerGivesTheTraceAlone(t *testing.T) {
	r := newRig(t, nil)
	s, c := r.add(1, true, "a", 0, func(s *join.Span) { s.WireTrace = pcommon.TraceID{9} }), r.add(2, false, "a", 0, nil)
	r.Linked(c, s, "thread", 0.99, join.Witnessed)
	r.Quiet(s)
	r.pass(time.Second)
	assert.Equal(t, byte(0), r.out[1].parent)
	assert.Empty(t, r.out[1].method)
	assert.Equal(t, byte(9), r.out[2].trace)
	assert.Equal(t, byte(1), r.out[2].parent)
}

func TestTracesOfTwoSystemsAreOne(t *testing.T) {
	t.Run("under the id of the format that comes first", func(t *testing.T) {
		for name, formats := range map[string][2]tracectx.Format{"above": {tracectx.W3C, tracectx.SW8}, "below": {tracectx.SW8, tracectx.W3C}} {
			r := newRig(t, nil)
			ids := map[tracectx.Format]byte{tracectx.W3C: 9, tracectx.SW8: 7}
			s := r.add(1, true, "a", 0, by(formats[0], false, ids[formats[0]], 8))
			c := r.add(2, false, "a", 0, by(formats[1], false, ids[formats[1]], 6))
			r.Linked(c, s, "thread", 0.99, join.Witnessed)
			r.Quiet(s)
			r.pass(time.Second)
			assert.Equal(t, byte(9), r.out[1].trace, name)
			assert.Equal(t, byte(9), r.out[2].trace, name)
			assert.Len(t, r.batches, 1, name)
		}
	})
	t.Run("even if the parent has left", func(t *testing.T) {
		r := newRig(t, nil)
		s := r.add(1, true, "a", 0, by(tracectx.W3C, false, 9, 8))
		r.Quiet(s)
		r.pass(time.Second)
		c := r.add(2, false, "a", 0, by(tracectx.SW8, true, 7, 6))
		r.Linked(c, s, "thread", 0.99, join.Witnessed)
		r.pass(time.Second)
		assert.Equal(t, byte(9), r.out[2].trace)
		assert.Equal(t, byte(1), r.out[2].parent)
		other := r.add(3, false, "a", 0, by(tracectx.W3C, false, 5, 6))
		r.Linked(other, s, "thread", 0.99, join.Witnessed)
		r.pass(time.Second)
		assert.Equal(t, byte(5), r.out[3].trace, "of the same system it is another trace")
		assert.Equal(t, 1, r.Counts.Rejected[join.Trace])
	})
}
