package link

// operations holds what is learned by operation, of those that come up most. When it is
// full, every other one that comes up wears them all off, and what is worn off makes
// room (Misra and Gries, 1982): names that never come up twice cannot keep out those
// that come up again and again.
type operations[T any] struct {
	of      map[uint64]*kept[T]
	refused int // since they were worn off last
	dropped int // that came up and were refused, or worn off
}

type kept[T any] struct {
	worth int // how often it came up, less what was worn off
	it    T
}

const (
	// maxOperations bounds a table.
	maxOperations = 64
	// maxWorth bounds what an operation is worth, so that what is no longer asked for goes.
	maxWorth = 4096
	// wearing is how many are refused before all are worn off by as much.
	wearing = 16
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
	k := o.of[operation]
	if k == nil {
		if len(o.of) >= maxOperations && !o.wear() {
			o.dropped++
			return nil
		}
		if o.of == nil {
			o.of = map[uint64]*kept[T]{}
		}
		k = &kept[T]{}
		o.of[operation] = k
	}
	k.worth = min(k.worth+1, maxWorth)
	return &k.it
}

// wear takes note of one that found no place, and reports whether it has made one.
func (o *operations[T]) wear() bool {
	if o.refused++; o.refused < wearing {
		return false
	}
	o.refused = 0
	for operation, k := range o.of {
		if k.worth -= wearing; k.worth <= 0 {
			delete(o.of, operation)
			o.dropped++
		}
	}
	return len(o.of) < maxOperations
}
