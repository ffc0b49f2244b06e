package tailhook

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
)

// These are the floors of the measurements that do not depend on how fast or how
// busy the machine is. The others are in the benchmark beside them.

// heldBytes is the live heap of a span that waits, of 1,000 calls of 500.
func heldBytes(tb testing.TB, name string) float64 {
	const calls = 1000
	l := newLoad(tb, false)
	before := heap()
	var held int64
	inBubble(tb, func() {
		c := contenders(time.Hour)[name](tb, consumertest.NewNop())
		for range calls {
			require.NoError(tb, c.ConsumeTraces(context.Background(), l.next(tb)))
		}
		synctest.Wait()
		held = heap() - before
		require.NoError(tb, c.Shutdown(context.Background()))
	})
	return float64(held) / (calls * loadCall)
}

// arrivalBytes is the live heap at the end of some arrivals.
func arrivalBytes(tb testing.TB, name string, s arrivals) (held int64) {
	before := heap()
	inBubble(tb, func() {
		c := contenders(30 * time.Second)[name](tb, consumertest.NewNop())
		begin := time.Now()
		for at, td := range s {
			time.Sleep(time.Until(begin.Add(at)))
			require.NoError(tb, c.ConsumeTraces(context.Background(), td))
		}
		synctest.Wait()
		held = heap() - before
		require.NoError(tb, c.Shutdown(context.Background()))
	})
	return held
}

// judge plays arrivals in a bubble and returns what came out.
func judge(tb testing.TB, name string, s arrivals) *jury {
	j := newJury()
	inBubble(tb, func() {
		c := contenders(30 * time.Second)[name](tb, j)
		j.feed(tb, c, s)
		time.Sleep(time.Minute)
		require.NoError(tb, c.Shutdown(context.Background()))
	})
	return j
}

func TestASpanThatWaitsTakesHalfOfTailSamplingsMemory(t *testing.T) {
	theirs, ours := heldBytes(t, "tail_sampling"), heldBytes(t, "tailhook")
	t.Logf("live heap per held span: %.0f B, %.0f B", theirs, ours)
	assert.LessOrEqual(t, ours, theirs/2)
	assert.LessOrEqual(t, ours, 400.0)
}

func TestSettledTrafficTakesAFifthOfTailSamplingsMemory(t *testing.T) {
	r := readRecording(t)
	for name, s := range map[string]arrivals{
		"the load":    loadArrivals(t, 400, 10),
		"a recording": r.play(7, 4),
	} {
		t.Run(name, func(t *testing.T) {
			theirs, ours := arrivalBytes(t, "tail_sampling", s), arrivalBytes(t, "tailhook", s)
			t.Logf("live heap: %d KiB, %d KiB", theirs>>10, ours>>10)
			assert.LessOrEqual(t, ours, theirs/5)
		})
	}
}

func TestDecisionsOnSettledTracesAreThoseOfTheOracle(t *testing.T) {
	r := readRecording(t)
	for name, s := range map[string]arrivals{
		"the load":    loadArrivals(t, 100, 10),
		"a recording": r.play(5, 4),
	} {
		t.Run(name, func(t *testing.T) {
			want := oracle(s)
			j := judge(t, "tailhook", s)
			require.NotEmpty(t, j.kept)
			require.Greater(t, len(want), 2*len(j.kept), "most are dropped")
			assert.LessOrEqual(t, j.differ(want), len(want)/1000, "of %d traces", len(want))
			assert.LessOrEqual(t, j.quantile(0.5), 200*time.Millisecond)
			assert.LessOrEqual(t, j.quantile(0.99), 2*time.Second)
			t.Logf("%d of %d differ; last span to decision p50 %v, p99 %v", j.differ(want), len(want), j.quantile(0.5), j.quantile(0.99))
		})
	}
}
