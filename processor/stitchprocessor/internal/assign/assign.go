package assign

import "math"

// Max is the most rows and columns.
const Max = 24

// Never is the cost of a pair that cannot be.
const Never = 1e6

// Problem is the costs of calls (rows) and requests (columns). It can be used again
// after Reset; it has one owner.
type Problem struct {
	rows, columns int
	cost          [Max][2 * Max]float64 // beyond the columns: each row's price of staying alone

	u     [Max + 1]float64
	v     [2*Max + 1]float64
	taken [2*Max + 1]int // row of a column, from 1; 0: none
	way   [2*Max + 1]int
	least [2*Max + 1]float64
	used  [2*Max + 1]bool
}

// Reset makes p a problem of so many rows and columns, at most Max each, in which no
// pair can be and any row stays alone at a price.
func (p *Problem) Reset(rows, columns int, alone float64) {
	p.rows, p.columns = min(rows, Max), min(columns, Max)
	for i := range p.rows {
		for j := range p.columns + p.rows {
			p.cost[i][j] = Never
		}
		p.cost[i][p.columns+i] = alone
	}
}

// Set sets the cost of giving column to row.
func (p *Problem) Set(row, column int, cost float64) {
	if row < p.rows && column < p.columns {
		p.cost[row][column] = min(cost, Never)
	}
}

// Add adds to the cost of giving column to row.
func (p *Problem) Add(row, column int, cost float64) {
	if row < p.rows && column < p.columns {
		p.cost[row][column] = min(p.cost[row][column]+cost, Never)
	}
}

// SetAlone sets the cost of giving a row no column.
func (p *Problem) SetAlone(row int, cost float64) {
	if row < p.rows {
		p.cost[row][p.columns+row] = cost
	}
}

// Best returns the column of a row in the cheapest assignment, or -1 if it stays alone,
// and by how much the cheapest one in which it has another column, or none, costs more.
func (p *Problem) Best(row int) (column int, margin float64) {
	if row >= p.rows {
		return -1, 0
	}
	column, least := p.solve(row)
	was := p.cost[row][column]
	p.cost[row][column] = Never
	_, second := p.solve(row)
	p.cost[row][column] = was
	if column >= p.columns {
		column = -1
	}
	return column, second - least
}

// With returns the cost of the cheapest assignment in which a row has a column, or with -1
// stays alone.
func (p *Problem) With(row, column int) float64 {
	if column < 0 {
		column = p.columns + row
	}
	was := p.cost[row]
	for j := range p.columns + p.rows {
		if j != column {
			p.cost[row][j] = Never
		}
	}
	_, total := p.solve(row)
	p.cost[row] = was
	return total
}

// solve returns the column of a row in the cheapest assignment, and what that costs.
func (p *Problem) solve(row int) (column int, total float64) {
	n, m := p.rows, p.columns+p.rows
	clear(p.u[:n+1])
	clear(p.v[:m+1])
	clear(p.taken[:m+1])
	for i := 1; i <= n; i++ {
		p.augment(i, m)
	}
	for j := 1; j <= m; j++ {
		if i := p.taken[j]; i != 0 {
			total += p.cost[i-1][j-1]
			if i-1 == row {
				column = j - 1
			}
		}
	}
	return column, total
}

// augment gives row i a column, moving others to where that is cheapest.
func (p *Problem) augment(i, m int) {
	for j := range m + 1 {
		p.least[j], p.used[j] = math.Inf(1), false
	}
	p.taken[0] = i
	at := 0
	for p.taken[at] != 0 {
		at = p.step(at, m)
	}
	for at != 0 {
		next := p.way[at]
		p.taken[at] = p.taken[next]
		at = next
	}
}

// step takes the next cheapest column into the tree of alternatives.
func (p *Problem) step(at, m int) int {
	p.used[at] = true
	i, next, delta := p.taken[at], 0, math.Inf(1)
	for j := 1; j <= m; j++ {
		if p.used[j] {
			continue
		}
		if c := p.cost[i-1][j-1] - p.u[i] - p.v[j]; c < p.least[j] {
			p.least[j], p.way[j] = c, at
		}
		if p.least[j] < delta {
			delta, next = p.least[j], j
		}
	}
	for j := 0; j <= m; j++ {
		if p.used[j] {
			p.u[p.taken[j]] += delta
			p.v[j] -= delta
		} else {
			p.least[j] -= delta
		}
	}
	return next
}
