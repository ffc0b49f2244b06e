package link

import "math"

// order is how well a queue keeps order, as far as can be seen: by how much time what
// comes out of it is out of place, or what has gone into it is, whichever is less.
// Two threads that put something in at nearly the same time may do so in either
// order, and what they put comes out one after the other, however late and far apart.
type order struct {
	off    gaps // of those that cannot be in place, whenever it happened that was not seen
	within gaps // of the others, if it happened when it was seen
	strict bool // it is expected to be kept
}

// offset is a sample of both. Ns.
type offset struct{ off, within int64 }

// moment is when something was seen, and when before or after that it may have happened.
// Unix ns.
type moment struct{ at, other int64 }

const (
	// inPlace is how many samples in place a strict order begins with, as many as are
	// remembered. Measured in a study: of 2,000 not one was out of place.
	inPlace = gapSamples
	// farther is how many are taken for farther out of place than any sample was.
	farther = 0.05
	// blurred is how much it proves to be out of place between the times between which
	// something happened.
	blurred = 0.3
)

func (o *order) learn(d offset) {
	o.off.add(d.off)
	if d.off == 0 {
		o.within.add(d.within)
	}
}

// cost is how unlikely it is to be out of place by as much or more, as a negative
// logarithm.
func (o *order) cost(d offset) float64 {
	if d.off != 0 {
		return o.rarity(&o.off, d.off)
	}
	return blurred * o.rarity(&o.within, d.within)
}

func (o *order) rarity(g *gaps, d int64) float64 {
	if d == 0 {
		return 0
	}
	n, all := farther, float64(g.total)+farther
	if o.strict {
		all += inPlace
	}
	for i, _ := octave(max(d, -d)); i < octaves; i++ {
		n += float64(g.counts[i] + g.counts[i+octaves])
	}
	return -math.Log(n / all)
}

// offset returns by how much time what went into the queue at one moment and came out of it
// at another is out of place, if the places of the two differ by shift.
func (s *sequence) offset(in moment, shift int32, out *sequence, after moment) offset {
	return offset{
		s.displaced(in, shift, out, after),
		s.displaced(moment{in.at, in.at}, shift, out, moment{after.at, after.at}),
	}
}

func (s *sequence) displaced(in moment, shift int32, out *sequence, after moment) int64 {
	low, high := s.between(in.at, in.other)
	late := out.off(low+shift, high+shift, after.at, after.other)
	low, high = out.between(after.at, after.other)
	early := s.off(low-shift, high-shift, in.at, in.other)
	if early != 0 && max(early, -early) < max(late, -late) {
		return early
	}
	return late
}
