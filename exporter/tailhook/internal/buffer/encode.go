package buffer

import (
	"errors"
	"fmt"
	"hash/maphash"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of the OTLP trace messages (opentelemetry/proto/trace/v1/trace.proto).
// The head of a message is every field of it but the repeated one below it.
const (
	fieldResourceSpans protowire.Number = 1 // TracesData
	fieldScopeSpans    protowire.Number = 2 // ResourceSpans; the rest is its head
	fieldSpans         protowire.Number = 2 // ScopeSpans; the rest is its head
	fieldTraceID       protowire.Number = 1 // Span
)

var errMalformed = errors.New("malformed OTLP message")

// head is what many spans share: the fields of a ResourceSpans without its
// scopes, or of a ScopeSpans without its spans.
type head struct {
	hash     uint64
	from, to uint32 // in Batch.heads
}

// scope is one ScopeSpans of the call, by its two heads.
type scope struct{ resource, scope int32 }

// encode fills b with the encoded spans of td, in the order of the call.
func (b *Batch) encode(td ptrace.Traces) error {
	var m ptrace.ProtoMarshaler
	data, err := m.MarshalTraces(td)
	if err != nil {
		return fmt.Errorf("encode spans: %w", err)
	}
	b.data = data
	return b.index(b.data)
}

func (b *Batch) index(data []byte) error {
	for len(data) > 0 {
		num, body, _, n := field(data)
		if n < 0 || num != fieldResourceSpans {
			return errMalformed
		}
		if err := b.indexResource(body); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// indexResource takes the head first: encoders may write it after the scopes.
func (b *Batch) indexResource(msg []byte) error {
	if err := b.addHead(msg, fieldScopeSpans); err != nil {
		return err
	}
	res := int32(len(b.headRefs) - 1)
	for len(msg) > 0 {
		num, body, _, n := field(msg)
		if num == fieldScopeSpans {
			if err := b.indexScope(body, res); err != nil {
				return err
			}
		}
		msg = msg[n:]
	}
	return nil
}

func (b *Batch) indexScope(msg []byte, res int32) error {
	if err := b.addHead(msg, fieldSpans); err != nil {
		return err
	}
	b.scopes = append(b.scopes, scope{res, int32(len(b.headRefs) - 1)})
	sc := int32(len(b.scopes) - 1)
	for len(msg) > 0 {
		num, body, _, n := field(msg)
		if num == fieldSpans {
			to := uint32(cap(b.data) - cap(body) + len(body))
			b.spans = append(b.spans, span{from: to - uint32(len(body)), to: to, scope: sc, next: -1})
		}
		msg = msg[n:]
	}
	return nil
}

// addHead copies every field of msg but the repeated one. It checks the whole
// message, so that later walks over it cannot fail.
func (b *Batch) addHead(msg []byte, except protowire.Number) error {
	from := len(b.heads)
	for len(msg) > 0 {
		num, _, raw, n := field(msg)
		if n < 0 {
			return errMalformed
		}
		if num != except {
			b.heads = append(b.heads, raw...)
		}
		msg = msg[n:]
	}
	b.headRefs = append(b.headRefs, head{
		hash: maphash.Bytes(b.seed, b.heads[from:]),
		from: uint32(from), to: uint32(len(b.heads)),
	})
	return nil
}

// field splits off the first field of msg: its number, its body if it is
// length-delimited (else nil), its raw form and its length, negative if broken.
func field(msg []byte) (num protowire.Number, body, raw []byte, n int) {
	num, typ, tag := protowire.ConsumeTag(msg)
	if tag < 0 {
		return 0, nil, nil, -1
	}
	if typ == protowire.BytesType {
		v, l := protowire.ConsumeBytes(msg[tag:])
		if l < 0 {
			return 0, nil, nil, -1
		}
		return num, v, msg[:tag+l], tag + l
	}
	l := protowire.ConsumeFieldValue(num, typ, msg[tag:])
	if l < 0 {
		return 0, nil, nil, -1
	}
	return num, nil, msg[:tag+l], tag + l
}
