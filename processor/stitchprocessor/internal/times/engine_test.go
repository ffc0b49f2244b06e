package times_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/times"
)

const ms = int64(1e6)

// world makes requests whose calls are known.
type world struct {
	random *rand.Rand
	grain  int64
	spans  []times.Span
	truth  map[int]int // call to request
	ids    int
}

func newWorld() *world {
	return &world{random: rand.New(rand.NewPCG(7, 7)), grain: 1, truth: map[int]int{}}
}

// gap is about mean, and never short.
func (w *world) gap(mean int64) int64 {
	return mean/2 + int64(w.random.ExpFloat64()*float64(mean/2))
}

func (w *world) add(server bool, kind string, start, end int64) int {
	w.ids++
	w.spans = append(w.spans, times.Span{Ref: w.ids, Server: server, Kind: kind, Start: start / w.grain * w.grain, End: end / w.grain * w.grain})
	return w.ids
}

// call makes a call and returns its end.
func (w *world) call(kind string, calls *[]int, start, mean int64) int64 {
	end := start + w.gap(mean)
	*calls = append(*calls, w.add(false, kind, start, end))
	return end
}

// request makes n requests of a kind at a rate; body makes the calls of one and returns when
// it is over.
func (w *world) requests(n int, from int64, every int64, kind string, body func(start int64, calls *[]int) int64) int64 {
	at := from
	for range n {
		at += int64(w.random.ExpFloat64() * float64(every))
		var calls []int
		end := body(at, &calls)
		id := w.add(true, kind, at, end)
		for _, c := range calls {
			w.truth[c] = id
		}
	}
	return at
}

func (w *world) sequential(start int64, calls *[]int) int64 {
	a := w.call("a", calls, start+w.gap(ms), 6*ms)
	b := w.call("b", calls, a+w.gap(ms/2), 9*ms)
	return w.call("c", calls, b+w.gap(ms/2), 4*ms) + w.gap(ms/2)
}

func (w *world) parallel(start int64, calls *[]int) int64 {
	at := start + w.gap(ms)
	a := w.call("a", calls, at, 8*ms)
	b := w.call("b", calls, at+w.gap(ms/10), 8*ms)
	return max(a, b) + w.gap(ms/2)
}

// queued makes both calls when those of the request before are made.
func (w *world) queued() func(start int64, calls *[]int) int64 {
	free := int64(0)
	return func(start int64, calls *[]int) int64 {
		free = max(start, free) + w.gap(ms)
		a := w.call("a", calls, free, 6*ms)
		b := w.call("b", calls, free, 6*ms)
		return max(a, b) + w.gap(ms/4)
	}
}

func (w *world) repeated(start int64, calls *[]int) int64 {
	at := start + w.gap(ms)
	for range 3 {
		at = w.call("row", calls, at, 3*ms) + w.gap(ms/4)
	}
	return at
}

// sorted returns the spans in the order of their ends.
func (w *world) sorted() []times.Span {
	slices.SortStableFunc(w.spans, func(a, b times.Span) int { return int(min(max(a.End-b.End, -1), 1)) })
	return w.spans
}

type outcome struct {
	links              map[int]times.Decision
	right, wrong, none int
	sure, sureWrong    int
	counts             times.Counts
	mostHeld           int
}

func (w *world) run(t testing.TB, c times.Config) outcome {
	o := outcome{links: map[int]times.Decision{}}
	e := times.New(c, func(d times.Decision) {
		_, twice := o.links[d.Call.(int)]
		require.False(t, twice, "decided twice")
		o.links[d.Call.(int)] = d
	})
	calls := 0
	for _, s := range w.sorted() {
		e.Add(s)
		o.mostHeld = max(o.mostHeld, e.Held())
		if !s.Server {
			calls++
		}
	}
	e.Flush()
	require.Len(t, o.links, calls, "each call is decided")
	require.Zero(t, e.Held())
	for call, d := range o.links {
		switch d.Request {
		case nil:
			o.none++
		case w.truth[call]:
			o.right++
		default:
			o.wrong++
		}
		if d.Request != nil && d.Probability >= 0.9 {
			o.sure++
			if d.Request != w.truth[call] {
				o.sureWrong++
			}
		}
	}
	o.counts = e.Counts()
	return o
}

