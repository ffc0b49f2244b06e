package mysql

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Bounds of the attributes of one query.
const (
	maxAttributes = 32
	maxValue      = 1024
)

// attribute is a query attribute: a type, and a name.
type attribute struct {
	kind byte
	null bool
	name string
}

// queryAttributes splits a query with attributes, as MySQL's clients send it since
// 8.0.23, into its text and the wanted ones among the attributes. They precede the
// text, behind their count, and show in that no text has such bytes.
func queryAttributes(b []byte, wanted []string) (text []byte, found []protocol.Header, ok bool) {
	if len(b) < 2 || b[0] > maxAttributes || b[1] != 1 {
		return b, nil, true
	}
	count := int(b[0])
	if count == 0 {
		return b[2:], nil, true
	}
	list, rest, ok := attributeNames(b[2:], count)
	for _, a := range list {
		var value []byte
		if !ok || a.null {
			continue
		}
		value, rest, ok = attributeValue(a.kind, rest)
		for _, name := range wanted {
			if ok && strings.EqualFold(name, a.name) {
				found = append(found, protocol.Header{Name: name, Value: protocol.Text(value, maxValue)})
			}
		}
	}
	return rest, found, ok
}

// attributeNames reads which values are NULL, and types and names.
func attributeNames(b []byte, count int) (list []attribute, rest []byte, ok bool) {
	nulls := (count + 7) / 8
	if len(b) <= nulls || b[nulls] != 1 {
		return nil, nil, false
	}
	rest = b[nulls+1:]
	for i := range count {
		if len(rest) < 2 {
			return nil, nil, false
		}
		a := attribute{kind: rest[0], null: b[i/8]>>(i%8)&1 == 1}
		var name []byte
		if name, rest, ok = lenencString(rest[2:]); !ok {
			return nil, nil, false
		}
		a.name = string(bytes.TrimSpace(name))
		list = append(list, a)
	}
	return list, rest, true
}

// attributeValue splits a value of a type off b; only texts are returned as such.
func attributeValue(kind byte, b []byte) (value, rest []byte, ok bool) {
	n := 0
	switch kind {
	case 0x01: // TINY
		n = 1
	case 0x02, 0x0d: // SHORT, YEAR
		n = 2
	case 0x03, 0x04, 0x09: // LONG, FLOAT, INT24
		n = 4
	case 0x05, 0x08: // DOUBLE, LONGLONG
		n = 8
	case 0x07, 0x0a, 0x0b, 0x0c: // TIMESTAMP, DATE, TIME, DATETIME
		if len(b) == 0 {
			return nil, nil, false
		}
		n = 1 + int(b[0])
	case 0x06: // NULL
	default:
		return lenencString(b)
	}
	if n > len(b) {
		return nil, nil, false
	}
	return nil, b[n:], true
}

// statementID returns the id that COM_STMT_PREPARE's answer gives.
func statementID(payload []byte) uint32 { return binary.LittleEndian.Uint32(payload[1:]) }
