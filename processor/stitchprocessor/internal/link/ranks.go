package link

import (
	"math"
	"slices"
)

// sequence is the times of events of one kind, ascending, so that the rank of one among
// them can be told: a queue keeps ranks where it does not keep times.
type sequence struct {
	times []int64
	gone  int32 // events that were dropped from the front
}

// maxSequence bounds a sequence; its older half is dropped then.
const maxSequence = 4096

func (s *sequence) add(at int64) {
	if len(s.times) == maxSequence {
		n := copy(s.times, s.times[maxSequence/2:])
		s.times = s.times[:n]
		s.gone += maxSequence / 2
	}
	i := len(s.times)
	for i > 0 && s.times[i-1] > at {
		i--
	}
	s.times = slices.Insert(s.times, i, at)
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
	last   [shiftSamples]int32
	n      int
	usual  int32
	spread float64 // entropy, in nats
	off    gaps
}

const shiftSamples = 64

func (s *shifts) add(d int32) {
	s.last[s.n%shiftSamples] = d
	s.n++
	if s.n%gapRefresh == 0 {
		s.refresh()
	}
}

func (s *shifts) known() bool { return s.off.known() }

// share is how many of the latest were d.
func (s *shifts) share(d int32) float64 {
	n := min(s.n, shiftSamples)
	count := 0
	for _, x := range s.last[:n] {
		if x == d {
			count++
		}
	}
	return float64(count) / float64(n)
}

func (s *shifts) refresh() {
	s.spread = 0
	n := min(s.n, shiftSamples)
	most := 0.0
	for _, d := range s.last[:n] {
		share := s.share(d)
		s.spread -= math.Log(share) / float64(n)
		if share > most {
			most, s.usual = share, d
		}
	}
}

// settled reports whether there is a usual shift.
func (s *shifts) settled() bool { return s.n >= gapRefresh }

// cost is how unlikely it is to be out of place by so much time, as a negative logarithm.
func (s *shifts) cost(off int64) float64 { return s.off.rarity(off) }
