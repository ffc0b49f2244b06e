package settle

import "time"

// Tick is the precision of a [Wheel].
const Tick = 50 * time.Millisecond

const wheelSlots = 1024

// Entry is one appointment of a wheel.
type Entry struct {
	// Item and Generation are the caller's. An item that is used again gets another
	// generation, so that old appointments are known for what they are.
	Item, Generation uint32
	// At is the tick of the appointment.
	At int64
}

// Wheel calls back at appointed times, each at most one Tick late. An
// appointment beyond its horizon of 51 s simply goes round more than once. It
// cannot be cancelled: the caller ignores what it no longer wants.
type Wheel struct {
	slots [wheelSlots][]Entry
	now   int64 // the last tick that was called
	spare []Entry
	count int
}

// Len returns the number of appointments.
func (w *Wheel) Len() int { return w.count }

// Add makes an appointment at time due, or at the next tick if that has passed,
// and returns the tick.
func (w *Wheel) Add(item, generation uint32, due int64) int64 {
	at := max(w.now+1, (due+int64(Tick)-1)/int64(Tick))
	s := &w.slots[at%wheelSlots]
	*s = append(*s, Entry{item, generation, at})
	w.count++
	return at
}

// Advance calls fn for every appointment up to time now. fn may add others.
func (w *Wheel) Advance(now int64, fn func(Entry)) {
	last := now / int64(Tick)
	if last-w.now > wheelSlots {
		w.now = last - wheelSlots // once round meets every slot
	}
	for w.now < last {
		w.now++
		w.turn(last, fn)
	}
}

// turn calls the appointments of the slot of tick w.now that are due by last.
func (w *Wheel) turn(last int64, fn func(Entry)) {
	slot := &w.slots[w.now%wheelSlots]
	due := append(w.spare[:0], *slot...)
	*slot = shrink(*slot)
	for _, e := range due {
		if e.At > last {
			*slot = append(*slot, e)
			continue
		}
		w.count--
		fn(e)
	}
	w.spare = shrink(due)
}

// shrink empties a slice, and forgets one that only a burst needed.
func shrink(s []Entry) []Entry {
	if cap(s) > 1<<14 {
		return nil
	}
	return s[:0]
}
