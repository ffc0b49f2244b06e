package buffer

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"
)

// Content names what a [Store] holds of one trace. The zero value holds nothing.
type Content struct {
	head, tail uint32 // chunks, plus one; 0: none
	fill       uint32 // bytes used in the tail
	chunks     uint32
	length     uint64 // bytes of the stream
}

// Empty says whether nothing is held.
func (c *Content) Empty() bool { return c.length == 0 }

// Bytes returns the memory that the content takes in the store.
func (c *Content) Bytes() int { return int(c.chunks) * chunkSize }

// Store holds the encoded spans of many traces. It belongs to one goroutine.
//
// A trace's content is a stream of groups, one per scope of a call:
//
//	u32 resource head, u32 scope head, u32 length of the rest,
//	then per span a varint length and the Span message without its trace id
type Store struct {
	slab  slab
	heads heads

	memo    []uint32 // heads of the batch at hand: interned id + 1, 0 not yet
	memoOf  *Batch
	scratch []byte
	asm     assembler
}

const (
	groupHeader = 12
	maxScratch  = 1 << 20
)

// NewStore returns an empty store.
func NewStore() *Store { return &Store{heads: newHeads()} }

// Bytes returns the memory in use for content and heads.
func (s *Store) Bytes() int { return s.slab.used*chunkSize + s.heads.bytes }

// Begin makes b the batch that the following Appends take their spans from,
// until End. The heads of the batch stay in the store between the two, however
// short the lives of its traces.
func (s *Store) Begin(b *Batch) {
	s.memoOf = b
	s.memo = append(s.memo[:0], make([]uint32, len(b.headRefs))...)
}

// End ends the use of the batch.
func (s *Store) End() {
	for _, id := range s.memo {
		if id != 0 {
			s.heads.release(id - 1)
		}
	}
	s.memo, s.memoOf = s.memo[:0], nil
}

// Appended tells what Append did.
type Appended struct {
	// Wire is the size of the fragment as OTLP, whether kept or not.
	Wire int
	// Omitted and OmittedBytes count the spans that were not kept.
	Omitted, OmittedBytes int
}

// Append adds the spans of f, a fragment of the batch last given to Begin, to c,
// up to a size of about room bytes; a room of 0 has no end.
func (s *Store) Append(c *Content, f *Fragment, room uint64) (a Appended) {
	b := s.memoOf
	resource, size := int32(-1), 0
	for i := f.first; i >= 0; {
		sc := &b.scopes[b.spans[i].scope]
		if sc.resource != resource {
			if resource >= 0 {
				a.Wire += fieldSize(size)
			}
			resource, size = sc.resource, b.headSize(sc.resource)
		}
		var scopeSize int
		i, scopeSize = s.appendGroup(c, f, i, room, &a)
		size += fieldSize(b.headSize(sc.scope) + scopeSize)
	}
	a.Wire += fieldSize(size)
	return a
}

// appendGroup writes the run of spans of one scope that starts at span i, and
// returns the first span after it and the size of the run as OTLP.
func (s *Store) appendGroup(c *Content, f *Fragment, i int32, room uint64, a *Appended) (next int32, size int) {
	b := s.memoOf
	sc := b.spans[i].scope
	buf := append(s.scratch[:0], make([]byte, groupHeader)...)
	for ; i >= 0 && b.spans[i].scope == sc; i = b.spans[i].next {
		msg := b.data[b.spans[i].from:b.spans[i].to]
		size += fieldSize(len(msg))
		if room > 0 && c.length+uint64(len(buf)+len(msg)) > room {
			a.Omitted++
			a.OmittedBytes += len(msg)
			continue
		}
		msg = withoutTraceID(msg, f)
		buf = protowire.AppendVarint(buf, uint64(len(msg)))
		buf = append(buf, msg...)
	}
	s.scratch = buf
	if len(buf) > groupHeader {
		s.writeGroup(c, buf, b.scopes[sc])
	}
	return i, size
}

