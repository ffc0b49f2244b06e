package link

import "github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"

// losses notices spans that are missing: those of a connection are numbered. What is left
// over when everything else has been linked may then belong to what is missing.
type losses struct {
	next    map[uint64]follow // by connection
	pending []uint64          // connections with a gap that may close yet
	at      int64             // when one was missing last, Unix ns
}

// follow is the exchange that comes next, how many before it have not come, and when
// the last one ended.
type follow struct {
	next, gap uint32
	at        int64
}

const (
	// maxFollowed bounds the connections that are followed; when there are more, the table
	// begins anew.
	maxFollowed = 4096
	// lossMemory is for how long a loss casts doubt on what is left over. Unix ns.
	lossMemory = int64(10e9)
)

func (s *losses) observe(n *window.Node) {
	if n.Lossy {
		s.at = max(s.at, n.End)
	}
	if n.ConnID == 0 {
		return
	}
	f, known := s.next[n.ConnID]
	switch {
	case known && n.Ordinal > f.next:
		f.gap += n.Ordinal - f.next
		s.pending = append(s.pending, n.ConnID)
	case n.Ordinal < f.next && f.gap > 0:
		f.gap--
	}
	if !known && len(s.next) == maxFollowed {
		clear(s.next)
	}
	f.next, f.at = max(f.next, n.Ordinal+1), max(f.at, n.End)
	s.next[n.ConnID] = f
}

// settle takes for lost what has not come with the spans that it should have come with.
func (s *losses) settle() {
	for _, id := range s.pending {
		if f := s.next[id]; f.gap > 0 {
			s.at = max(s.at, f.at)
			f.gap = 0
			s.next[id] = f
		}
	}
	s.pending = s.pending[:0]
}

// about reports whether something was lost about the time of c.
func (s *losses) about(c *window.Node) bool {
	return s.at != 0 && c.Start() < s.at+lossMemory && s.at < c.End+lossMemory
}
