package link

import "github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"

// losses notices spans that are missing: those of a connection are numbered. What is left
// over when everything else has been linked may then belong to what is missing.
type losses struct {
	next     table[uint64, follow] // by connection
	pending  []uint64              // connections with a gap that may close yet
	from, to int64                 // between which something was lost lately, Unix ns; zero: nothing
	longest  int64                 // that a request has been open lately, ns
}

// follow is the exchange that comes next, how many before it have not come and between
// which times they must have been, and when the last one ended. Unix ns.
type follow struct {
	next, gap    uint32
	from, to, at int64
}

const (
	// maxFollowed bounds the connections that are followed.
	maxFollowed = 4096
	// lossMemory is for how long a loss casts doubt on what is left over, if requests take
	// so long; losses that are as close are one. Ns.
	lossMemory = int64(10e9)
)

func (s *losses) observe(n *window.Node) {
	if n.Lossy {
		s.add(n.Start(), n.End)
	}
	if n.Server {
		s.longest = max(n.Answered()-n.Start(), s.longest-s.longest/habitMemory)
	}
	if n.ConnID == 0 {
		return
	}
	f := s.next.meet(n.ConnID)
	if f == nil {
		return
	}
	switch known := f.next != 0; {
	case known && n.Ordinal > f.next:
		if f.gap == 0 {
			f.from = f.at
		}
		f.gap += n.Ordinal - f.next
		f.to = max(f.from, n.Start())
		s.pending = append(s.pending, n.ConnID)
	case n.Ordinal < f.next && f.gap > 0:
		f.gap--
	}
	f.next, f.at = max(f.next, n.Ordinal+1), max(f.at, n.End)
}

// settle takes for lost what has not come with the spans that it should have come with.
func (s *losses) settle() {
	for _, id := range s.pending {
		if f := s.next.get(id); f != nil && f.gap > 0 {
			s.add(f.from, f.to)
			f.gap = 0
		}
	}
	s.pending = s.pending[:0]
}

// add takes a loss between two times.
func (s *losses) add(from, to int64) {
	if reach := s.reach(); s.to != 0 && from <= s.to+reach && s.from <= to+reach {
		from, to = min(from, s.from), max(to, s.to)
	} else if to < s.to {
		return // the latest counts
	}
	s.from, s.to = from, to
}

// reach is how far from what was lost a request may have been open that it belongs to.
func (s *losses) reach() int64 { return min(s.longest, lossMemory) }

// about reports whether a request that c may belong to was open when something was lost,
// as far as requests take no longer than others did.
func (s *losses) about(c *window.Node) bool {
	reach := s.reach()
	return s.to != 0 && c.Start() <= s.to+reach && s.from <= c.End+reach
}
