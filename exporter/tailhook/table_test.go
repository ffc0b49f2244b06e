package tailhook

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/journal"
)

// byAge lists the traces of a table from the oldest to the newest, and back.
func byAge(t *testing.T, tb *table) (ids []pcommon.TraceID) {
	var back []pcommon.TraceID
	for at := tb.oldest; at != 0; at = tb.slots[at-1].newer {
		ids = append(ids, tb.slots[at-1].id)
	}
	for at := tb.newest; at != 0; at = tb.slots[at-1].older {
		back = append(back, tb.slots[at-1].id)
	}
	slices.Reverse(back)
	require.Equal(t, ids, back)
	return ids
}

func TestATableKeepsTheOrderOfArrival(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tb := newTable(3)
	var want []pcommon.TraceID
	for n := range 3000 {
		if len(want) > 0 && r.IntN(2) == 0 {
			at := r.IntN(len(want))
			slot := tb.ids[want[at]]
			require.Equal(t, uint64(want[at][15]), tb.state(slot)[1], "the state is the trace's own")
			tb.remove(slot)
			want = slices.Delete(want, at, at+1)
		} else {
			slot := tb.add(id(n))
			require.Equal(t, []uint64{0, 0, 0}, []uint64(tb.state(slot)), "nothing is left of an earlier trace")
			require.True(t, tb.slots[slot].content.Empty())
			tb.state(slot)[1] = uint64(id(n)[15])
			want = append(want, id(n))
		}
		require.Equal(t, len(want), tb.len())
		if n%50 == 0 {
			require.Equal(t, want, byAge(t, tb))
		}
	}
	assert.LessOrEqual(t, len(tb.slots), 200, "slots are used again")
}

func TestASlotThatIsUsedAgainIsAnotherGeneration(t *testing.T) {
	tb := newTable(0)
	slot := tb.add(id(1))
	gen := tb.slots[slot].gen
	tb.remove(slot)
	again := tb.add(id(2))
	assert.Equal(t, slot, again)
	assert.NotEqual(t, gen, tb.slots[again].gen)
	assert.Empty(t, tb.state(again))
}

func TestRefsComeBackAsTheyWere(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var pool refs
	lists, want := make([]uint32, 20), make([][]journal.Ref, 20)
	for n := range 5000 {
		i := r.IntN(20)
		if r.IntN(5) > 0 {
			ref := journal.Ref{Call: uint64(n), Fragment: r.IntN(100)}
			lists[i] = pool.add(lists[i], ref)
			want[i] = append(want[i], ref)
			continue
		}
		require.ElementsMatch(t, want[i], pool.take(lists[i]))
		lists[i], want[i] = 0, nil
	}
	assert.Less(t, len(pool.nodes), 400, "nodes are used again")
	assert.Empty(t, pool.take(0))
}

func TestTheLedgerRefusesWhatDoesNotFit(t *testing.T) {
	l := newLedger(1000)
	assert.True(t, l.accept(900))
	assert.Zero(t, l.excess())
	assert.False(t, l.accept(101))
	assert.Equal(t, int64(900), l.held.Load(), "a refusal changes nothing")
	assert.True(t, l.accept(100))
	assert.Equal(t, int64(100), l.excess())
	assert.False(t, l.stuck())
	l.undelivered.Add(501)
	assert.True(t, l.stuck())
	l.held.Add(-1000)
	assert.Zero(t, l.excess())
	l.held.Store(250)
	assert.True(t, l.accept(1500), "nothing that is half as large is refused for ever")
	l.held.Store(251)
	assert.False(t, l.accept(1500))
	l.held.Store(0)
	assert.False(t, l.accept(2002))
}
