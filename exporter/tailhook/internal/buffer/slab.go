package buffer

import "encoding/binary"

// Chunks are small so that a trace wastes little (half a chunk on average) and
// all alike so that memory is reused without fragmentation. The first four
// bytes of a chunk name the next one of its trace.
const (
	chunkSize  = 512
	chunkData  = chunkSize - 4
	pageChunks = 512
	pageSize   = pageChunks * chunkSize
	sparePages = 4
	none       = ^uint32(0)
)

type page struct {
	mem  []byte
	free []uint16 // chunks not in use
	pos  int      // in slab.open; -1 if full or without memory
}

// slab hands out chunks. Pages whose chunks are all free give their memory back,
// but for a few.
type slab struct {
	pages  []page
	open   []uint32 // pages with memory and free chunks
	closed []uint32 // pages without memory
	spare  int      // open pages with nothing in use
	used   int      // chunks in use
}

func (s *slab) chunk(c uint32) []byte {
	off := int(c%pageChunks) * chunkSize
	return s.pages[c/pageChunks].mem[off : off+chunkSize : off+chunkSize]
}

func (s *slab) alloc() uint32 {
	if len(s.open) == 0 {
		s.grow()
	}
	n := s.open[len(s.open)-1]
	p := &s.pages[n]
	if len(p.free) == pageChunks {
		s.spare--
	}
	c := p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	if len(p.free) == 0 {
		s.shut(n)
	}
	s.used++
	id := n*pageChunks + uint32(c)
	binary.LittleEndian.PutUint32(s.chunk(id), none)
	return id
}

func (s *slab) grow() {
	var n uint32
	if l := len(s.closed); l > 0 {
		n = s.closed[l-1]
		s.closed = s.closed[:l-1]
	} else {
		n = uint32(len(s.pages))
		s.pages = append(s.pages, page{free: make([]uint16, 0, pageChunks)})
		for c := range pageChunks {
			s.pages[n].free = append(s.pages[n].free, uint16(pageChunks-1-c))
		}
	}
	s.pages[n].mem = make([]byte, pageSize)
	s.spare++
	s.reopen(n)
}

// reopen lists page n as having free chunks; shut takes it off the list.
func (s *slab) reopen(n uint32) {
	s.pages[n].pos = len(s.open)
	s.open = append(s.open, n)
}

func (s *slab) shut(n uint32) {
	pos, last := s.pages[n].pos, s.open[len(s.open)-1]
	s.open[pos] = last
	s.pages[last].pos = pos
	s.open = s.open[:len(s.open)-1]
	s.pages[n].pos = -1
}

func (s *slab) release(c uint32) {
	n := c / pageChunks
	p := &s.pages[n]
	if len(p.free) == 0 {
		s.reopen(n)
	}
	p.free = append(p.free, uint16(c%pageChunks))
	s.used--
	if len(p.free) < pageChunks {
		return
	}
	s.spare++
	if s.spare > sparePages {
		s.shut(n)
		p.mem = nil
		s.spare--
		s.closed = append(s.closed, n)
	}
}

// next returns the chunk after c, or none.
func (s *slab) next(c uint32) uint32 { return binary.LittleEndian.Uint32(s.chunk(c)) }

func (s *slab) link(c, next uint32) { binary.LittleEndian.PutUint32(s.chunk(c), next) }