// share is of the calls that have a request in the file.
func (w *world) share(o outcome) float64 { return float64(o.right) / float64(len(w.truth)) }

func seeded(seed uint64) times.Config {
	c := times.DefaultConfig()
	c.Seed = seed
	return c
}

func TestCallsFindTheirRequests(t *testing.T) {
	for name, tc := range map[string]struct {
		make  func(w *world)
		least float64
	}{
		"one after the other, eight in flight": {func(w *world) { w.requests(800, 0, 3*ms, "r", w.sequential) }, 0.95},
		"two at once, three in flight":         {func(w *world) { w.requests(800, 0, 4*ms, "r", w.parallel) }, 0.85},
		"three of one kind, two in flight":     {func(w *world) { w.requests(800, 0, 8*ms, "r", w.repeated) }, 0.85},
		"on a clock of one millisecond": {func(w *world) {
			w.grain = ms
			w.requests(800, 0, 6*ms, "r", w.sequential)
		}, 0.9},
		"in a queue, on a clock of one millisecond": {func(w *world) {
			w.grain = ms
			w.requests(800, 0, 8*ms, "r", w.queued())
		}, 0.985},
		"two classes that share a kind": {func(w *world) {
			w.requests(500, 0, 10*ms, "r", w.sequential)
			w.requests(500, 0, 10*ms, "s", func(start int64, calls *[]int) int64 {
				return w.call("a", calls, start+w.gap(5*ms), 6*ms) + w.gap(ms)
			})
		}, 0.95},
		"three times the load from the middle on": {func(w *world) {
			half := w.requests(500, 0, 12*ms, "r", w.sequential)
			w.requests(500, half, 4*ms, "r", w.sequential)
		}, 0.97},
		"some calls are not made": {func(w *world) {
			w.requests(800, 0, 6*ms, "r", func(start int64, calls *[]int) int64 {
				at := w.call("a", calls, start+w.gap(ms), 6*ms)
				if w.random.IntN(3) == 0 {
					at = w.call("b", calls, at+w.gap(ms/2), 9*ms)
				}
				return at + w.gap(ms/2)
			})
		}, 0.95},
		"calls that go on after the reply": {func(w *world) {
			w.requests(800, 0, 20*ms, "r", func(start int64, calls *[]int) int64 {
				at := w.call("a", calls, start+w.gap(ms), 4*ms)
				w.call("late", calls, at+ms/4+w.gap(ms/4), 15*ms)
				return at + w.gap(ms)
			})
		}, 0.9},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			tc.make(w)
			for seed := range uint64(3) {
				o := w.run(t, seeded(seed))
				assert.GreaterOrEqual(t, w.share(o), tc.least, "%d right, %d wrong, %d without", o.right, o.wrong, o.none)
				assert.LessOrEqual(t, float64(o.sureWrong), 0.1*float64(o.sure), "of links claimed with 0.9 and more")
			}
		})
	}
}

func TestCallsOfRequestsThatWereNotSeenGetNone(t *testing.T) {
	w := newWorld()
	w.requests(1000, 0, 15*ms, "r", w.sequential)
	unseen := map[int]bool{}
	w.spans = slices.DeleteFunc(w.spans, func(s times.Span) bool {
		gone := s.Server && w.random.IntN(3) == 0
		if gone {
			unseen[s.Ref.(int)] = true
		}
		return gone
	})
	for seed := range uint64(3) {
		o := w.run(t, seeded(seed))
		stolen, all := 0, 0
		for call, request := range w.truth {
			if unseen[request] {
				all++
				if o.links[call].Request != nil && o.links[call].Probability >= 0.9 {
					stolen++
				}
			}
		}
		assert.Less(t, float64(stolen), 0.02*float64(all), "of %d", all)
		assert.Less(t, float64(o.sureWrong), 0.01*float64(o.sure), "of links claimed with 0.9 and more")
		assert.Greater(t, o.counts.Abstained[times.NoRequest], all*9/10)
	}
}

