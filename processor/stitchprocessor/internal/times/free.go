package times

import (
	"math"
	"math/bits"
)

// Where requests are not seen, their calls go together: nobody's calls are moved in sets, too.

// freeOf finds the calls that a may have and nobody has, by kind.
func (s *sampler) freeOf(a *request) {
	for k := range s.free {
		s.free[k] = s.free[k][:0]
	}
	for _, c := range a.candidates {
		if c.owner == nil {
			for len(s.free) <= int(c.kind) {
				s.free = append(s.free, nil)
			}
			s.free[c.kind] = append(s.free[c.kind], c)
		}
	}
}

func (s *sampler) freeOfKind(k uint8) []*call {
	if int(k) < len(s.free) {
		return s.free[k]
	}
	return nil
}

// swap exchanges some calls of a request, one of each kind, for calls that nobody has. The
// way back is as likely: there are as many of these afterwards.
func (s *sampler) swap(a *request, set uint32) {
	s.freeOf(a)
	s.begin()
	var seen [maxKinds]uint8
	done := uint64(0)
	for _, c := range a.calls {
		slot, _ := a.class.model.slotOf(c.kind, int(seen[c.kind]))
		seen[c.kind]++
		free := s.freeOfKind(c.kind)
		if len(free) == 0 || done&(1<<c.kind) != 0 || slot < 0 || set&(1<<slot) == 0 {
			s.a.calls = with(s.a.calls, c)
			continue
		}
		done |= 1 << c.kind
		other := free[s.random.IntN(len(free))]
		s.a.calls = with(s.a.calls, other)
		s.out, s.in = append(s.out, c), append(s.in, other)
	}
	if len(s.in) > 0 {
		s.decide(a, nil, 0)
	}
}

// toggle gives up one call of each of some kinds, or takes them if there are none.
func (s *sampler) toggle(a *request, set uint32) {
	kinds := a.class.model.kindsOf(set)
	s.freeOf(a)
	s.begin()
	for _, c := range a.calls {
		if kinds&(1<<c.kind) != 0 {
			s.out = append(s.out, c)
		} else {
			s.a.calls = append(s.a.calls, c)
		}
	}
	ratio, ok := 0.0, kinds != 0
	if len(s.out) > 0 {
		ratio, ok = s.giveUp(kinds)
	} else if ok {
		ratio, ok = s.takeUp(kinds)
	}
	if ok && len(s.a.calls) <= maxCalls {
		s.decide(a, nil, ratio)
	}
}

// giveUp is the ratio of giving up s.out, which must be one call of each kind.
func (s *sampler) giveUp(kinds uint64) (ratio float64, ok bool) {
	for _, c := range s.out {
		if kinds&(1<<c.kind) == 0 {
			return 0, false
		}
		kinds &^= 1 << c.kind
		ratio -= math.Log(float64(len(s.freeOfKind(c.kind)) + 1))
	}
	return ratio, kinds == 0
}

// takeUp adds a free call of each kind to s.a.calls, and is the ratio of that.
func (s *sampler) takeUp(kinds uint64) (ratio float64, ok bool) {
	for ; kinds != 0; kinds &= kinds - 1 {
		free := s.freeOfKind(uint8(bits.TrailingZeros64(kinds)))
		if len(free) == 0 {
			return 0, false
		}
		c := free[s.random.IntN(len(free))]
		s.a.calls, s.in = with(s.a.calls, c), append(s.in, c)
		ratio += math.Log(float64(len(free)))
	}
	return ratio, true
}
