package slab

// Size is how many values are allocated at once.
const Size = 16

// Of is memory for values of one type. The zero one is empty, and ready. It has one owner;
// what it hands out belongs to whoever got it.
type Of[T any] struct{ free []T }

// Next returns a zero value.
func (s *Of[T]) Next() *T {
	if len(s.free) == 0 {
		s.free = make([]T, Size)
	}
	v := &s.free[0]
	s.free = s.free[1:]
	return v
}

// Room returns an empty slice that has room for n values, n at most Size.
func (s *Of[T]) Room(n int) []T {
	if len(s.free) < n {
		s.free = make([]T, Size)
	}
	room := s.free[:0:n]
	s.free = s.free[n:]
	return room
}
