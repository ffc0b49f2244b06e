package link

import (
	"math"
	"math/bits"
	"slices"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

const (
	// maxTurns is how many turns with such outputs are remembered, minTurns how many it takes to
	// tell, lookEvery after how many it is looked again. Where nothing was known for quietTurns, one of
	// seldomTurns is looked at.
	maxTurns, minTurns, lookEvery, quietTurns, seldomTurns = 256, 32, 32, 1024, 8
	// maxGuesses bounds the guesses, as there are bits, and maxWays those that hold together.
	maxGuesses, maxWays = 64, 6
	// chanceOdds is how unlikely it has to be that a guess is right by chance, as a negative
	// logarithm; leastChance is what is taken for chance at least.
	chanceOdds, leastChance = 12, 0.02
)

// beat is what is known of one kind of outputs of an event loop: how many turns after which reads
// they come. Each number of turns after each kind of reads is a guess, and is kept as long as it is
// right now and then.
type beat struct {
	of      traffic
	out     []*window.Node // of this turn
	guesses [maxGuesses]guess
	used    uint64           // which of them are in use
	turns   [maxTurns]agreed // the last turns with such outputs
	n       int              // turns so far
	told    int              // how many there had been when something was known last
	skipped int              // since the last one, as nothing has been known for long

	ways  []guess // in which such outputs come about, if that is known
	whole bool    // there is one way, and all that is read of that kind goes it
	score float64
	freed outcomes // whether they go out on other connections than such reads made free
}

// guess is that outputs come about so many turns after such a read.
type guess struct {
	source traffic
	lag    uint32
	since  int // turn of the beat in which it was first right
}

// agreed are the guesses for which enough was read for the outputs of one turn, and just as much.
type agreed struct {
	enough, even uint64
	single       bool // there was one output
}

// learn notes for which guesses enough was read for the outputs of turn tick.
func (c *cadence) learn(b *beat, tick uint32) {
	if b.n-b.told >= quietTurns {
		if b.skipped = (b.skipped + 1) % seldomTurns; b.skipped != 0 {
			return
		}
	}
	a := &b.turns[b.n%maxTurns]
	*a = agreed{single: len(b.out) == 1}
	for i := range bitsOf(b.used) {
		g := &b.guesses[i]
		if t := c.at(tick - g.lag); t != nil {
			enough, even := b.follows(t, g.source)
			a.note(i, enough, even)
		}
	}
	for lag := range uint32(maxCadence + 1) {
		if t := c.at(tick - lag); t != nil && !b.guess(t, lag, a) {
			c.full++
			break
		}
	}
	if b.n++; b.n >= minTurns && b.n%lookEvery == 0 {
		if c.settle(b); len(b.ways) > 0 {
			b.told = b.n
		}
	}
}

func (a *agreed) note(i int, enough, even bool) {
	if enough {
		a.enough |= 1 << i
	}
	if even {
		a.even |= 1 << i
	}
}

// guess takes in the guesses that a turn is the first to be right about, and reports false if
// there is no room for them.
func (b *beat) guess(t *turnReads, lag uint32, a *agreed) bool {
	for _, k := range t.kinds {
		if b.knows(k.of, lag) {
			continue
		}
		enough, even := b.follows(t, k.of)
		if !enough {
			continue
		}
		i := bits.TrailingZeros64(^b.used)
		if i == maxGuesses {
			return false
		}
		b.used |= 1 << i
		b.guesses[i] = guess{k.of, lag, b.n}
		a.note(i, enough, even)
	}
	return true
}

func (b *beat) knows(source traffic, lag uint32) bool {
	for i := range bitsOf(b.used) {
		if g := &b.guesses[i]; g.lag == lag && g.source == source {
			return true
		}
	}
	return false
}

// follows reports whether enough of a kind was read in a turn for all that is written in this one,
// and whether it was just as much. A request leads to its own reply only.
func (b *beat) follows(t *turnReads, source traffic) (enough, even bool) {
	if b.of.server && source.server {
		own := !slices.ContainsFunc(b.out, func(r *window.Node) bool { return !slices.Contains(t.nodes, r) })
		return own, own
	}
	n := t.count(source)
	return n >= len(b.out), n == len(b.out)
}

// settle looks for the ways in which such outputs come about: the fewest guesses of which one is
// right about nearly every turn. Each must be right more often than by chance, and no other one may
// do in its stead. Where a loop is so busy that enough of everything is always read, it may
// still be that just as much is read each time.
func (c *cadence) settle(b *beat) {
	b.ways, b.whole = b.ways[:0], false
	kept := b.turns[:min(b.n, maxTurns)]
	without := c.impossible(b)
	for _, even := range [...]bool{false, true} {
		turns := b.sample(kept, even)
		ways, missed := b.cover(turns, without)
		if ways == 0 {
			continue
		}
		for i := range bitsOf(ways) {
			b.ways = append(b.ways, b.guesses[i])
		}
		b.score = float64(len(turns)-missed+1) / float64(len(turns)+2)
		b.whole = len(b.ways) == 1 && evenly(kept, ways)
		break
	}
	b.prune(kept)
}

// sample returns the guesses for which just as much was read as was written in each turn, or those for
// which enough was, in the turns with one output: of several one may have come about in one way and one in
// another.
func (b *beat) sample(kept []agreed, even bool) (turns []uint64) {
	for i := range kept {
		if even {
			turns = append(turns, kept[i].even)
		} else if kept[i].single {
			turns = append(turns, kept[i].enough)
		}
	}
	return turns
}

// evenly reports whether just as much was read as was written in nearly all turns.
func evenly(turns []agreed, way uint64) bool {
	missed := 0
	for i := range turns {
		if turns[i].even&way == 0 {
			missed++
		}
	}
	return missed*50 <= len(turns)
}

// impossible are the guesses that cannot be true: where the replies of some calls all lead to those of
// their requests, they lead to no other call later. Who is answered may ask for the next thing at
// once, with a cadence of its own.
func (c *cadence) impossible(b *beat) (out uint64) {
	if b.of.server {
		return 0
	}
	for _, k := range c.beats.of {
		if !k.it.of.server || !k.it.whole {
			continue
		}
		way := k.it.ways[0]
		for i := range bitsOf(b.used) {
			if g := &b.guesses[i]; g.source == way.source && g.lag >= way.lag {
				out |= 1 << i
			}
		}
	}
	return out
}

// cover returns the guesses that are right about nearly all turns together, and about how many
// turns none of them is, or zero if there are none, or others do as well.
func (b *beat) cover(turns []uint64, without uint64) (ways uint64, missed int) {
	left := len(turns)
	if left < minTurns {
		return 0, 0
	}
	for left*50 > len(turns) {
		i, gain := most(turns, func(t uint64) uint64 {
			if t&ways != 0 {
				return 0
			}
			return t &^ without
		})
		if gain == 0 || bits.OnesCount64(ways) == maxWays || unlikely(gain, left, b.chance(turns, i)) < chanceOdds {
			return 0, 0
		}
		ways |= 1 << i
		left -= gain
	}
	for i := range bitsOf(ways) {
		if b.guesses[i].lag == 0 || replaceable(turns, ways, without, 1<<i) {
			return 0, 0
		}
	}
	return ways, left
}

// replaceable reports whether another guess is right about four of five turns of those
// that of some ways only one is right about.
func replaceable(turns []uint64, ways, without, way uint64) bool {
	alone := 0
	_, others := most(turns, func(t uint64) uint64 {
		if t&ways != way {
			return 0
		}
		alone++
		return t &^ without &^ ways
	})
	return others*5 >= alone*4
}

// most returns the bit that is set in most of the turns, as seen, and in how many.
func most(turns []uint64, seen func(uint64) uint64) (bit, n int) {
	var hits [maxGuesses]int
	for _, t := range turns {
		for i := range bitsOf(seen(t)) {
			hits[i]++
		}
	}
	for i, h := range hits {
		if h > n {
			bit, n = i, h
		}
	}
	return bit, n
}

// chance is how often a guess may be right by chance: as often as the others about such reads are.
func (b *beat) chance(turns []uint64, i int) float64 {
	if b.of.server && b.guesses[i].source.server {
		return leastChance
	}
	var like uint64
	for j := range bitsOf(b.used &^ (1 << i)) {
		if b.guesses[j].source == b.guesses[i].source {
			like |= 1 << j
		}
	}
	hits := 0
	for _, t := range turns {
		hits += bits.OnesCount64(t & like)
	}
	return max(leastChance, float64(hits)/float64(maxCadence*len(turns)))
}

// unlikely is how unlikely it is to be right so often by chance, as a negative logarithm.
func unlikely(right, of int, chance float64) float64 {
	q := float64(right) / float64(of)
	if q <= chance {
		return 0
	}
	odds := q * math.Log(q/chance)
	if q < 1 {
		odds += (1 - q) * math.Log((1-q)/(1-chance))
	}
	return odds * float64(of)
}

// prune forgets the guesses that were right about fewer than a twentieth of the turns since they
// came up.
func (b *beat) prune(kept []agreed) {
	var hits [maxGuesses]int
	for i := range kept {
		for j := range bitsOf(kept[i].enough) {
			hits[j]++
		}
	}
	var gone uint64
	for i := range bitsOf(b.used) {
		if age := min(b.n-b.guesses[i].since, len(kept)); age >= lookEvery/2 && hits[i]*20 < age {
			gone |= 1 << i
		}
	}
	b.used &^= gone
	for i := range kept {
		kept[i].enough &^= gone
		kept[i].even &^= gone
	}
}

// bitsOf yields the places of the bits that are set.
func bitsOf(set uint64) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for ; set != 0; set &= set - 1 {
			if !yield(bits.TrailingZeros64(set)) {
				return
			}
		}
	}
}
