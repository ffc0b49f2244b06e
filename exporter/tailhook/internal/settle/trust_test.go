package settle

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAKindThatIsOftenLateIsDistrustedForAWhile(t *testing.T) {
	tr := NewTrust(10)
	assert.True(t, tr.Holds(1, 0), "trusted to begin with")
	for range 100 {
		tr.Complete(1)
	}
	for range trustLate - 1 {
		tr.Late(1, 5)
	}
	assert.True(t, tr.Holds(1, 5))
	tr.Late(1, 5)
	assert.False(t, tr.Holds(1, 5))
	assert.True(t, tr.Holds(2, 5), "others are not")
	assert.False(t, tr.Holds(1, 4+int64(Distrust)))
	assert.True(t, tr.Holds(1, 5+int64(Distrust)), "another chance")
}

func TestAKindThatIsRarelyLateIsTrusted(t *testing.T) {
	tr := NewTrust(10)
	for n := range 500_000 {
		tr.Complete(1)
		if n%2000 == 1999 {
			tr.Late(1, 5)
		}
		assert.True(t, tr.Holds(1, 5))
	}
}

func TestAKindMayTurnBad(t *testing.T) {
	tr := NewTrust(10)
	for range 1_000_000 {
		tr.Complete(1)
	}
	late := 0
	for tr.Holds(1, 5) {
		tr.Complete(1)
		tr.Late(1, 5)
		late++
	}
	assert.LessOrEqual(t, late, trustMemory/1000+1)
}

func TestKindsBeyondTheLimitAreNotTrusted(t *testing.T) {
	tr := NewTrust(3)
	for kind := range uint64(3) {
		assert.True(t, tr.Holds(kind, 0))
		tr.Complete(kind)
	}
	assert.False(t, tr.Holds(3, 0))
	assert.True(t, tr.Holds(2, 0))
	tr.Late(99, 0)
	assert.Len(t, tr.kinds, 3)
}
