package sweep

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/otelcol-custom/otelcol-custom/testbed/load"
	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
)

// Bounds of one cell. A closed loop sends what the scenario should serve in
// stretch, an open one what arrives in twice that; a cell with one request in
// flight is as long as its replies make it. All that are in flight at first have come at
// once: it takes some rounds until they are spread. The warm-up is what is served in twice
// stretch: enough for that, for programs to be compiled and for a Collector to learn
// their habits.
const (
	stretch     = 1500 * time.Millisecond
	minRequests = 150
	maxRequests = 1000
	minRounds   = 4   // requests, by how many are in flight
	maxRounds   = 12  // the same, if that is more than maxRequests
	alone       = 150 // requests, one in flight
	warmAlone   = 40  // before them
	timeout     = 20 * time.Second
	// usualInFlight is how many are in flight when a scenario without a pool serves its
	// capacity.
	usualInFlight = 8
	lateSeed      = 500
)

// Load is one pace: requests in flight, or a share of the scenario's capacity.
type Load struct {
	Name     string
	InFlight int
	Share    float64
	// Late says that the services have been asked before the Collector came, so that
	// it finds threads and kept connections whose beginnings it has not seen.
	Late bool
}

// Loads returns every load of a full sweep, the lightest first.
func Loads() []Load {
	return []Load{
		{Name: "c1", InFlight: 1}, {Name: "c8", InFlight: 8}, {Name: "c64", InFlight: 64}, {Name: "c256", InFlight: 256},
		{Name: "p40", Share: 0.4}, {Name: "p80", Share: 0.8}, {Name: "late", InFlight: 64, Late: true},
	}
}

// Named returns the loads whose names stand in list, separated by commas.
func Named(list string) ([]Load, error) {
	var out []Load
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(Loads(), func(l Load) bool { return l.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no load %q", name)
		}
		out = append(out, Loads()[i])
	}
	return out, nil
}

// before is what a late Collector has missed.
func (l Load) before(s *scenario.Spec, seed uint64) load.Plan {
	p := l.Plan(s, seed)
	p.Seed, p.Requests, p.Warm = p.Seed+1, minRequests, 0
	return p
}

// Plan returns what to send to s. Each load has a seed of its own, drawn from seed.
func (l Load) Plan(s *scenario.Spec, seed uint64) load.Plan {
	p := load.Plan{Timeout: timeout, Seed: seed * 1000}
	if l.Share > 0 {
		p.Rate = l.Share * s.Capacity
		p.Requests = l.bounded(p.Rate * 2 * stretch.Seconds())
		p.Warm = 3 * p.Requests / 4 // which take half as long again as the others
		p.Seed += uint64(math.Round(l.Share*100)) << 32
		return p
	}
	p.InFlight = l.InFlight
	served := l.capacity(s) * stretch.Seconds()
	p.Requests, p.Warm = l.bounded(served), l.bounded(2*served)
	if l.InFlight == 1 {
		p.Warm, p.Requests = warmAlone, alone
	}
	p.Seed += uint64(l.InFlight)
	if l.Late {
		p.Seed += lateSeed
	}
	return p
}

// capacity is what s serves under l, in requests per second.
func (l Load) capacity(s *scenario.Spec) float64 {
	if s.Pool > 0 {
		return s.Capacity
	}
	return s.Capacity * float64(max(1, l.InFlight/usualInFlight))
}

func (l Load) bounded(n float64) int {
	return min(max(int(n), minRequests, minRounds*l.InFlight), max(maxRequests, maxRounds*l.InFlight))
}
