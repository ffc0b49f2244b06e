package link

import (
	"slices"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// locks recognises the futex words whose wakes are no handoffs: those of locks. Who
// waits for a lock also releases it: at least 80 % of the wakes on a lock's word wake
// a thread that also wakes others there, at most 20 % are by a thread that never
// waits there, over at least 20 wakes. The word of a future has one wakee, which never
// wakes itself; that of a queue is filled by others than wait for it. A condition
// and its mutex lie close together (CPython's global lock: without the ±64 bytes 12
// of 2,500 links were wrong, with them none).
type locks struct {
	words   map[uint64]*word
	order   []uint64 // words, oldest first
	known   []uint64 // locks, ascending
	wakes   int      // on all words
	dropped int      // words, and locks
	strange int      // threads that a word had no room for
}

const (
	maxWords     = 1024
	maxUsers     = 512 // threads per word
	maxLocks     = 64
	lockWakes    = 20
	globalWakes  = 64 // a global lock has three words, and is most of the wakes
	lockZone     = 64 // bytes around a lock's word
	lockInterval = 8  // wakes between two looks at a word
	// sharedBy is how many threads wait for a word that is not one thread's own.
	sharedBy = 3
)

type word struct {
	wakes  int
	wakees int    // threads
	wakers int    // threads
	own    int    // wakes by a thread that handed on a message of its own
	told   record // completions by way of it, against what is known for certain
	users  []user
}

type user struct {
	tid           uint32
	wakes, waited int
}

func newLocks() locks { return locks{words: map[uint64]*word{}} }

// observe takes a wake on a futex word. wakee is the thread that was woken.
func (l *locks) observe(h *evidence.Handoff, wakee uint32) {
	address := h.Address
	w := l.words[address]
	if w == nil {
		w = l.add(address)
	}
	w.wakes++
	l.wakes++
	if h.Hops == 0 {
		w.own++
	}
	if u := l.user(w, h.WakerTID); u != nil {
		if u.wakes++; u.wakes == 1 {
			w.wakers++
		}
	}
	if u := l.user(w, wakee); u != nil {
		if u.waited++; u.waited == 1 {
			w.wakees++
		}
	}
	if w.wakes >= lockWakes && w.wakes%lockInterval == 0 && w.isLock() {
		l.know(address)
	}
}

func (l *locks) add(address uint64) *word {
	if len(l.order) == maxWords {
		delete(l.words, l.order[0])
		l.order = l.order[1:]
		l.dropped++
	}
	w := &word{}
	l.words[address] = w
	l.order = append(l.order, address)
	return w
}

// user returns what is known of a thread that uses a word, nil if there is no room.
func (l *locks) user(w *word, tid uint32) *user {
	for i := range w.users {
		if w.users[i].tid == tid {
			return &w.users[i]
		}
	}
	if len(w.users) == maxUsers {
		l.strange++
		return nil
	}
	w.users = append(w.users, user{tid: tid})
	return &w.users[len(w.users)-1]
}

func (w *word) isLock() bool {
	var waits, ofWakers, wakes, byOthers int
	for _, u := range w.users {
		waits += u.waited
		wakes += u.wakes
		if u.wakes > 0 {
			ofWakers += u.waited
		}
		if u.waited == 0 {
			byOthers += u.wakes
		}
	}
	return w.wakees > 1 && ofWakers*5 >= waits*4 && byOthers*5 <= wakes
}

// know takes a word for that of a lock. One of which no wake has been seen for so long that
// it is among the words no more makes room.
func (l *locks) know(address uint64) {
	if _, found := slices.BinarySearch(l.known, address); found {
		return
	}
	if len(l.known) == maxLocks {
		l.dropped++
		old := slices.IndexFunc(l.known, func(a uint64) bool { return l.words[a] == nil })
		if old < 0 {
			return
		}
		l.known = slices.Delete(l.known, old, old+1)
	}
	i, _ := slices.BinarySearch(l.known, address)
	l.known = slices.Insert(l.known, i, address)
}

// is reports whether address is the word of a lock, or close to one.
func (l *locks) is(address uint64) bool {
	if len(l.known) == 0 {
		return false
	}
	i, found := slices.BinarySearch(l.known, address)
	return found || i > 0 && address-l.known[i-1] <= lockZone ||
		i < len(l.known) && l.known[i]-address <= lockZone
}

// of reports whether h is the release of a lock.
func (l *locks) of(h *evidence.Handoff) bool { return h.Edge == evidence.Futex && l.is(h.Address) }

// shared reports whether several threads wait for the word of h, and it is not known
// what for: it may yet turn out to be a lock.
func (l *locks) shared(h *evidence.Handoff) bool {
	if h.Edge != evidence.Futex {
		return false
	}
	w := l.words[h.Address]
	return w != nil && w.wakees >= sharedBy
}

// young reports whether so few wakes were seen that a global lock may not be known yet: its
// words have most of them.
func (l *locks) young() bool { return l.wakes < globalWakes }

// judge compares the completion of c for r, of which h tells, with a link of c that rests
// on other evidence.
func (l *locks) judge(h *evidence.Handoff, c, r *window.Node) {
	if h.Edge != evidence.Futex || c.State != window.Linked || !ownUse(c.Kind) && kinds[c.Kind].Class != Identity {
		return
	}
	if w := l.words[h.Address]; w != nil {
		w.told.note(c.Parent == r)
	}
}

// unreliable reports whether completions by way of the word of h have been seen to be
// wrong, even if nothing else says that it is a lock.
func (l *locks) unreliable(h *evidence.Handoff) bool {
	if h.Edge != evidence.Futex {
		return false
	}
	w := l.words[h.Address]
	return w != nil && w.told.disagree >= tooMany && w.told.disagree*10 > w.told.agree+w.told.disagree
}

// barrier reports whether h is the end of a pause that one thread imposes on all others,
// such as a safepoint of the JVM: it does no I/O, and they wait for one word of it.
func (l *locks) barrier(h *evidence.Handoff) bool {
	if h.Edge != evidence.Futex || h.Hops == 0 {
		return false
	}
	w := l.words[h.Address]
	return w != nil && w.wakees >= sharedBy && w.wakers == 1 && w.own == 0
}
