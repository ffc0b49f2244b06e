package window

import "slices"

// lanes are the messages of a process by thread and ordinal. What is asked for one
// after the other is mostly of one thread, and its ordinals are mostly without holes:
// a message is found at once, without a search.
type lanes struct {
	of     map[uint32]*lane   // by thread
	recent [recentLanes]*lane // that were asked for last, by thread
}

// recentLanes is how many are found without the map: a program mostly has as many threads at
// work as the machine has processors.
const recentLanes = 16

// lane is the messages of one thread, by ordinal.
type lane struct {
	tid   uint32
	items []slot
	head  int
}

type slot struct {
	io uint32
	m  *Message
}

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
	if found {
		if s.m.IO == s.io && l.items[i].m.IO != s.io {
			l.items[i] = s
		}
		return
	}
	if l.head > 0 && len(l.items) == cap(l.items) {
		n := copy(l.items, l.items[l.head:])
		clear(l.items[n:])
		l.items, i, l.head = l.items[:n], i-l.head, 0
	}
	l.items = slices.Insert(l.items, i, s)
}

// remove takes out the i-th of items. The oldest ones leave first.
func (l *lane) remove(i int) {
	if i-l.head > len(l.items)-i {
		l.items = slices.Delete(l.items, i, i+1)
		return
	}
	copy(l.items[l.head+1:i+1], l.items[l.head:i])
	l.items[l.head] = slot{}
	l.head++
}
