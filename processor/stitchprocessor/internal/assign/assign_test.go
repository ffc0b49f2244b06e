package assign_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/assign"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBest(t *testing.T) {
	const no = assign.Never
	for _, tt := range []struct {
		name   string
		cost   [][]float64
		alone  float64
		column int
		margin float64
	}{
		{"the cheaper one", [][]float64{{3, 1}}, 9, 1, 2},
		{"alone if nothing is cheap enough", [][]float64{{3, 4}}, 2, -1, 1},
		{"not what another one needs more", [][]float64{{1, 2}, {1, 9}}, 20, 1, 7},
		{"a tie has no margin", [][]float64{{1, 1}, {1, 1}}, 9, 0, 0},
		{"what cannot be is not chosen", [][]float64{{no, no}}, 5, -1, no - 5},
		{"a chain of three", [][]float64{{1, 2, no}, {no, 1, 2}, {1, no, no}}, 9, 1, 6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var p assign.Problem
			p.Reset(len(tt.cost), len(tt.cost[0]), tt.alone)
			for i, row := range tt.cost {
				for j, c := range row {
					p.Set(i, j, c)
				}
			}
			column, margin := p.Best(0)
			if tt.margin != 0 {
				assert.Equal(t, tt.column, column)
			}
			assert.InDelta(t, tt.margin, margin, 1e-9)
		})
	}
}

func TestARowMayBeDearerAlone(t *testing.T) {
	var p assign.Problem
	p.Reset(2, 1, 5)
	p.SetAlone(0, 9)
	p.SetAlone(7, 1) // there is no such row
	p.Set(0, 0, 3)
	p.Set(1, 0, 2)
	column, margin := p.Best(0)
	assert.Equal(t, 0, column, "the other one is cheaper there, and alone")
	assert.InDelta(t, 3, margin, 1e-9)
}

// brute is the least cost of rows from i on, if row has the given column (-1: alone) or,
// with not, another one.
func brute(cost [][]float64, alone float64, i int, used map[int]bool, row, column int, not bool) float64 {
	if i == len(cost) {
		return 0
	}
	best := float64(10 * assign.Never)
	for j := -1; j < len(cost[0]); j++ {
		if used[j] && j >= 0 || i == row && (j == column) == not {
			continue
		}
		c := alone
		if j >= 0 {
			c = cost[i][j]
		}
		used[j] = true
		best = min(best, c+brute(cost, alone, i+1, used, row, column, not))
		delete(used, j)
	}
	return best
}

func TestItIsTheCheapestOfAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var p assign.Problem
	for range 300 {
		rows, columns := 1+rng.IntN(4), 1+rng.IntN(4)
		cost := make([][]float64, rows)
		p.Reset(rows, columns, 6)
		for i := range cost {
			cost[i] = make([]float64, columns)
			for j := range cost[i] {
				cost[i][j] = 10 * rng.Float64()
				p.Set(i, j, cost[i][j])
			}
		}
		row := rng.IntN(rows)
		column, margin := p.Best(row)
		least := brute(cost, 6, 0, map[int]bool{}, row, column, false)
		second := brute(cost, 6, 0, map[int]bool{}, row, column, true)
		assert.GreaterOrEqual(t, second, least-1e-9)
		assert.InDelta(t, second-least, margin, 1e-6)
	}
}

func TestSizesAreBounded(t *testing.T) {
	var p assign.Problem
	p.Reset(100, 100, 5)
	p.Set(99, 0, 1)
	p.Set(0, 99, 1)
	p.Set(0, assign.Max-1, 1)
	column, margin := p.Best(0)
	assert.Equal(t, assign.Max-1, column)
	assert.InDelta(t, 4, margin, 1e-9)
	column, _ = p.Best(assign.Max)
	assert.Equal(t, -1, column)
}

func BenchmarkBest(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	var p assign.Problem
	p.Reset(assign.Max, assign.Max, 9)
	for i := range assign.Max {
		for j := range assign.Max {
			p.Set(i, j, 10*rng.Float64())
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		p.Best(assign.Max / 2)
	}
}
