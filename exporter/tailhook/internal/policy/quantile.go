package policy

import (
	"math"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// slowness learns how long each operation takes and notes whether an entry of the
// trace (a server or consumer span, or one without a parent) took longer than
// the quantile of its own operation. All observers share it.
type slowness struct {
	quantile float64
	samples  uint32 // to learn from before it speaks
	limit    int64  // operations

	ops   sync.Map // operation key → *durations
	count atomic.Int64
}

func newSlowness(c *LatencyQuantileConfig) *slowness {
	return &slowness{quantile: c.Quantile, samples: uint32(c.MinSamples), limit: int64(c.MaxOperations)}
}

// durations is a histogram of one operation with 8 buckets per doubling, from
// 1 µs to over an hour, and the bound that follows from it.
type durations struct {
	buckets [durationBuckets]atomic.Uint32
	total   atomic.Uint32
	next    atomic.Uint32 // total at which the bound is computed again
	bound   atomic.Int64  // ns; 0: not known
}

const (
	perDoubling     = 8
	durationBuckets = 256
	firstDuration   = 10 // log2 of the lower end, in ns
	// relearn is the number of samples after which the past counts half.
	relearn = 20_000
)

func (*slowness) words() int { return 1 }

func (*slowness) merge(dst, src []uint64) { dst[0] |= src[0] }

func (s *slowness) onSpan(v *view, words []uint64) {
	switch v.span.Kind() {
	case ptrace.SpanKindServer, ptrace.SpanKindConsumer:
	default:
		if !v.span.ParentSpanID().IsEmpty() {
			return
		}
	}
	took := int64(v.span.EndTimestamp()) - int64(v.span.StartTimestamp())
	d := s.operation(operationKey(v))
	if d == nil || took < 0 {
		return
	}
	if bound := d.bound.Load(); bound > 0 && took > bound {
		words[0] = 1
	}
	d.add(took, s)
}

// operation returns the histogram of an operation, nil if there are too many.
func (s *slowness) operation(key uint64) *durations {
	if d, ok := s.ops.Load(key); ok {
		return d.(*durations)
	}
	if s.count.Load() >= s.limit {
		return nil
	}
	d, loaded := s.ops.LoadOrStore(key, &durations{})
	if !loaded {
		s.count.Add(1)
		d.(*durations).next.Store(s.samples)
	}
	return d.(*durations)
}

func (d *durations) add(took int64, s *slowness) {
	d.buckets[bucketOf(took)].Add(1)
	total := d.total.Add(1)
	next := d.next.Load()
	if total < next || !d.next.CompareAndSwap(next, total+max(1, total/16)) {
		return
	}
	d.bound.Store(d.quantile(s.quantile))
	if total >= relearn {
		d.forget()
	}
}

// quantile returns the upper end of the bucket that the quantile falls into, so
// that what is about as long does not count as longer.
func (d *durations) quantile(q float64) int64 {
	var counts [durationBuckets]uint64
	var sum uint64
	for i := range counts {
		counts[i] = uint64(d.buckets[i].Load())
		sum += counts[i]
	}
	rank := uint64(math.Ceil(q * float64(sum)))
	for i, n := range counts {
		if rank <= n {
			return bucketEnd(i)
		}
		rank -= n
	}
	return bucketEnd(durationBuckets - 1)
}

// forget halves the past. Samples that come meanwhile may be lost.
func (d *durations) forget() {
	var total uint32
	for i := range d.buckets {
		n := d.buckets[i].Load() / 2
		d.buckets[i].Store(n)
		total += n
	}
	d.total.Store(total)
	d.next.Store(total + max(1, total/16))
}

func bucketOf(ns int64) int {
	if ns < 1<<firstDuration {
		return 0
	}
	return min(durationBuckets-1, int((math.Log2(float64(ns))-firstDuration)*perDoubling))
}

func bucketEnd(i int) int64 {
	return int64(math.Exp2(firstDuration + float64(i+1)/perDoubling))
}

// isSet samples if the word of a measure is not zero.
type isSet struct{ words func(State) []uint64 }

func (i *isSet) decide(t *Trace) (verdict, error) { return sampled(i.leans(t)), nil }
func (i *isSet) leans(t *Trace) bool              { return i.words(t.State)[0] != 0 }
