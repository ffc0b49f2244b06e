package window

import "slices"

// series is nodes in ascending order of a key. Nodes arrive and leave nearly in
// that order, so both ends are cheap and the middle is rarely moved. The key is beside
// the node: a search does not touch the nodes.
type series struct {
	items []keyed
	head  int
}

type keyed struct {
	key  int64
	node *Node
}

func (s *series) live() []keyed { return s.items[s.head:] }

// from is the index in live of the first node whose key is at least k. What is asked for is mostly
// near the end: from there on steps that double find between which two nodes it is.
func (s *series) from(k int64) int {
	live := s.live()
	i, end := 0, len(live)
	for step := 1; end > 0; step *= 2 {
		if i = max(end-step, 0); live[i].key < k {
			i++
			break
		}
		end = i
	}
	for i < end {
		if half := int(uint(i+end) >> 1); live[half].key < k {
			i = half + 1
		} else {
			end = half
		}
	}
	return i
}

// insert puts n after all nodes of the same key and returns its index in live.
func (s *series) insert(key int64, n *Node) int {
	i := s.from(key + 1)
	if s.head > 0 && len(s.items) == cap(s.items) {
		s.compact()
	}
	s.items = slices.Insert(s.items, s.head+i, keyed{key, n})
	return i
}

func (s *series) compact() {
	n := copy(s.items, s.live())
	clear(s.items[n:])
	s.items, s.head = s.items[:n], 0
}

// remove takes n, which has this key, out and reports whether it was there.
func (s *series) remove(key int64, n *Node) bool {
	live := s.live()
	i := 0
	if len(live) > 0 && live[0].key < key {
		i = s.from(key)
	}
	for i < len(live) && live[i].node != n && live[i].key == key {
		i++
	}
	if i == len(live) || live[i].node != n {
		return false
	}
	if i < len(live)/2 {
		copy(live[1:i+1], live[:i])
		live[0] = keyed{}
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
	return s.items[s.head].node
}
