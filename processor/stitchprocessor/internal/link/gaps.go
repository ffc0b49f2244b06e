package link

import (
	"math"
	"math/bits"
)

// gaps is the distribution of a time between two events, in octaves of it, learned with
// decay. Negative times are the other order.
type gaps struct {
	counts [2 * octaves]uint16
	total  int
	most   float64 // greatest density, per ns
	spread float64 // entropy, in nats: how much the time varies
	fresh  int     // samples since these were computed
	masses [2 * octaves]float64
}

const (
	octaves    = 20
	shortest   = 14 // 2^14 ns, 16 µs: what is shorter is one octave
	gapSamples = 512
	gapRefresh = 16
)

// octave of a time, and how wide it is, ns.
func octave(d int64) (i int, width float64) {
	side, size := 0, uint64(d)
	if d < 0 {
		side, size = octaves, uint64(-d)
	}
	n := min(bits.Len64(size>>shortest), octaves-1)
	width = float64(int64(1) << shortest)
	if n > 1 {
		width *= float64(int64(1) << (n - 1))
	}
	return side + n, width
}

func (g *gaps) add(d int64) {
	if g.total >= gapSamples {
		g.total = 0
		for i := range g.counts {
			g.counts[i] /= 2
			g.total += int(g.counts[i])
		}
	}
	i, _ := octave(d)
	g.counts[i]++
	g.total++
	if g.fresh++; g.fresh >= gapRefresh {
		g.refresh()
	}
}

func (g *gaps) known() bool { return g.total >= enough }

// density of a time, per ns. What has not been seen is unlikely, not impossible.
func (g *gaps) density(d int64) float64 {
	i, width := octave(d)
	const unseen = 0.05
	return (float64(g.counts[i]) + unseen) / (float64(g.total) + 2*octaves*unseen) / width
}

// rarity is how unlikely a time is, give or take its octave, as a negative logarithm.
func (g *gaps) rarity(d int64) float64 {
	i, _ := octave(d)
	return g.masses[i]
}

func (g *gaps) refresh() {
	g.fresh, g.most, g.spread = 0, 0, 0
	const unseen = 0.05
	total := float64(g.total) + 2*octaves*unseen
	none := -math.Log(unseen / total)
	for i, n := range g.counts {
		if n == 0 {
			g.masses[i] = none
			continue
		}
		g.masses[i] = -math.Log((float64(n) + unseen) / total)
		_, width := octave(int64(1) << (i%octaves + shortest - 1))
		share := float64(n) / float64(g.total)
		g.most = max(g.most, share/width)
		g.spread -= share * math.Log(share/width)
	}
}

// cost is how much less likely a time is than the likeliest, as a negative logarithm.
func (g *gaps) cost(d int64) float64 {
	return max(0, math.Log(g.most/g.density(d)))
}

// tail is how unlikely a time is that is as long or longer, either way, as a negative
// logarithm. Unlike rarity it does not depend on how many neighbours there are so close.
func (g *gaps) tail(d int64) float64 {
	i, _ := octave(max(d, -d))
	n := 0.5
	for ; i < octaves; i++ {
		n += float64(g.counts[i] + g.counts[i+octaves])
	}
	return -math.Log(n / (float64(g.total) + 0.5))
}
