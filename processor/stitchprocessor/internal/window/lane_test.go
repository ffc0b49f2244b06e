package window

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLanesAreAMap compares them with a map, in whatever order messages come and leave.
func TestLanesAreAMap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, next := range map[string]func(i int) uint32{
		"in order":                  func(i int) uint32 { return uint32(i) },
		"in order, with holes":      func(i int) uint32 { return uint32(i * (1 + i%3)) },
		"late by a few":             func(i int) uint32 { return uint32(i + r.IntN(8)) },
		"anyhow":                    func(int) uint32 { return r.Uint32N(500) },
		"with a start from anew":    func(i int) uint32 { return uint32(i % 300) },
		"with ordinals that run on": func(i int) uint32 { return ^uint32(0) - 200 + uint32(i) },
	} {
		t.Run(name, func(t *testing.T) {
			lanes, want := lanes{of: map[uint32]*lane{}}, map[uint64]*Message{}
			var order []*Message
			for i := range 1000 {
				m := &Message{}
				m.TID, m.IO = uint32(1+i%3), next(i)
				lanes.set(m.TID, m.IO, m)
				if k := key(m.TID, m.IO); want[k] == nil {
					want[k] = m
				}
				order = append(order, m)
				if i > 100 {
					at := 0
					if i%10 == 0 {
						at = r.IntN(len(order))
					}
					old := order[at]
					order = append(order[:at], order[at+1:]...)
					lanes.drop(old.TID, old.IO, old)
					if want[key(old.TID, old.IO)] == old {
						delete(want, key(old.TID, old.IO))
					}
				}
				for _, io := range []uint32{m.IO, m.IO - 1, m.IO + 1, r.Uint32N(1000)} {
					require.Same(t, want[key(m.TID, io)], lanes.get(m.TID, io))
				}
			}
			for _, m := range order {
				lanes.drop(m.TID, m.IO, m)
			}
			require.Empty(t, lanes.of)
		})
	}
}
