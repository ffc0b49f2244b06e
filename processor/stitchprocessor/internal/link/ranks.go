package link

import (
	"math"
	"math/bits"
	"slices"
)

// sequence is the times of events of one kind, ascending, so that the rank of one among
// them can be told: a queue keeps ranks where it does not keep times.
//
// What goes into a queue or out of it is not seen, only what its thread did before and
// after: so each event has another time, before or after the one that it is sorted by,
// and happened between the two.
type sequence struct {
	times  []int64
	others []int64 // nil as long as all are the same as times
	gone   int32   // events that were dropped from the front
}

const (
	// maxSequence bounds a sequence; its older half is dropped then.
	maxSequence = 4096
	// maxBlur bounds the neighbours of an event that are looked at.
	maxBlur = 64
)

func (s *sequence) add(at, other int64) {
	if len(s.times) == maxSequence {
		s.times = s.times[:copy(s.times, s.times[maxSequence/2:])]
		if s.others != nil {
			s.others = s.others[:copy(s.others, s.others[maxSequence/2:])]
		}
		s.gone += maxSequence / 2
	}
	i, _ := slices.BinarySearch(s.times, at+1) // behind those of the same time
	if other != at {
		s.differ()
	}
	s.times = slices.Insert(s.times, i, at)
	if s.others != nil {
		s.others = slices.Insert(s.others, i, other)
	}
}

// differ makes room for other times that differ.
func (s *sequence) differ() {
	if s.others == nil {
		s.others = append([]int64{}, s.times...)
	}
}

// bound sets the other time of an event.
func (s *sequence) bound(at, other int64) {
	if i, found := slices.BinarySearch(s.times, at); found {
		s.differ()
		s.others[i] = other
	}
}

// other returns the other time of an event, or the same if it is not known.
func (s *sequence) other(at int64) int64 {
	if s.others == nil {
		return at
	}
	if i, found := slices.BinarySearch(s.times, at); found {
		return s.others[i]
	}
	return at
}

// between returns the ranks that an event may have which happened between two times, the
// first of which is the one that such events are sorted by.
func (s *sequence) between(at, other int64) (low, high int32) {
	return s.around(s.rank(at), at, other)
}

// around does the same for an event whose rank at the first time is known.
func (s *sequence) around(rank int32, at, other int64) (low, high int32) {
	low, high = rank, rank
	if other < at {
		low = s.rank(other)
		first := int(high-s.gone) + 1
		for i := first; i < min(len(s.others), first+maxBlur); i++ {
			if s.others[i] < at {
				high++
			}
		}
		return low, high
	}
	if other > at {
		high = max(high, s.rank(other)-1)
	}
	if s.others == nil {
		return low, high
	}
	last := int(low-s.gone) - 1
	for i := last; i >= max(0, last-maxBlur); i-- {
		if s.others[i] > at {
			low--
		}
	}
	return low, high
}

// off is by how much time an event that happened between two times, the first of which is
// the one that such events are sorted by, is out of place if its rank should be one of low
// to high; zero if it may be in place.
func (s *sequence) off(low, high int32, at, other int64) int64 {
	first, last := s.between(at, other)
	return s.apart(low, high, first, last, at, other)
}

// apart does the same for an event whose rank is known to be one of first to last.
func (s *sequence) apart(low, high, first, last int32, at, other int64) int64 {
	switch {
	case first > high:
		if place := s.at(high); place != 0 {
			return min(at, other) - place
		}
	case last < low:
		if place := s.at(low); place != 0 {
			return max(at, other) - place
		}
	}
	return 0
}

// rank is how many events came before a time.
func (s *sequence) rank(at int64) int32 {
	i, _ := slices.BinarySearch(s.times, at)
	return s.gone + int32(i)
}

// at returns the time of the event of a rank, or zero.
func (s *sequence) at(rank int32) int64 {
	if i := int(rank - s.gone); i >= 0 && i < len(s.times) {
		return s.times[i]
	}
	return 0
}

// shifts is how the ranks of two kinds of events that belong together have differed
// lately. It is the same number all the time if a queue lies between, until an event is
// lost; then it is not sure for a while. Events that follow each other closely change
// places, others do not: so it knows, too, by how much time they were out of place.
type shifts struct {
	last   [shiftSamples]uint8 // latest samples: where each is in values
	values [shiftSamples]int32 // those that were seen lately
	counts [shiftSamples]uint8 // how many of the latest samples each is
	used   int                 // of values
	free   uint64              // of these, that none of the latest samples is, by place
	n      int
	usual  int32
	spread float64 // entropy, in nats
	off    gaps
}

const shiftSamples = 64

func (s *shifts) add(d int32) {
	at := s.n % shiftSamples
	if s.n >= shiftSamples {
		gone := s.last[at]
		if s.counts[gone]--; s.counts[gone] == 0 {
			s.free |= 1 << gone
		}
	}
	i := s.place(d)
	s.values[i], s.last[at] = d, uint8(i)
	s.counts[i]++
	s.free &^= 1 << i
	s.n++
	if s.n%gapRefresh == 0 {
		s.refresh()
	}
}

// place is where d is in values, or may be: all that were seen have one, so there is room.
func (s *shifts) place(d int32) int {
	for i, x := range s.values[:s.used] {
		if x == d {
			return i
		}
	}
	if s.free != 0 {
		return bits.TrailingZeros64(s.free)
	}
	s.used++
	return s.used - 1
}

func (s *shifts) known() bool { return s.off.known() }

func (s *shifts) refresh() {
	s.spread = 0
	n := min(s.n, shiftSamples)
	most := uint8(0)
	var logs [shiftSamples + 1]float64 // by count, once computed
	for _, i := range s.last[:n] {
		count := s.counts[i]
		if logs[count] == 0 {
			logs[count] = math.Log(float64(count)/float64(n)) / float64(n)
		}
		s.spread -= logs[count]
		if count > most {
			most, s.usual = count, s.values[i]
		}
	}
}

// settled reports whether there is a usual shift.
func (s *shifts) settled() bool { return s.n >= gapRefresh }

// cost is how unlikely it is to be out of place by so much time, as a negative logarithm.
func (s *shifts) cost(off int64) float64 { return s.off.rarity(off) }
