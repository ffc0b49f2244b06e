package monotime

import "time"

// Reading is one moment on both clocks.
type Reading struct {
	Mono   uint64 // CLOCK_MONOTONIC, ns
	Offset int64  // Unix time minus CLOCK_MONOTONIC, ns
}

// Clock reads both clocks. Now is called by one goroutine.
type Clock interface{ Now() Reading }

const (
	// tries is how many pairs of readings are taken for one offset.
	tries = 5
	// slack is how far the offset may drift before it is changed. Within it, all
	// times are converted alike, so that their order and distances stay exact.
	slack = 50 * time.Microsecond
)

// System is the Clock of this machine. The zero value is ready.
type System struct {
	offset int64
	read   func() (before uint64, unix int64, after uint64) // nil: the real clocks
}

var _ Clock = (*System)(nil)

// Now returns the current moment. Of several readings of both clocks it takes the
// pair with the least time between them.
func (s *System) Now() Reading {
	read := s.read
	if read == nil {
		read = readClocks
	}
	var best int64
	var mono uint64
	narrowest := ^uint64(0)
	for range tries {
		before, unix, after := read()
		if width := after - before; width < narrowest {
			narrowest = width
			best = unix - int64(before+width/2)
		}
		mono = after
	}
	if drift := best - s.offset; s.offset == 0 || drift > int64(slack) || drift < -int64(slack) {
		s.offset = best
	}
	return Reading{Mono: mono, Offset: s.offset}
}
