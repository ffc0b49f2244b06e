package link

// table holds what is learned by a key. When it is full, what has not come up for long makes
// room: keys that never come up twice cannot keep out those that come up again and again, and
// those cannot drive each other out.
type table[K comparable, T any] struct {
	limit   int // entries; zero is maxOperations
	of      map[K]*kept[T]
	met     int // keys that came up
	looked  int // how many had when the table was last looked through
	dropped int // that came up and found no place, or had to make room
}

type kept[T any] struct {
	last int // how many had come up when this one did last
	it   T
}

// operations is a table by operation, of maxOperations.
type operations[T any] = table[uint64, T]

const (
	// maxOperations bounds a table of operations.
	maxOperations = 64
	// rested is after how many others a key that has not come up makes room.
	rested = 4096
)

// get returns what is known of a key, nil if it has no place.
func (t *table[K, T]) get(key K) *T {
	if k := t.of[key]; k != nil {
		return &k.it
	}
	return nil
}

// meet does the same for one that has come up, and gives it a place if there is one.
func (t *table[K, T]) meet(key K) *T {
	t.met++
	k := t.of[key]
	if k == nil {
		if len(t.of) >= t.most() && !t.makeRoom() {
			t.dropped++
			return nil
		}
		if t.of == nil {
			t.of = map[K]*kept[T]{}
		}
		k = &kept[T]{}
		t.of[key] = k
	}
	k.last = t.met
	return &k.it
}

// most is how many there may be.
func (t *table[K, T]) most() int {
	if t.limit == 0 {
		return maxOperations
	}
	return t.limit
}

// makeRoom removes what has not come up for long, and reports whether there was any. It
// looks again when as many have come up as there is room for.
func (t *table[K, T]) makeRoom() bool {
	if t.met-t.looked < t.most() {
		return false
	}
	t.looked = t.met
	for key, k := range t.of {
		if t.met-k.last > rested {
			delete(t.of, key)
			t.dropped++
		}
	}
	return len(t.of) < t.most()
}
