package settle

import "time"

// Trust learns for which kinds of traces seeming complete means being complete. A
// service that goes on after it has answered, or calls others without a client
// span, brings spans of traces that were decided as complete; if more than one
// in a thousand are like that, traces of the kind are no longer taken for
// complete for a while. It belongs to one goroutine.
type Trust struct {
	limit int
	kinds map[uint64]*trust
}

type trust struct {
	complete, late float64
	until          int64 // distrusted until then
}

const (
	trustLate   = 3     // traces that were not complete
	trustShare  = 0.001 // of those that seemed so
	trustMemory = 20_000
	// Distrust is how long a kind is distrusted before it gets another chance.
	Distrust = 10 * time.Minute
)

// NewTrust tells so many kinds apart; more are not trusted.
func NewTrust(limit int) *Trust { return &Trust{limit: limit, kinds: map[uint64]*trust{}} }

// Holds says whether a trace of this kind that seems complete is believed to be.
func (t *Trust) Holds(kind uint64, now int64) bool {
	k := t.kinds[kind]
	if k == nil {
		return len(t.kinds) < t.limit
	}
	return now >= k.until
}

// Complete counts a trace that was decided as complete.
func (t *Trust) Complete(kind uint64) {
	k := t.kinds[kind]
	if k == nil {
		k = &trust{}
		t.kinds[kind] = k
	}
	k.complete++
	if k.complete > trustMemory {
		k.complete, k.late = k.complete/2, k.late/2
	}
}

// Late counts a trace that was decided as complete and was not.
func (t *Trust) Late(kind uint64, now int64) {
	k := t.kinds[kind]
	if k == nil {
		return
	}
	k.late++
	if k.late >= trustLate && k.late > trustShare*k.complete {
		*k = trust{until: now + int64(Distrust)}
	}
}
