package monotime

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestTheSystemClockAgreesWithTimeNow(t *testing.T) {
	var s System
	a := s.Now()
	b := s.Now()
	assert.GreaterOrEqual(t, b.Mono, a.Mono)
	assert.InDelta(t, time.Now().UnixNano(), int64(b.Mono)+b.Offset, float64(time.Second))
}

func TestTheTightestPairGivesTheOffset(t *testing.T) {
	readings := []struct {
		before, after uint64
		unix          int64
	}{{100, 1100, 9000}, {2000, 2010, 12005}, {3000, 3500, 13999}, {4000, 4600, 14000}, {5000, 5999, 15900}}
	i := -1
	s := System{read: func() (uint64, int64, uint64) {
		i++
		return readings[i].before, readings[i].unix, readings[i].after
	}}
	assert.Equal(t, Reading{Mono: 5999, Offset: 10000}, s.Now())
}

func TestTheOffsetFollowsOnlyRealChanges(t *testing.T) {
	var mono uint64
	ahead := int64(time.Hour)
	s := System{read: func() (uint64, int64, uint64) {
		mono += 1000
		return mono, int64(mono) + ahead, mono
	}}
	first := s.Now().Offset
	ahead += int64(slack)
	assert.Equal(t, first, s.Now().Offset, "drift within the slack")
	ahead++
	assert.Equal(t, first+int64(slack)+1, s.Now().Offset, "drift beyond it")
	ahead -= int64(time.Minute)
	assert.Equal(t, ahead, s.Now().Offset, "the clock was set back")
}
