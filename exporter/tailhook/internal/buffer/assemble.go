package buffer

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"google.golang.org/protobuf/encoding/protowire"
)

// assembler is the working memory of Assemble. Groups of one resource and scope
// are brought together, whichever calls they came with.
type assembler struct {
	resources []asmResource
	scopes    []asmScope
	groups    []asmGroup
}

type asmResource struct {
	head        uint32
	first, last int // scopes
	size        int
}

type asmScope struct {
	head        uint32
	first, last int // groups
	next        int // scope of the same resource, -1 at the end
	size        int
}

type asmGroup struct {
	spans []byte
	next  int
}

// Assemble appends the content of c, a trace with the given id, to dst as an
// OTLP TracesData message and returns the extended slice. The content stays.
func (s *Store) Assemble(dst []byte, id pcommon.TraceID, c *Content) []byte {
	a := &s.asm
	a.reset()
	for stream := s.read(c); len(stream) > 0; {
		res, scp, n := groupAt(stream)
		a.add(res, scp, stream[groupHeader:groupHeader+n])
		stream = stream[groupHeader+n:]
	}
	a.measure(&s.heads)
	for i := range a.resources {
		dst = a.appendResource(dst, &s.heads, &a.resources[i], id)
	}
	s.trim()
	return dst
}

func (a *assembler) reset() {
	clear(a.groups)
	a.resources, a.scopes, a.groups = a.resources[:0], a.scopes[:0], a.groups[:0]
}

func (a *assembler) add(res, scp uint32, spans []byte) {
	r := a.resource(res)
	sc := a.scope(r, scp)
	a.groups = append(a.groups, asmGroup{spans: spans, next: -1})
	g := len(a.groups) - 1
	if a.scopes[sc].first < 0 {
		a.scopes[sc].first = g
	} else {
		a.groups[a.scopes[sc].last].next = g
	}
	a.scopes[sc].last = g
}

// maxSearch bounds the search for a resource or scope that the trace already
// has; beyond it the output has it twice, which says the same.
const maxSearch = 64

// resource and scope search linearly: a trace has few of them, and the last one
// is usually the one.
func (a *assembler) resource(head uint32) int {
	for i := len(a.resources) - 1; i >= max(0, len(a.resources)-maxSearch); i-- {
		if a.resources[i].head == head {
			return i
		}
	}
	a.resources = append(a.resources, asmResource{head: head, first: -1})
	return len(a.resources) - 1
}

func (a *assembler) scope(r int, head uint32) int {
	res := &a.resources[r]
	for i, n := res.first, 0; i >= 0 && n < maxSearch; i, n = a.scopes[i].next, n+1 {
		if a.scopes[i].head == head {
			return i
		}
	}
	a.scopes = append(a.scopes, asmScope{head: head, first: -1, next: -1})
	sc := len(a.scopes) - 1
	if res.first < 0 {
		res.first = sc
	} else {
		a.scopes[res.last].next = sc
	}
	res.last = sc
	return sc
}

// measure computes the size of every message from the inside out.
func (a *assembler) measure(h *heads) {
	for i := range a.resources {
		res := &a.resources[i]
		res.size = len(h.entries[res.head].data)
		for sc := res.first; sc >= 0; sc = a.scopes[sc].next {
			scp := &a.scopes[sc]
			scp.size = len(h.entries[scp.head].data)
			for g := scp.first; g >= 0; g = a.groups[g].next {
				scp.size += spansSize(a.groups[g].spans)
			}
			res.size += fieldSize(scp.size)
		}
	}
}

// spansSize returns what the spans of a group take as Spans fields, with their
// trace ids back in.
func spansSize(group []byte) (size int) {
	for len(group) > 0 {
		l, n := protowire.ConsumeVarint(group)
		size += fieldSize(int(l) + traceIDField)
		group = group[n+int(l):]
	}
	return size
}

// fieldSize returns the size of a message of n bytes as a field, whose number is
// at most 15.
func fieldSize(n int) int { return 1 + protowire.SizeBytes(n) }

func (a *assembler) appendResource(dst []byte, h *heads, res *asmResource, id pcommon.TraceID) []byte {
	dst = appendHeader(dst, fieldResourceSpans, res.size)
	dst = append(dst, h.entries[res.head].data...)
	for sc := res.first; sc >= 0; sc = a.scopes[sc].next {
		scp := &a.scopes[sc]
		dst = appendHeader(dst, fieldScopeSpans, scp.size)
		dst = append(dst, h.entries[scp.head].data...)
		for g := scp.first; g >= 0; g = a.groups[g].next {
			dst = appendSpans(dst, a.groups[g].spans, id)
		}
	}
	return dst
}

func appendSpans(dst, group []byte, id pcommon.TraceID) []byte {
	for len(group) > 0 {
		l, n := protowire.ConsumeVarint(group)
		dst = appendHeader(dst, fieldSpans, int(l)+traceIDField)
		dst = append(dst, group[n:n+int(l)]...)
		dst = append(dst, tagTraceID, byte(len(id)))
		dst = append(dst, id[:]...)
		group = group[n+int(l):]
	}
	return dst
}

func appendHeader(dst []byte, num protowire.Number, size int) []byte {
	dst = protowire.AppendTag(dst, num, protowire.BytesType)
	return protowire.AppendVarint(dst, uint64(size))
}
