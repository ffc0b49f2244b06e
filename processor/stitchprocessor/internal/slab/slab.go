package slab

import "reflect"

// piece is how many bytes are allocated at once: a size class of the allocator, less the
// word that it keeps there.
const piece = 8192 - 8

// Of is memory for values of one type. The zero one is empty, and ready. It has one owner;
// what it hands out belongs to whoever got it.
type Of[T any] struct{ free []T }

// Next returns a zero value.
func (s *Of[T]) Next() *T {
	s.fill(1)
	v := &s.free[0]
	s.free = s.free[1:]
	return v
}

// Room returns an empty slice that has room for n values.
func (s *Of[T]) Room(n int) []T {
	s.fill(n)
	room := s.free[:0:n]
	s.free = s.free[n:]
	return room
}

// fill makes sure that there is memory for n values.
func (s *Of[T]) fill(n int) {
	if len(s.free) < n {
		s.free = make([]T, max(n, piece/int(reflect.TypeFor[T]().Size())))
	}
}