// changed is sequential after a change: another order, other waits.
func (w *world) changed(start int64, calls *[]int) int64 {
	b := w.call("b", calls, start+w.gap(3*ms), 6*ms)
	c := w.call("c", calls, b+w.gap(2*ms), 9*ms)
	return w.call("a", calls, c+w.gap(ms), 4*ms) + w.gap(ms/5)
}

// Without learning again three quarters of them find their requests, to the end.
func TestWhatHasChangedIsLearnedAgain(t *testing.T) {
	w := newWorld()
	half := w.requests(2500, 0, 5*ms, "r", w.sequential)
	changed := w.requests(300, half, 5*ms, "r", w.changed)
	before := w.ids
	w.requests(1200, changed, 5*ms, "r", w.changed)
	for seed := range uint64(3) {
		o := w.run(t, seeded(seed))
		right, all := 0, 0
		for call, request := range w.truth {
			if request > before {
				all++
				if o.links[call].Request == request {
					right++
				}
			}
		}
		assert.Greater(t, float64(right), 0.92*float64(all), "of %d", all)
		assert.Less(t, float64(o.sureWrong), 0.02*float64(o.sure), "of links claimed with 0.9 and more")
	}
}

func TestTheSameSpansGiveTheSameDecisions(t *testing.T) {
	w := newWorld()
	w.requests(400, 0, 3*ms, "r", w.sequential)
	assert.Equal(t, w.run(t, times.DefaultConfig()), w.run(t, times.DefaultConfig()))
}

func TestSlightDisorderDoesNotMatter(t *testing.T) {
	w := newWorld()
	w.requests(600, 0, 6*ms, "r", w.sequential)
	spans := w.sorted()
	for i := 0; i+3 < len(spans); i += 3 {
		spans[i], spans[i+2] = spans[i+2], spans[i]
	}
	right := 0
	e := times.New(times.DefaultConfig(), func(d times.Decision) {
		if d.Request == w.truth[d.Call.(int)] {
			right++
		}
	})
	for _, s := range spans {
		e.Add(s)
	}
	e.Flush()
	assert.Greater(t, float64(right), 0.95*float64(len(w.truth)))
}

func TestEveryBoundHasACount(t *testing.T) {
	w := newWorld()
	w.requests(300, 0, ms, "r", w.sequential)
	for name, tc := range map[string]struct {
		change func(c *times.Config)
		hit    func(c times.Counts) int
	}{
		"calls":    {func(c *times.Config) { c.MaxCalls = 50 }, func(c times.Counts) int { return c.Abstained[times.Full] }},
		"requests": {func(c *times.Config) { c.MaxRequests = 20 }, func(c times.Counts) int { return c.Requests }},
		"rivals":   {func(c *times.Config) { c.MaxRivals = 3 }, func(c times.Counts) int { return c.Abstained[times.Crowded] }},
	} {
		t.Run(name, func(t *testing.T) {
			c := times.DefaultConfig()
			tc.change(&c)
			o := w.run(t, c)
			assert.Positive(t, tc.hit(o.counts))
			assert.LessOrEqual(t, o.mostHeld, c.MaxCalls)
		})
	}
}

func TestKindsBeyondTheLimitAreNotAskedAbout(t *testing.T) {
	none := 0
	e := times.New(times.DefaultConfig(), func(d times.Decision) {
		if d.Cause == times.Kinds {
			none++
		}
	})
	for i := range 100 {
		at := int64(i) * ms
		e.Add(times.Span{Ref: i, Kind: string(rune('a' + i)), Start: at, End: at + ms/2})
	}
	assert.Equal(t, 36, none)
	e.Flush()
	assert.Equal(t, 36, e.Counts().Abstained[times.Kinds])
}

func BenchmarkEngine(b *testing.B) {
	for _, every := range []int64{20 * ms, 3 * ms, ms} {
		b.Run(name(every), func(b *testing.B) {
			w := newWorld()
			w.requests(500, 0, every, "r", w.sequential)
			b.ReportAllocs()
			for b.Loop() {
				w.run(b, times.DefaultConfig())
			}
			b.ReportMetric(float64(len(w.spans)*b.N)/b.Elapsed().Seconds(), "spans/s")
		})
	}
}

func name(every int64) string {
	return map[int64]string{20 * ms: "one in flight", 3 * ms: "eight in flight", ms: "twenty-five in flight"}[every]
}
