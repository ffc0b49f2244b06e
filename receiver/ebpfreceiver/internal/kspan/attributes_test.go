package kspan

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// written is what a writes, as plain values; reset is done before.
func written(a *attributes, gather func()) map[string]any {
	a.reset()
	gather()
	m := pcommon.NewMap()
	a.write(m)
	return m.AsRaw()
}

func TestEveryKindOfValueIsWritten(t *testing.T) {
	a := newAttributes()
	gather := func() {
		a.PutStr("s", "text")
		a.PutInt("i", 7)
		a.PutBool("yes", true)
		a.PutBool("no", false)
		a.putAll([]protocol.Attribute{
			protocol.String("p.s", "x"), protocol.Int("p.i", 8), protocol.String("skip", "x"),
			protocol.Strings("p.l", []string{"a", "b"}), protocol.Strings("p.e", nil),
		}, "skip")
	}
	want := map[string]any{
		"s": "text", "i": int64(7), "yes": true, "no": false, "p.s": "x", "p.i": int64(8),
		"p.l": []any{"a", "b"}, "p.e": []any{},
	}
	assert.Equal(t, want, written(&a, gather))
	assert.Equal(t, want, written(&a, gather), "by its shape")
	assert.Len(t, a.shapes, 1)
}

func TestSpansOfOneShapeShareNothing(t *testing.T) {
	a := newAttributes()
	first, second := pcommon.NewMap(), pcommon.NewMap()
	for i, m := range []pcommon.Map{first, second} {
		a.reset()
		a.PutStr("s", strconv.Itoa(i))
		a.PutInt("i", int64(i))
		a.write(m)
	}
	second.PutStr("s", "changed")
	second.PutStr("more", "x")
	assert.Equal(t, map[string]any{"s": "0", "i": int64(0)}, first.AsRaw())
}

func TestTheLastOfTwoValuesStays(t *testing.T) {
	a := newAttributes()
	for range 2 {
		assert.Equal(t, map[string]any{"k": int64(2), "other": "x"}, written(&a, func() {
			a.PutStr("k", "1")
			a.PutStr("other", "x")
			a.PutInt("k", 2)
		}))
	}
}

func TestWhatIsThereIsNotPutAgain(t *testing.T) {
	a := newAttributes()
	assert.Equal(t, map[string]any{"k": "1", "l": "3"}, written(&a, func() {
		a.PutStr("k", "1")
		a.putAbsent("k", "2")
		a.putAbsent("l", "3")
	}))
}

func TestShapesThatLookAlikeAreToldApart(t *testing.T) {
	assert.Equal(t, shapeID([]string{"ab"}), shapeID([]string{"cb"}), "or this tests nothing")
	a := newAttributes()
	for range 2 {
		assert.Equal(t, map[string]any{"ab": "1"}, written(&a, func() { a.PutStr("ab", "1") }))
		assert.Equal(t, map[string]any{"cb": "2"}, written(&a, func() { a.PutStr("cb", "2") }))
		assert.Equal(t, map[string]any{"": "3"}, written(&a, func() { a.PutStr("", "3") }))
	}
}

func TestNotEveryShapeIsKept(t *testing.T) {
	a := newAttributes()
	for i := range maxShapes + 10 {
		key := strconv.Itoa(i) + "." + string(make([]byte, i))
		assert.Equal(t, map[string]any{key: "x"}, written(&a, func() { a.PutStr(key, "x") }))
	}
	assert.Len(t, a.shapes, maxShapes)
}

func BenchmarkAttributes(b *testing.B) {
	a := newAttributes()
	b.ReportAllocs()
	for b.Loop() {
		a.reset()
		for _, key := range []string{"network.local.address", "network.peer.address", "server.address", "url.path"} {
			a.PutStr(key, "10.0.0.1")
		}
		a.write(pcommon.NewMap())
	}
}
