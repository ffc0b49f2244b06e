package buffer

import "google.golang.org/protobuf/encoding/protowire"

// Parts are an assembled trace, taken apart: its spans, and the heads that it
// shares with many other traces. The memory is used again by the next Split; one
// goroutine owns it.
type Parts struct {
	// Spans is the trace as an OTLP TracesData message in which each scope is the
	// only one of its resource, and neither says anything of itself.
	Spans []byte

	heads []byte
	ends  []int
	// of the resource and the scope at hand
	resource, scopes []byte
	scope, spans     []byte
}

// Head returns what resource i of Spans lacks, as an OTLP TracesData message
// without spans. It is valid until the next Split.
func (p *Parts) Head(i int) []byte {
	from := 0
	if i > 0 {
		from = p.ends[i-1]
	}
	return p.heads[from:p.ends[i]]
}

// Split takes data, a trace as OTLP TracesData message, apart.
func (p *Parts) Split(data []byte) error {
	p.Spans, p.heads, p.ends = p.Spans[:0], p.heads[:0], p.ends[:0]
	for len(data) > 0 {
		num, msg, _, n := field(data)
		if n < 0 || num != fieldResourceSpans {
			return errMalformed
		}
		if err := p.resourceSpans(msg); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

func (p *Parts) resourceSpans(msg []byte) (err error) {
	if p.resource, p.scopes, err = divide(p.resource[:0], p.scopes[:0], msg, fieldScopeSpans); err != nil {
		return err
	}
	for scopes := p.scopes; len(scopes) > 0; {
		_, body, _, n := field(scopes)
		if p.scope, p.spans, err = divide(p.scope[:0], p.spans[:0], body, fieldSpans); err != nil {
			return err
		}
		p.add()
		scopes = scopes[n:]
	}
	return nil
}

// add adds the scope at hand.
func (p *Parts) add() {
	p.heads = appendHeader(p.heads, fieldResourceSpans, len(p.resource)+fieldSize(len(p.scope)))
	p.heads = append(p.heads, p.resource...)
	p.heads = appendHeader(p.heads, fieldScopeSpans, len(p.scope))
	p.heads = append(p.heads, p.scope...)
	p.ends = append(p.ends, len(p.heads))
	p.Spans = appendHeader(p.Spans, fieldResourceSpans, fieldSize(len(p.spans)))
	p.Spans = appendHeader(p.Spans, fieldScopeSpans, len(p.spans))
	p.Spans = append(p.Spans, p.spans...)
}

// divide appends the fields of msg with a number to rest, all others to head.
func divide(head, rest, msg []byte, repeated protowire.Number) (_, _ []byte, err error) {
	for len(msg) > 0 {
		num, _, raw, n := field(msg)
		if n < 0 {
			return head, rest, errMalformed
		}
		if num == repeated {
			rest = append(rest, raw...)
		} else {
			head = append(head, raw...)
		}
		msg = msg[n:]
	}
	return head, rest, nil
}
