package journal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// disk is a storage client with transactions, whose states can be looked at as a
// crash would leave them.
type disk struct {
	mu     sync.Mutex
	data   map[string][]byte
	fail   error
	writes int
	after  func(map[string][]byte) // each transaction
	closed bool
	slow   chan struct{} // transactions wait for it
}

func newDisk(data map[string][]byte) *disk { return &disk{data: maps.Clone(data)} }

func (d *disk) Get(_ context.Context, key string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.data[key], d.fail
}

func (d *disk) Set(ctx context.Context, key string, v []byte) error {
	return d.Batch(ctx, storage.SetOperation(key, v))
}

func (d *disk) Delete(ctx context.Context, key string) error {
	return d.Batch(ctx, storage.DeleteOperation(key))
}

func (d *disk) Batch(_ context.Context, ops ...*storage.Operation) error {
	if d.slow != nil {
		<-d.slow
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail != nil {
		return d.fail
	}
	if d.data == nil {
		d.data = map[string][]byte{}
	}
	for _, op := range ops {
		switch op.Type {
		case storage.Get:
			op.Value = d.data[op.Key]
		case storage.Set:
			d.data[op.Key] = append([]byte(nil), op.Value...)
		case storage.Delete:
			delete(d.data, op.Key)
		}
	}
	d.writes++
	if d.after != nil {
		d.after(d.data)
	}
	return nil
}

func (d *disk) Close(context.Context) error { d.closed = true; return nil }

func (d *disk) keys(prefix string) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for k := range d.data {
		if strings.HasPrefix(k, prefix) {
			n++
		}
	}
	return n
}

// run is what an earlier run left.
type run struct {
	*Journal
	decisions []Decision
	calls     map[uint64]string
	done      map[uint64]Finished
}

// open starts a journal whose calls say how many fragments they have: "3 abc".
func open(t *testing.T, d *disk, opts *Options) *run {
	j, err := Open(t.Context(), d, opts)
	require.NoError(t, err)
	r := &run{Journal: j, calls: map[uint64]string{}, done: map[uint64]Finished{}}
	require.NoError(t, j.Decisions(t.Context(), func(d Decision) { r.decisions = append(r.decisions, d) }))
	require.NoError(t, j.Replay(t.Context(), func(n uint64, data []byte, done Finished) Replayed {
		var fragments int
		_, err := fmt.Sscan(string(data), &fragments)
		require.NoError(t, err)
		return Replayed{Fragments: fragments, Start: func() { r.calls[n], r.done[n] = string(data), done }}
	}))
	return r
}

func (r *run) add(t *testing.T, text string, fragments int) uint64 {
	n, err := r.Accept(fmt.Appendf(nil, "%d %s", fragments, text), fragments)
	require.NoError(t, err)
	return n
}

func TestACallIsThereUntilAllItsFragmentsAreFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(nil)
		j := open(t, d, nil)
		a, b, c := j.add(t, "a", 2), j.add(t, "b", 9), j.add(t, "c", 1)
		assert.Equal(t, 3, d.keys("c"), "before Accept returns")
		j.Done(Ref{a, 0}, Ref{a, 1}, Ref{b, 8}, Ref{b, 8}, Ref{99, 0})
		time.Sleep(2 * FlushEvery)
		synctest.Wait()
		assert.Equal(t, 2, d.keys("c"))
		assert.Equal(t, 2, j.Pending())

		crashed := newDisk(d.data)
		require.NoError(t, j.Close(t.Context()))
		assert.True(t, d.closed)
		again := open(t, crashed, nil)
		assert.Equal(t, map[uint64]string{b: "9 b", c: "1 c"}, again.calls)
		for i := range 9 {
			assert.Equal(t, i == 8, again.done[b].Has(i))
		}
		next := again.add(t, "d", 1)
		assert.Greater(t, next, c, "numbers are not used again")
		for i := range 8 {
			again.Done(Ref{b, i})
		}
		again.Done(Ref{c, 0}, Ref{next, 0})
		require.NoError(t, again.Close(t.Context()))
		assert.Zero(t, crashed.keys("c")+crashed.keys("f"), "Close flushes")
	})
}

func TestACallThatNobodyCanReadIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(nil)
		j := open(t, d, nil)
		j.add(t, "x", 1)
		require.NoError(t, j.Close(t.Context()))
		j2, err := Open(t.Context(), d, nil)
		require.NoError(t, err)
		require.NoError(t, j2.Replay(t.Context(), func(uint64, []byte, Finished) Replayed { return Replayed{} }))
		require.NoError(t, j2.Close(t.Context()))
		assert.Zero(t, d.keys("c"))
	})
}

func TestCallsThatWaitShareATransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(nil)
		j := open(t, d, nil)
		slow := make(chan struct{})
		d.slow = slow
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() { j.add(t, "x", 1) })
		}
		synctest.Wait()
		before := d.writes
		close(slow)
		wg.Wait()
		assert.LessOrEqual(t, d.writes-before, 3)
		assert.Equal(t, 40, d.keys("c"))
		require.NoError(t, j.Close(t.Context()))
	})
}

func TestAFailedTransactionIsToldAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(nil)
		failures := 0
		j := open(t, d, &Options{Decisions: 10, Failed: func(error) { failures++ }})
		a, b := j.add(t, "a", 1), j.add(t, "b", 2)
		d.fail = storage.ErrStorageFull
		_, err := j.Accept([]byte("1 c"), 1)
		require.ErrorIs(t, err, storage.ErrStorageFull)
		j.Done(Ref{a, 0}, Ref{b, 1})
		j.Decided(Decision{Trace: pcommon.TraceID{1}})
		time.Sleep(3 * FlushEvery)
		synctest.Wait()
		assert.GreaterOrEqual(t, failures, 3)
		d.fail = nil
		require.NoError(t, j.Close(t.Context()))
		again := open(t, newDisk(d.data), nil)
		assert.Equal(t, map[uint64]string{b: "2 b"}, again.calls)
		assert.True(t, again.done[b].Has(1))
		assert.Len(t, again.decisions, 1)
		require.NoError(t, again.Close(t.Context()))
	})
}

func TestTheLatestDecisionsAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 3 * pageDecisions
		d := newDisk(nil)
		j := open(t, d, &Options{Decisions: size})
		id := func(n int) pcommon.TraceID { return pcommon.TraceID{byte(n >> 16), byte(n >> 8), byte(n), 7} }
		for n := range 10_000 {
			j.Decided(Decision{Trace: id(n), Keep: n%3 == 0, Threshold: uint64(n), Randomness: uint64(n) << 20})
			if n%300 == 0 {
				time.Sleep(FlushEvery)
				synctest.Wait()
			}
		}
		require.NoError(t, j.Close(t.Context()))
		again := open(t, d, &Options{Decisions: size})
		assert.GreaterOrEqual(t, len(again.decisions), size)
		assert.LessOrEqual(t, len(again.decisions), size+2*pageDecisions)
		assert.LessOrEqual(t, d.keys("d"), 6)
		last := len(again.decisions) - 1
		for i, got := range again.decisions {
			n := 9999 - (last - i)
			require.Equal(t, Decision{Trace: id(n), Keep: n%3 == 0, Threshold: uint64(n), Randomness: uint64(n) << 20}, got)
		}
		require.NoError(t, again.Close(t.Context()))
	})
}

func TestWhateverTheCrashTracesAreWholeOrGone(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) { crashes(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

// crashes spreads traces over calls, finishes them at random, and looks at the
// storage after every transaction.
func crashes(t *testing.T, r *rand.Rand) {
	var states []map[string][]byte
	d := newDisk(nil)
	d.after = func(m map[string][]byte) { states = append(states, maps.Clone(m)) }
	j := open(t, d, nil)
	traces := map[int][]Ref{} // those not finished yet
	whole := map[Ref][]Ref{}  // what a fragment belongs to
	for range 30 {
		fragments := 1 + r.IntN(12)
		n := j.add(t, "x", fragments)
		for f := range fragments {
			id := r.IntN(15)
			traces[id] = append(traces[id], Ref{n, f})
		}
		for range r.IntN(3) {
			id := r.IntN(15)
			for _, ref := range traces[id] {
				whole[ref] = traces[id]
			}
			j.Done(traces[id]...)
			delete(traces, id)
		}
		time.Sleep(time.Duration(r.IntN(2)) * FlushEvery)
		synctest.Wait()
	}
	require.NoError(t, j.Close(t.Context()))
	for _, state := range states {
		again := open(t, newDisk(state), nil)
		there := func(ref Ref) bool {
			_, ok := again.calls[ref.Call]
			return ok && !again.done[ref.Call].Has(ref.Fragment)
		}
		for ref, all := range whole {
			if there(ref) {
				for _, other := range all {
					if other.Call < again.bounds.nextCall {
						require.True(t, there(other), "half a trace")
					}
				}
			}
		}
		require.NoError(t, again.Close(t.Context()))
	}
}

func TestOpenFailsOnAStorageThatIsNotItsOwn(t *testing.T) {
	for name, data := range map[string][]byte{
		"too short":   {1, 2, 3},
		"upside down": (&bounds{firstCall: 5, nextCall: 4}).encode(),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(t.Context(), newDisk(map[string][]byte{keyBounds: data}), nil)
			assert.ErrorContains(t, err, "bounds")
		})
	}
	broken := newDisk(nil)
	broken.fail = errors.New("no disk")
	_, err := Open(t.Context(), broken, nil)
	assert.ErrorContains(t, err, "no disk")
}

func TestReadErrorsEndTheStart(t *testing.T) {
	d := newDisk(map[string][]byte{keyBounds: (&bounds{nextCall: 3, nextPage: 1}).encode()})
	j, err := Open(t.Context(), d, nil)
	require.NoError(t, err)
	d.fail = errors.New("no disk")
	assert.ErrorContains(t, j.Decisions(t.Context(), nil), "read decisions: no disk")
	assert.ErrorContains(t, j.Replay(t.Context(), nil), "read call 0: no disk")
}

func TestAClosedJournalAcceptsNothing(t *testing.T) {
	j := open(t, newDisk(nil), nil)
	require.NoError(t, j.Close(t.Context()))
	require.NoError(t, j.Close(t.Context()))
	_, err := j.Accept(nil, 1)
	assert.ErrorIs(t, err, ErrClosed)
}

func TestBoundsComeBack(t *testing.T) {
	a, b := bounds{1, 2, 3, 4}, bounds{}
	require.NoError(t, b.decode(a.encode()))
	assert.Equal(t, a, b)
	require.NoError(t, (&bounds{}).decode(nil))
}
