package redis

// class says what a request expects.
type class uint8

const (
	plain       class = iota // one reply
	transaction              // one, in which errors may be nested
	monitor                  // one, and lines without end
	reset                    // one, which ends MONITOR and subscriptions
	selection                // one; an error leaves the database as it was
	subscribe                // confirmations
	unsubscribe
)

// entry is a run of requests of one class. For subscribe and unsubscribe it is
// one request, and count the confirmations that are still to come; zero stands
// for as many as there are subscriptions.
type entry struct {
	class class
	kind  subscription
	count int32
}

// queue holds the requests that wait for a reply, oldest first.
type queue struct {
	list []entry
	head int
}

// push adds a request; it reports false when there is no room.
func (q *queue) push(e entry) bool {
	if last := len(q.list) - 1; last >= q.head && e.class == plain && q.list[last].class == plain {
		q.list[last].count++
		return q.list[last].count < maxArgs
	}
	if q.head > 0 && len(q.list) == cap(q.list) {
		q.list = q.list[:copy(q.list, q.list[q.head:])]
		q.head = 0
	}
	if len(q.list)-q.head >= maxWaiting {
		return false
	}
	q.list = append(q.list, e)
	return true
}

// front returns the oldest request, or nil.
func (q *queue) front() *entry {
	if q.head == len(q.list) {
		return nil
	}
	return &q.list[q.head]
}

// pop removes the oldest request.
func (q *queue) pop() {
	e := q.front()
	if e == nil {
		return
	}
	if e.class == plain && e.count > 1 {
		e.count--
		return
	}
	q.head++
	if q.head == len(q.list) {
		q.list, q.head = q.list[:0], 0
	}
}
