package window

import "slices"

// series is nodes in ascending order of a key. Nodes arrive and leave nearly in
// that order, so both ends are cheap and the middle is rarely moved.
type series struct {
	key   func(*Node) int64
	items []*Node
	head  int
}

func (s *series) live() []*Node { return s.items[s.head:] }

// from is the index in live of the first node whose key is at least k.
func (s *series) from(k int64) int {
	live := s.live()
	n := len(live)
	for i := n; i > n-8; i-- {
		if i == 0 || s.key(live[i-1]) < k {
			return i
		}
	}
	i, _ := slices.BinarySearchFunc(live, k, func(n *Node, k int64) int {
		if s.key(n) < k {
			return -1
		}
		return 1
	})
	return i
}

// insert puts n after all nodes of the same key and returns its index in live.
func (s *series) insert(n *Node) int {
	i := s.from(s.key(n) + 1)
	if s.head > 0 && len(s.items) == cap(s.items) {
		s.compact()
	}
	s.items = slices.Insert(s.items, s.head+i, n)
	return i
}

func (s *series) compact() {
	n := copy(s.items, s.live())
	clear(s.items[n:])
	s.items, s.head = s.items[:n], 0
}

// remove takes n out and reports whether it was there.
func (s *series) remove(n *Node) bool {
	live := s.live()
	i := 0
	if k := s.key(n); len(live) > 0 && s.key(live[0]) < k {
		i = s.from(k)
	}
	for i < len(live) && live[i] != n && s.key(live[i]) == s.key(n) {
		i++
	}
	if i == len(live) || live[i] != n {
		return false
	}
	if i < len(live)/2 {
		copy(live[1:i+1], live[:i])
		live[0] = nil
		s.head++
		return true
	}
	s.items = slices.Delete(s.items, s.head+i, s.head+i+1)
	return true
}

func (s *series) first() *Node {
	if s.head == len(s.items) {
		return nil
	}
	return s.items[s.head]
}
