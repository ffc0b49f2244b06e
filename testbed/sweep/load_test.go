package sweep_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/load"
	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
	"github.com/otelcol-custom/otelcol-custom/testbed/sweep"
)

func TestACellIsBoundedInTime(t *testing.T) {
	for _, capacity := range []float64{80, 140, 350, 700, 5000} {
		seeds := map[uint64]bool{}
		for _, l := range sweep.Loads() {
			p := l.Plan(&scenario.Spec{Capacity: capacity}, 1)
			p.Targets = []load.Target{{Weight: 1}}
			require.NoError(t, p.Check())
			assert.GreaterOrEqual(t, p.Requests, 150, l.Name)
			assert.LessOrEqual(t, p.Requests, 1000, l.Name)
			assert.Less(t, float64(p.Warm+p.Requests)/capacity, 12.0, "%s: seconds at %g/s", l.Name, capacity)
			assert.Greater(t, p.Requests, p.InFlight, "%s: more than one round", l.Name)
			assert.False(t, seeds[p.Seed], "%s: a seed of its own", l.Name)
			seeds[p.Seed] = true
		}
	}
}

func TestOpenLoopsAreSharesOfTheCapacity(t *testing.T) {
	loads, err := sweep.Named("p80,c8")
	require.NoError(t, err)
	p := loads[0].Plan(&scenario.Spec{Capacity: 500}, 1)
	assert.InDelta(t, 400, p.Rate, 1e-9)
	assert.Zero(t, p.InFlight)
	assert.Equal(t, 8, loads[1].Plan(&scenario.Spec{Capacity: 500}, 1).InFlight)
	_, err = sweep.Named("c8,c3")
	assert.EqualError(t, err, `no load "c3"`)
}
