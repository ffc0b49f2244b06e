package link

// table holds what is learned by a key. When it is full, what has not come up for long makes
// room: keys that never come up twice cannot keep out those that come up again and again, and
// those cannot drive each other out.
type table[K comparable, T any] struct {
	limit   int // entries; zero is maxOperations
	of      map[K]*kept[K, T]
	recent  [recentKeys]*kept[K, T] // that were asked for, and next where the next one goes
	next    int
	met     int // keys that came up
	looked  int // how many had when the table was last looked through
	dropped int // that came up and found no place, or had to make room
}

type kept[K comparable, T any] struct {
	key  K
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
	// recentKeys is how many keys are found without the map: most programs ask for a few things
	// again and again, and each call of theirs is looked up a dozen times.
	recentKeys = 4
)

// get returns what is known of a key, nil if it has no place.
func (t *table[K, T]) get(key K) *T {
	if k := t.find(key); k != nil {
		return &k.it
	}
	return nil
}

func (t *table[K, T]) find(key K) *kept[K, T] {
	for _, k := range t.recent {
		if k != nil && k.key == key {
			return k
		}
	}
	k := t.of[key]
	if k != nil {
		t.recent[t.next] = k
		t.next = (t.next + 1) % recentKeys
	}
	return k
}

// forget removes what is known of a key.
func (t *table[K, T]) forget(key K) {
	if len(t.of) > 0 {
		delete(t.of, key)
		clear(t.recent[:])
	}
}

// meet does the same for one that has come up, and gives it a place if there is one.
func (t *table[K, T]) meet(key K) *T {
	t.met++
	k := t.find(key)
	if k == nil {
		if len(t.of) >= t.most() && !t.makeRoom() {
			t.dropped++
			return nil
		}
		if t.of == nil {
			t.of = map[K]*kept[K, T]{}
		}
		k = &kept[K, T]{key: key}
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
			t.forget(key)
			t.dropped++
		}
	}
	return len(t.of) < t.most()
}