func (s *Store) writeGroup(c *Content, buf []byte, of scope) {
	res, scp := s.head(s.memoOf, of.resource), s.head(s.memoOf, of.scope)
	s.heads.retain(res)
	s.heads.retain(scp)
	binary.LittleEndian.PutUint32(buf[0:], res)
	binary.LittleEndian.PutUint32(buf[4:], scp)
	binary.LittleEndian.PutUint32(buf[8:], uint32(len(buf)-groupHeader))
	s.write(c, buf)
}

func (s *Store) head(b *Batch, n int32) uint32 {
	if id := s.memo[n]; id != 0 {
		return id - 1
	}
	h := &b.headRefs[n]
	id := s.heads.intern(h.hash, b.heads[h.from:h.to])
	s.heads.retain(id)
	s.memo[n] = id + 1
	return id
}

func (s *Store) write(c *Content, p []byte) {
	c.length += uint64(len(p))
	for len(p) > 0 {
		if c.tail == 0 || c.fill == chunkData {
			s.extend(c)
		}
		n := copy(s.slab.chunk(c.tail - 1)[4+c.fill:], p)
		c.fill += uint32(n)
		p = p[n:]
	}
}

func (s *Store) extend(c *Content) {
	id := s.slab.alloc()
	if c.tail == 0 {
		c.head = id + 1
	} else {
		s.slab.link(c.tail-1, id)
	}
	c.tail, c.fill = id+1, 0
	c.chunks++
}

// read copies the stream of c into scratch, which is valid until the next call
// of any method.
func (s *Store) read(c *Content) []byte {
	buf := s.scratch[:0]
	left := c.length
	for at := c.head; left > 0; {
		n := min(left, chunkData)
		buf = append(buf, s.slab.chunk(at - 1)[4:4+n]...)
		left -= n
		at = s.slab.next(at-1) + 1
	}
	s.scratch = buf
	return buf
}

// trim forgets scratch memory that only a giant trace needed.
func (s *Store) trim() {
	if cap(s.scratch) > maxScratch {
		s.scratch = nil
	}
}

// Drop gives back the memory of c, which is empty afterwards.
func (s *Store) Drop(c *Content) {
	if c.Empty() {
		return
	}
	r := reader{slab: &s.slab, at: c.head - 1}
	for left := c.length; left > 0; {
		var hdr [groupHeader]byte
		r.read(hdr[:])
		res, scp, n := groupAt(hdr[:])
		s.heads.release(res)
		s.heads.release(scp)
		r.skip(n)
		left -= uint64(groupHeader + n)
	}
	for at := c.head - 1; at != none; {
		next := s.slab.next(at)
		s.slab.release(at)
		at = next
	}
	*c = Content{}
}

// reader walks a stream without copying it.
type reader struct {
	slab *slab
	at   uint32 // chunk
	off  int    // in its data
}

func (r *reader) read(p []byte) {
	for len(p) > 0 {
		r.settle()
		n := copy(p, r.slab.chunk(r.at)[4+r.off:])
		r.off += n
		p = p[n:]
	}
}

func (r *reader) skip(n int) {
	for n > 0 {
		r.settle()
		step := min(n, chunkData-r.off)
		r.off += step
		n -= step
	}
}

// settle steps to the next chunk if this one is used up.
func (r *reader) settle() {
	if r.off == chunkData {
		r.at, r.off = r.slab.next(r.at), 0
	}
}

func groupAt(stream []byte) (res, scp uint32, n int) {
	return binary.LittleEndian.Uint32(stream), binary.LittleEndian.Uint32(stream[4:]),
		int(binary.LittleEndian.Uint32(stream[8:]))
}

// withoutTraceID cuts the trace id off a Span message. The Collector's encoder
// writes fields from the last to the first, so it stands at the end; if it does
// not, the message stays as it is, and the id that Assemble appends, being the
// same, changes nothing.
func withoutTraceID(msg []byte, f *Fragment) []byte {
	n := len(msg) - traceIDField
	if n < 0 || msg[n] != tagTraceID || msg[n+1] != byte(len(f.ID)) || [16]byte(msg[n+2:]) != f.ID {
		return msg
	}
	return msg[:n]
}

const (
	tagTraceID   = byte(fieldTraceID)<<3 | byte(protowire.BytesType)
	traceIDField = 2 + 16
)
