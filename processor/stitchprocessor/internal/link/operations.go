package link

// operations holds what is learned by operation. When it is full, what has not come up for
// long makes room: names that never come up twice cannot keep out those that come up again
// and again, and those cannot drive each other out.
type operations[T any] struct {
	of      map[uint64]*kept[T]
	met     uint64 // that came up
	looked  uint64 // how many had when the table was last looked through
	dropped int    // that came up and found no place, or had to make room
}

type kept[T any] struct {
	last uint64 // how many had come up when this one did last
	it   T
}

const (
	// maxOperations bounds a table.
	maxOperations = 64
	// rested is after how many others an operation that has not come up makes room.
	rested = 4096
	// lookEvery is how many come up at least between two looks through a table.
	lookEvery = 64
)

// get returns what is known of an operation, nil if it has no place.
func (o *operations[T]) get(operation uint64) *T {
	if k := o.of[operation]; k != nil {
		return &k.it
	}
	return nil
}

// meet does the same for one that has come up, and gives it a place if there is one.
func (o *operations[T]) meet(operation uint64) *T {
	o.met++
	k := o.of[operation]
	if k == nil {
		if len(o.of) >= maxOperations && !o.makeRoom() {
			o.dropped++
			return nil
		}
		if o.of == nil {
			o.of = map[uint64]*kept[T]{}
		}
		k = &kept[T]{}
		o.of[operation] = k
	}
	k.last = o.met
	return &k.it
}

// makeRoom removes what has not come up for long, and reports whether there was any.
func (o *operations[T]) makeRoom() bool {
	if o.met-o.looked < lookEvery {
		return false
	}
	o.looked = o.met
	for operation, k := range o.of {
		if o.met-k.last > rested {
			delete(o.of, operation)
			o.dropped++
		}
	}
	return len(o.of) < maxOperations
}
