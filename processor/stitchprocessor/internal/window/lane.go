package window

import "slices"

// lanes are the messages of a process by thread and ordinal. The ordinals of a thread are mostly
// without large holes: a message is found at once, without a search.
type lanes struct {
	of     map[uint32]*lane   // by thread
	recent [recentLanes]*lane // that were asked for last, by thread
}

// recentLanes is how many are found without the map: a program mostly has as many threads at
// work as the machine has processors.
const recentLanes = 16

// lane is the messages of one thread, by ordinal. Room is left for those that are still to come,
// such as a request that is open, and of those that have left: nothing has to move, then.
type lane struct {
	tid   uint32
	items []slot
	head  int
}

type slot struct {
	io uint32
	m  *Message // nil if there is none
}

// maxHole is for how many ordinals in a row room is left.
const maxHole = 8

func (l *lanes) lane(tid uint32) *lane {
	recent := &l.recent[tid%recentLanes]
	if at := *recent; at != nil && at.tid == tid {
		return at
	}
	at := l.of[tid]
	if at != nil {
		*recent = at
	}
	return at
}

// get returns the message at an ordinal of a thread, or nil.
func (l *lanes) get(tid, io uint32) *Message {
	lane := l.lane(tid)
	if lane == nil {
		return nil
	}
	if i, found := lane.find(io); found {
		return lane.items[i].m
	}
	return nil
}

// set puts m at an ordinal of a thread, which is one of its own. A message that is there stays,
// unless it is there with its last or first ordinal and m with that of its point.
func (l *lanes) set(tid, io uint32, m *Message) {
	at := l.lane(tid)
	if at == nil {
		at = &lane{tid: tid}
		l.of[tid] = at
	}
	at.set(slot{io, m})
}

// drop takes m away from an ordinal of a thread, if it is there.
func (l *lanes) drop(tid, io uint32, m *Message) {
	at := l.lane(tid)
	if at == nil {
		return
	}
	if i, found := at.find(io); found && at.items[i].m == m {
		at.remove(i)
	}
	if len(at.items) == at.head {
		delete(l.of, tid)
		l.recent[tid%recentLanes] = nil
	}
}

// find returns where an ordinal is in items, or would be. Without holes it is as far
// from the last one, and from the first one, as the ordinals say; with holes it is closer
// to both.
func (l *lane) find(io uint32) (int, bool) {
	n := len(l.items)
	if n == l.head || io > l.items[n-1].io {
		return n, false
	}
	first, last := l.items[l.head].io, l.items[n-1].io
	if io < first {
		return l.head, false
	}
	i, end := max(n-1-int(last-io), l.head), min(l.head+int(io-first), n-1)
	for i < end {
		if half := int(uint(i+end) >> 1); l.items[half].io < io {
			i = half + 1
		} else {
			end = half
		}
	}
	return i, l.items[i].io == io
}

func (l *lane) set(s slot) {
	i, found := l.find(s.io)
	switch {
	case found:
		if at := &l.items[i]; at.m == nil || s.m.IO == s.io && at.m.IO != s.io {
			at.m = s.m
		}
	case i < len(l.items):
		l.items = slices.Insert(l.items, i, s)
	default:
		l.fill(s.io)
		l.append(s)
	}
}

// fill leaves room up to an ordinal behind the last one, if that is near.
func (l *lane) fill(to uint32) {
	if len(l.items) == l.head {
		return
	}
	from := l.items[len(l.items)-1].io + 1
	if to-from > maxHole {
		return
	}
	for io := from; io != to; io++ {
		l.append(slot{io: io})
	}
}

func (l *lane) append(s slot) {
	if l.head > 0 && len(l.items) == cap(l.items) {
		n := copy(l.items, l.items[l.head:])
		clear(l.items[n:])
		l.items, l.head = l.items[:n], 0
	}
	l.items = append(l.items, s)
}

// remove takes away the message of the i-th of items. The oldest ones leave first, and their room
// with them.
func (l *lane) remove(i int) {
	l.items[i].m = nil
	for l.head < len(l.items) && l.items[l.head].m == nil {
		l.head++
	}
}
