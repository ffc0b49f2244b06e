package join

import "time"

const (
	// idle is for how long what has not come up stays in a table that is full, ns.
	idle = int64(10 * time.Minute)
	// lookEvery is the least time between two looks through one, ns.
	lookEvery = int64(time.Minute)
)

// room is when a table was last looked through for what has not come up for long. ns.
type room struct{ looked int64 }

// roomFor reports whether a table of at most so many has room for one more, if need be by
// removing what has not come up for long: used is when something came up last, ns. What had to go
// and what finds no room is counted.
func roomFor[K comparable, V any](r *room, table map[K]V, most int, now int64, used func(V) int64, counted *int) bool {
	if len(table) >= most {
		*counted += makeRoom(r, table, now, used)
	}
	if len(table) >= most {
		*counted++
		return false
	}
	return true
}

func makeRoom[K comparable, V any](r *room, table map[K]V, now int64, used func(V) int64) (gone int) {
	if r.looked != 0 && now-r.looked < lookEvery {
		return 0
	}
	r.looked = now
	for key, it := range table {
		if used(it)+idle < now {
			delete(table, key)
			gone++
		}
	}
	return gone
}
