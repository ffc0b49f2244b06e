package settle

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

func TestABalanceIsZeroWhenEveryCallHasItsPeer(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		ids := make([]pcommon.SpanID, 1+r.IntN(50))
		for i := range ids {
			ids[i] = pcommon.SpanID{byte(r.Uint32()), byte(r.Uint32()), byte(i), 1}
		}
		var parts [3]Balance // of three calls, in any order
		for _, i := range r.Perm(len(ids)) {
			parts[r.IntN(3)].Expect(ids[i])
		}
		for n, i := range r.Perm(len(ids)) {
			assert.NotZero(t, parts[0]+parts[1]+parts[2], "%d peers are missing", len(ids)-n)
			parts[r.IntN(3)].Peer(ids[i])
		}
		assert.Zero(t, parts[0]+parts[1]+parts[2])
	}
}

func TestTwoPeersOfOneCallAreOutOfBalance(t *testing.T) {
	var b Balance
	b.Expect(pcommon.SpanID{1})
	b.Peer(pcommon.SpanID{1})
	b.Peer(pcommon.SpanID{1})
	assert.NotZero(t, b)
	var unknown Balance
	unknown.Peer(pcommon.SpanID{})
	assert.NotZero(t, unknown)
}

func TestOnlyCallsThatNeverHaveAPeerAreSilent(t *testing.T) {
	e := NewEdges(10)
	learn := func(key uint64, n int, peer bool) {
		for range n {
			e.Learn(key, peer)
		}
	}
	learn(1, edgeSamples-1, false)
	assert.False(t, e.Silent(1), "too few")
	e.Learn(1, false)
	assert.True(t, e.Silent(1))
	learn(2, 1000, false)
	learn(2, 10, true)
	assert.False(t, e.Silent(2), "now and then they have")
	learn(3, 1000, true)
	assert.False(t, e.Silent(3))
	assert.False(t, e.Silent(99))
}

func TestAnEdgeMayChange(t *testing.T) {
	e := NewEdges(10)
	for range 5000 {
		e.Learn(1, false)
	}
	assert.True(t, e.Silent(1))
	for range 10 {
		e.Learn(1, true)
	}
	assert.False(t, e.Silent(1), "tracing was added to the peer")
	for range 10 * edgeMemory {
		e.Learn(1, false)
	}
	assert.True(t, e.Silent(1), "and taken away")
}

func TestEdgesBeyondTheLimitAreWaitedFor(t *testing.T) {
	e := NewEdges(3)
	for key := range uint64(10) {
		for range 100 {
			e.Learn(key, false)
		}
	}
	silent := 0
	for key := range uint64(10) {
		if e.Silent(key) {
			silent++
		}
	}
	assert.Equal(t, 3, silent)
}

func TestEdgesAreSharedByMany(t *testing.T) {
	e := NewEdges(100)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for n := range uint64(5000) {
				e.Learn(n%10, n%10 == 3)
				e.Silent(n % 10)
			}
		})
	}
	wg.Wait()
	for key := range uint64(10) {
		assert.Equal(t, key != 3, e.Silent(key))
	}
}

func BenchmarkSilent(b *testing.B) {
	e := NewEdges(1000)
	for key := range uint64(1000) {
		for range edgeSamples {
			e.Learn(key, false)
		}
	}
	for i := uint64(0); b.Loop(); i++ {
		e.Silent(i)
	}
}
