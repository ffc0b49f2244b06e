package link

import (
	"slices"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// timeline is the latest nodes of one kind by a time of theirs. Their ranks count from the
// first one on.
type timeline struct {
	at    func(*window.Node) int64
	nodes []*window.Node
	times []int64 // of nodes: a search does not touch these
	gone  int32   // dropped from the front
}

// maxTimeline bounds how many are remembered; the older half is dropped.
const maxTimeline = 1024

func (s *timeline) add(n *window.Node) {
	if len(s.nodes) == maxTimeline {
		s.nodes = slices.Delete(s.nodes, 0, maxTimeline/2)
		s.times = slices.Delete(s.times, 0, maxTimeline/2)
		s.gone += maxTimeline / 2
	}
	at := s.at(n)
	i := s.index(at + 1) // behind those of the same time
	s.nodes = slices.Insert(s.nodes, i, n)
	s.times = slices.Insert(s.times, i, at)
}

// index is how many of those remembered were before t.
func (s *timeline) index(t int64) int {
	i, _ := slices.BinarySearch(s.times, t)
	return i
}

// rank is how many of all were before t.
func (s *timeline) rank(t int64) int32 { return s.gone + int32(s.index(t)) }

// of returns the node of a rank, or nil.
func (s *timeline) of(rank int32) *window.Node {
	if i := int(rank - s.gone); i >= 0 && i < len(s.nodes) {
		return s.nodes[i]
	}
	return nil
}

// has reports whether n is among those remembered.
func (s *timeline) has(n *window.Node) bool {
	return len(s.times) > 0 && s.at(n) >= s.times[0]
}

// read is when what leads to calls was read: the request, or the reply of a call.
func read(n *window.Node) int64 {
	if n.Server {
		return n.Request.End
	}
	return n.Response.End
}
