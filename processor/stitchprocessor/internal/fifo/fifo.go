package fifo

import "iter"

// blockLength is how many values are allocated at once.
const blockLength = 512

// Of is a queue of values of one type. The zero one is empty, and ready. It has one owner.
//
// It grows block by block: what has come stays where it is. A slice that grows is copied again
// and again, and the memory that it leaves behind is several times its own.
type Of[T any] struct {
	blocks [][]T // of blockLength each
	head   int   // of the first value, in the first block
	n      int
	spare  []T // block that has been left last
}

// Len returns how many values there are.
func (q *Of[T]) Len() int { return q.n }

// At returns the value that is to leave after i others.
func (q *Of[T]) At(i int) T { return *q.at(i) }

func (q *Of[T]) at(i int) *T {
	i += q.head
	return &q.blocks[i/blockLength][i%blockLength]
}

// First returns the value that is to leave next, a zero one if there is none.
func (q *Of[T]) First() (v T) {
	if q.n > 0 {
		v = *q.at(0)
	}
	return v
}

// Push adds a value.
func (q *Of[T]) Push(v T) {
	if q.head+q.n == len(q.blocks)*blockLength {
		if q.spare == nil {
			q.spare = make([]T, blockLength)
		}
		q.blocks, q.spare = append(q.blocks, q.spare), nil
	}
	*q.at(q.n) = v
	q.n++
}

// Pop takes out the value that came first and returns it, a zero one if there is none.
func (q *Of[T]) Pop() (v T) {
	if q.n == 0 {
		return v
	}
	var zero T
	first := q.at(0)
	v, *first = *first, zero
	q.head++
	q.n--
	if q.head == blockLength {
		q.spare, q.blocks[0] = q.blocks[0], nil
		q.blocks, q.head = q.blocks[1:], 0
	}
	return v
}

// All returns the values in order. None may come or leave meanwhile.
func (q *Of[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		for i := range q.n {
			if !yield(*q.at(i)) {
				return
			}
		}
	}
}
