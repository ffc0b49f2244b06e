package join

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
)

func numbered(n int) (id pcommon.TraceID) {
	binary.BigEndian.PutUint64(id[:], uint64(n)+1)
	return id
}

func w3c(id pcommon.TraceID) wire { return wire{id, tracectx.W3C} }

func TestAliases(t *testing.T) {
	l := newAliases()
	a, b, c := numbered(1), numbered(2), numbered(3)
	l.put(b, w3c(a))
	l.put(c, w3c(b))
	assert.Equal(t, a, l.of(w3c(c)).trace, "a context that was lost twice")
	l.put(a, w3c(c))
	assert.Equal(t, a, l.of(w3c(a)).trace, "none leads to itself")
	l.drop(b)
	assert.Equal(t, b, l.of(w3c(c)).trace)
	l.put(c, wire{})
	assert.Equal(t, b, l.of(w3c(c)).trace, "nothing is no alias")
}

func TestTheOldestAliasMakesRoom(t *testing.T) {
	l := newAliases()
	to := w3c(numbered(-2))
	for i := range maxAliases {
		assert.Zero(t, l.put(numbered(i), to))
	}
	assert.Equal(t, 1, l.put(numbered(maxAliases), to))
	assert.Equal(t, numbered(0), l.of(w3c(numbered(0))).trace)
	assert.Equal(t, to, l.of(w3c(numbered(1))))
	assert.Len(t, l.to, maxAliases)
}
