package policy

import (
	"slices"
	"sync"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// kind of traces, told by service and operation of the root and by whether a span
// failed.
type kind struct{}

// Words of kind. A trace without a root is told by its first span.
const (
	wordRootKey  = iota // hash of the root's service and operation, 0 for none
	wordFirstKey        // the same of the first span
	wordError           // 1 if a span failed
	kindWords
)

func (kind) words() int { return kindWords }

func (kind) onSpan(v *view, words []uint64) {
	if v.span.Status().Code() == ptrace.StatusCodeError {
		words[wordError] = 1
	}
	root := v.span.ParentSpanID().IsEmpty() && words[wordRootKey] == 0
	if !root && words[wordFirstKey] != 0 {
		return
	}
	key := operationKey(v)
	if root {
		words[wordRootKey] = key
	}
	if words[wordFirstKey] == 0 {
		words[wordFirstKey] = key
	}
}

func (kind) merge(dst, src []uint64) {
	for _, i := range []int{wordRootKey, wordFirstKey} {
		if dst[i] == 0 {
			dst[i] = src[i]
		}
	}
	dst[wordError] |= src[wordError]
}

// operationKey hashes service, kind and name of a span. It is never 0.
func operationKey(v *view) uint64 {
	h := uint64(fnvOffset)
	if s, ok := v.resource.Resource().Attributes().Get("service.name"); ok {
		h = fnv1a(h, s.Str())
	}
	h = fnv1a(h, []byte{0, byte(v.span.Kind())})
	return max(1, fnv1a(h, v.span.Name()))
}

// rarity keeps about so many spans a second, shared fairly among kinds of traces:
// every kind may have the same rate, what a rare one leaves goes to the others.
// A trace of a kind that is too frequent is kept with the probability that
// brings its kind down to that rate, decided by the trace id and told in its
// threshold.
type rarity struct {
	words  func(State) []uint64
	target float64 // spans a second
	limit  int     // kinds

	mu    sync.Mutex
	kinds map[uint64]*frequency
	rate  float64 // what every kind may have
	next  time.Time
}

// frequency of one kind, in spans.
type frequency struct {
	now  float64 // since the last turn
	rate float64 // a second, an average that forgets
}

// rarityTurn is the time between two adjustments, and rarityMemory the weight of
// the past in the average.
const (
	rarityTurn   = time.Second
	rarityMemory = 0.75
)

func newRarity(c *RarityConfig) *rarity {
	return &rarity{
		target: float64(c.SpansPerSecond), limit: c.MaxKinds, kinds: map[uint64]*frequency{},
		rate: float64(c.SpansPerSecond),
	}
}

func (r *rarity) decide(t *Trace) (verdict, error) {
	r.mu.Lock()
	if !t.Now.Before(r.next) {
		r.turn(t.Now)
	}
	f := r.frequency(r.kind(t))
	f.now += float64(t.Summary.Spans)
	share := r.share(f)
	r.mu.Unlock()
	mark := Mark{Threshold: thresholdOf(share)}
	random, known := t.randomness()
	if !known {
		random = hashRandomness(fnv1a(defaultSaltHash, t.ID[:]), sampling.AlwaysSampleThreshold)
		mark.Randomness = random
	}
	v := sampled(mark.Threshold.ShouldSample(random))
	v.mark = mark
	return v, nil
}

// leans is a yes for kinds that are kept whole.
func (r *rarity) leans(t *Trace) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.kinds[r.kind(t)]
	return f == nil || r.share(f) >= 1
}

func (r *rarity) share(f *frequency) float64 {
	if frequent := max(f.rate, f.now); frequent > r.rate {
		return r.rate / frequent
	}
	return 1
}

func (r *rarity) kind(t *Trace) uint64 {
	w := r.words(t.State)
	key := w[wordRootKey]
	if key == 0 {
		key = w[wordFirstKey]
	}
	return key<<1 | w[wordError]
}

// frequency of a kind; kinds beyond the limit share one.
func (r *rarity) frequency(kind uint64) *frequency {
	f := r.kinds[kind]
	if f == nil && len(r.kinds) >= r.limit {
		kind = 0
		f = r.kinds[0]
	}
	if f == nil {
		f = &frequency{}
		r.kinds[kind] = f
	}
	return f
}

// turn learns the frequencies of the last second and adjusts the rate.
func (r *rarity) turn(now time.Time) {
	seconds := 1.0
	if !r.next.IsZero() {
		seconds = max(1, now.Sub(r.next.Add(-rarityTurn)).Seconds())
	}
	r.next = now.Add(rarityTurn)
	rates := make([]float64, 0, len(r.kinds))
	for kind, f := range r.kinds {
		f.rate = rarityMemory*f.rate + (1-rarityMemory)*f.now/seconds
		f.now = 0
		if f.rate < 0.01 {
			delete(r.kinds, kind)
			continue
		}
		rates = append(rates, f.rate)
	}
	r.rate = fairRate(rates, r.target)
}

// fairRate is the rate that every kind may have so that together they have the
// target: kinds below it leave what they do not use to the others.
func fairRate(rates []float64, target float64) float64 {
	slices.Sort(rates)
	left := target
	for i, rate := range rates {
		fair := left / float64(len(rates)-i)
		if rate > fair {
			return fair
		}
		left -= rate
	}
	return max(target, left)
}
