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
			p := l.Plan(&scenario.Spec{Pool: 8, Capacity: capacity}, 1)
			p.Targets = []load.Target{{Weight: 1}}
			require.NoError(t, p.Check())
			assert.GreaterOrEqual(t, p.Requests, 150, l.Name)
			assert.LessOrEqual(t, p.Requests, max(1000, 12*p.InFlight), l.Name)
			assert.Less(t, float64(p.Warm+p.Requests)/capacity, 26.0, "%s: seconds at %g/s", l.Name, capacity)
			assert.GreaterOrEqual(t, p.Requests, 4*p.InFlight, "%s: four rounds", l.Name)
			assert.False(t, seeds[p.Seed], "%s: a seed of its own", l.Name)
			seeds[p.Seed] = true
		}
	}
}

func TestWhatHasNoPoolIsSentMore(t *testing.T) {
	loads, err := sweep.Named("c8,c64,c256")
	require.NoError(t, err)
	for i, want := range []int{525, 1000, 3072} {
		p := loads[i].Plan(&scenario.Spec{Capacity: 350}, 1)
		assert.Equal(t, want, p.Requests, loads[i].Name)
		assert.Equal(t, max(want, 1000), p.Warm, loads[i].Name)
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
