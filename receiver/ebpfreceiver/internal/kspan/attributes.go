package kspan

import (
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// maxShapes bounds the shapes that are remembered. Spans of further ones take
// longer to write.
const maxShapes = 512

// attributes gathers the attributes of a span and writes them all at once. A
// pcommon.Map looks through itself at every Put, and grows; but most spans have
// the same keys in the same order as one before. Such a shape is kept as a map
// without values: its copy has the right size, and needs nothing but the values.
type attributes struct {
	keys   []string
	values []value
	lists  [][]string
	shapes map[uint64]*shape
}

// value is what one key gets. It is small: there are some forty on a span.
type value struct {
	str  string
	num  int64 // or the place in lists
	kind valueKind
}

type valueKind uint8

const (
	strValue valueKind = iota
	intValue
	boolValue
	listValue
)

// shape is a list of keys.
type shape struct {
	keys  []string
	empty pcommon.Map // has the keys; invalid if one of them comes twice
	valid bool
}

var _ evidence.Sink = (*attributes)(nil)

func newAttributes() attributes { return attributes{shapes: map[uint64]*shape{}} }

func (a *attributes) reset() {
	a.keys, a.values, a.lists = a.keys[:0], a.values[:0], a.lists[:0]
}

func (a *attributes) put(key string, v value) {
	a.keys, a.values = append(a.keys, key), append(a.values, v)
}

// PutStr implements evidence.Sink.
func (a *attributes) PutStr(key, v string) { a.put(key, value{str: v}) }

// PutInt implements evidence.Sink.
func (a *attributes) PutInt(key string, v int64) { a.put(key, value{num: v, kind: intValue}) }

// PutBool implements evidence.Sink.
func (a *attributes) PutBool(key string, v bool) {
	n := int64(0)
	if v {
		n = 1
	}
	a.put(key, value{num: n, kind: boolValue})
}

// putAbsent adds a string unless there is something under its key.
func (a *attributes) putAbsent(key, v string) {
	if !slices.Contains(a.keys, key) {
		a.PutStr(key, v)
	}
}

// putStrings adds a list, which it keeps.
func (a *attributes) putStrings(key string, list []string) {
	a.put(key, value{num: int64(len(a.lists)), kind: listValue})
	a.lists = append(a.lists, list)
}

// putAll adds what a parser understood, but for the key skip.
func (a *attributes) putAll(all []protocol.Attribute, skip string) {
	for i := range all {
		at := &all[i]
		if at.Key == skip {
			continue
		}
		switch at.Value {
		case protocol.StringValue:
			a.PutStr(at.Key, at.Str)
		case protocol.IntValue:
			a.PutInt(at.Key, at.Int)
		case protocol.StringsValue:
			a.putStrings(at.Key, at.Strs)
		}
	}
}

// write puts everything into to, which is empty. Of two values for a key the
// second one stays.
func (a *attributes) write(to pcommon.Map) {
	s := a.shape()
	if s == nil {
		to.EnsureCapacity(len(a.keys))
		for i, key := range a.keys {
			v, _ := to.GetOrPutEmpty(key)
			a.set(v, &a.values[i])
		}
		return
	}
	s.empty.CopyTo(to)
	i := 0
	for _, v := range to.All() {
		a.set(v, &a.values[i])
		i++
	}
}

// shape returns the shape of what was gathered; nil if it is not kept, or a key
// comes twice.
func (a *attributes) shape() *shape {
	id := shapeID(a.keys)
	s := a.shapes[id]
	if s == nil && len(a.shapes) < maxShapes {
		s = newShape(a.keys)
		a.shapes[id] = s
	}
	if s == nil || !s.valid || !slices.Equal(s.keys, a.keys) {
		return nil
	}
	return s
}

func newShape(keys []string) *shape {
	s := &shape{keys: slices.Clone(keys), empty: pcommon.NewMap()}
	s.empty.EnsureCapacity(len(keys))
	for _, key := range keys {
		s.empty.PutEmpty(key)
	}
	s.valid = s.empty.Len() == len(keys)
	return s
}

// shapeID tells shapes apart, nearly always: keys of one length end differently.
func shapeID(keys []string) uint64 {
	id := uint64(14695981039346656037)
	for _, key := range keys {
		last := byte(0)
		if len(key) > 0 {
			last = key[len(key)-1]
		}
		id = (id ^ uint64(len(key))<<8 ^ uint64(last)) * 1099511628211
	}
	return id
}

// set gives v the value x.
func (a *attributes) set(v pcommon.Value, x *value) {
	switch x.kind {
	case strValue:
		v.SetStr(x.str)
	case intValue:
		v.SetInt(x.num)
	case boolValue:
		v.SetBool(x.num != 0)
	case listValue:
		list, strs := v.SetEmptySlice(), a.lists[x.num]
		list.EnsureCapacity(len(strs))
		for _, s := range strs {
			list.AppendEmpty().SetStr(s)
		}
	}
}
