package settle

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

func TestTheEarliestRuleDecides(t *testing.T) {
	const s = int64(time.Second)
	all := Rules{Settled: time.Second, AfterRoot: 5 * time.Second, Quiet: 3 * time.Second, Wait: 30 * time.Second}
	for name, c := range map[string]struct {
		rules Rules
		seen  Progress
		due   int64
		why   Reason
	}{
		"only the wait":                      {all, Progress{First: 1 * s, Last: 4 * s}, 31 * s, DecisionWait},
		"quiet does not count before a root": {all, Progress{First: 1 * s, Last: 1 * s}, 31 * s, DecisionWait},
		"quiet after a root":                 {all, Progress{First: 1 * s, Last: 2 * s, Root: 1 * s}, 5 * s, Quiet},
		"root wait if spans go on":           {all, Progress{First: 1 * s, Last: 5 * s, Root: 1 * s}, 6 * s, RootWait},
		"settled beats all":                  {all, Progress{First: 1 * s, Last: 2 * s, Root: 1 * s, Settled: 2 * s}, 3 * s, Settled},
		"the wait bounds the rest":           {all, Progress{First: 1 * s, Last: 30 * s, Root: 30 * s}, 31 * s, DecisionWait},
		"zero turns rules off":               {Rules{Wait: 30 * time.Second}, Progress{First: s, Last: s, Root: s}, 31 * s, DecisionWait},
		"complete when quiet":                {Rules{Complete: 2 * time.Second, Wait: 30 * time.Second}, Progress{First: s, Last: 5 * s, Root: s}, 7 * s, Complete},
		"not complete out of balance":        {Rules{Complete: 2 * time.Second, Wait: 30 * time.Second}, Progress{First: s, Last: 5 * s, Root: s, Balance: 1}, 31 * s, DecisionWait},
		"not complete without a root":        {Rules{Complete: 2 * time.Second, Wait: 30 * time.Second}, Progress{First: s, Last: 5 * s}, 31 * s, DecisionWait},
		"settled at once":                    {Rules{Wait: 30 * time.Second}, Progress{First: s, Last: 2 * s, Settled: 2 * s}, 2 * s, Settled},
		"a wait without end":                 {Rules{Wait: math.MaxInt64}, Progress{First: s, Last: s}, math.MaxInt64, DecisionWait},
	} {
		t.Run(name, func(t *testing.T) {
			due, why := c.rules.Due(&c.seen)
			assert.Equal(t, c.due, due)
			assert.Equal(t, c.why, why)
		})
	}
}

func TestEveryReasonHasAName(t *testing.T) {
	names := map[string]bool{}
	for _, r := range Reasons() {
		names[r.String()] = true
	}
	assert.Len(t, names, int(reasons))
}

func TestAppointmentsAreKeptWithinATick(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var w Wheel
	due := map[uint32]int64{}
	for i := range uint32(5000) {
		due[i] = r.Int64N(int64(3 * time.Minute)) // three times round and more
		w.Add(i, i, due[i])
	}
	assert.Equal(t, 5000, w.Len())
	for now := int64(0); now < int64(4*time.Minute); now += int64(10 * time.Millisecond) {
		w.Advance(now, func(e Entry) {
			assert.LessOrEqual(t, due[e.Item], now, "not too early")
			assert.Less(t, now-due[e.Item], 2*int64(Tick), "not too late")
			assert.Equal(t, e.Item, e.Generation)
			delete(due, e.Item)
		})
	}
	assert.Empty(t, due)
	assert.Zero(t, w.Len())
}

func TestAWheelThatSleptCallsEverything(t *testing.T) {
	var w Wheel
	for i := range uint32(3000) {
		w.Add(i, 0, int64(i)*int64(Tick))
	}
	called := 0
	w.Advance(int64(time.Hour), func(Entry) { called++ })
	assert.Equal(t, 3000, called)
}

func TestAppointmentsMayBeMadeFromACall(t *testing.T) {
	var w Wheel
	w.Add(1, 0, 0)
	var at []int64
	again := func(now int64) {
		w.Advance(now, func(e Entry) {
			at = append(at, e.At)
			w.Add(1, 0, 0) // long past: the next tick
		})
	}
	for tick := range int64(4) {
		again(tick * int64(Tick))
	}
	assert.Equal(t, []int64{1, 2, 3}, at)
	assert.Equal(t, 1, w.Len())
}

func TestAWheelForgetsTheMemoryOfABurst(t *testing.T) {
	var w Wheel
	for i := range uint32(100_000) {
		w.Add(i, 0, int64(Tick))
	}
	w.Advance(int64(Tick), func(Entry) {})
	assert.Zero(t, cap(w.slots[1]))
	assert.Zero(t, cap(w.spare))
}

func tid(n int) (id pcommon.TraceID) {
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

func TestTheLatestDecisionsAreRemembered(t *testing.T) {
	d := NewDecided[int](100)
	for n := range 1000 {
		d.Put(tid(n), n)
		assert.LessOrEqual(t, d.Len(), 100)
		for back := range min(n, 50) {
			v, ok := d.young[tid(n-back)]
			if !ok {
				v, ok = d.old[tid(n-back)]
			}
			assert.True(t, ok)
			assert.Equal(t, n-back, v)
		}
	}
	_, ok := d.Get(tid(800))
	assert.False(t, ok)
}

func TestWhatIsAskedForStaysLonger(t *testing.T) {
	d := NewDecided[int](100)
	d.Put(tid(-1), 7)
	for n := range 1000 {
		d.Put(tid(n), n)
		if n%20 == 0 {
			v, ok := d.Get(tid(-1))
			assert.True(t, ok)
			assert.Equal(t, 7, v)
		}
	}
}

func TestAMemoryOfSizeZeroForgets(t *testing.T) {
	d := NewDecided[int](0)
	d.Put(tid(1), 1)
	_, ok := d.Get(tid(1))
	assert.False(t, ok)
	assert.Zero(t, d.Len())
}

func BenchmarkWheel(b *testing.B) {
	var w Wheel
	now := int64(0)
	for i := 0; b.Loop(); i++ {
		now += int64(10 * time.Microsecond)
		w.Add(uint32(i), 0, now+int64(10*time.Second))
		if i%5000 == 0 {
			w.Advance(now, func(Entry) {})
		}
	}
}

func BenchmarkDecided(b *testing.B) {
	d := NewDecided[struct{}](400_000)
	for i := 0; b.Loop(); i++ {
		d.Put(tid(i), struct{}{})
		d.Get(tid(i - 300_000))
	}
}
