package tailhook

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// arrivals are spans and the times at which they arrive, in order.
type arrivals iter.Seq2[time.Duration, ptrace.Traces]

// loadArrivals is the load of the measurements, so many calls a second of 500 spans.
func loadArrivals(tb testing.TB, calls, perSecond int) arrivals {
	return func(yield func(time.Duration, ptrace.Traces) bool) {
		l := newLoad(tb, true)
		for i := range calls {
			if !yield(time.Duration(i)*time.Second/time.Duration(perSecond), l.next(tb)) {
				return
			}
		}
	}
}

// recording is what the stitch processor released one after the other: 200
// requests through three hosts, 40 a second, from `testbed record three-hosts`.
type recording struct{ releases []release }

type release struct {
	at  time.Duration
	out ptrace.Traces
}

const (
	keyReleased = "testbed.released"
	// period is longer than the recording.
	period = 6 * time.Second
)

func readRecording(tb testing.TB) *recording {
	f, err := os.Open(filepath.Join("testdata", "stitched.pb.gz"))
	require.NoError(tb, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(tb, err)
	in := bufio.NewReader(z)
	byTime := map[int64]ptrace.Traces{}
	for {
		var length uint32
		err := binary.Read(in, binary.BigEndian, &length)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(tb, err)
		data := make([]byte, length)
		_, err = io.ReadFull(in, data)
		require.NoError(tb, err)
		var u ptrace.ProtoUnmarshaler
		td, err := u.UnmarshalTraces(data)
		require.NoError(tb, err)
		for _, rs := range td.ResourceSpans().All() {
			at, ok := rs.Resource().Attributes().Get(keyReleased)
			require.True(tb, ok)
			if _, ok := byTime[at.Int()]; !ok {
				byTime[at.Int()] = ptrace.NewTraces()
			}
			rs.MoveTo(byTime[at.Int()].ResourceSpans().AppendEmpty())
		}
	}
	return newRecording(tb, byTime)
}

func newRecording(tb testing.TB, byTime map[int64]ptrace.Traces) *recording {
	r := &recording{}
	first := int64(math.MaxInt64)
	for at := range byTime {
		first = min(first, at)
	}
	for at, td := range byTime {
		for _, rs := range td.ResourceSpans().All() {
			rs.Resource().Attributes().Remove(keyReleased)
		}
		r.releases = append(r.releases, release{time.Duration(at - first), td})
	}
	slices.SortFunc(r.releases, func(a, b release) int { return cmp.Compare(a.at, b.at) })
	require.Less(tb, r.releases[len(r.releases)-1].at, period)
	return r
}

// play repeats the recording, so many copies at a time, each under trace ids of
// its own. One trace in nine fails, which one of its spans tells.
func (r *recording) play(times, copies int) arrivals {
	return func(yield func(time.Duration, ptrace.Traces) bool) {
		for n := range times {
			for _, rel := range r.releases {
				for c := range copies {
					td := ptrace.NewTraces()
					rel.out.CopyTo(td)
					renew(td, uint64(n*copies+c+1))
					if !yield(time.Duration(n)*period+rel.at, td) {
						return
					}
				}
			}
		}
	}
}

func renew(td ptrace.Traces, number uint64) {
	for s := range spansIn(td) {
		id := s.TraceID()
		binary.BigEndian.PutUint64(id[:], binary.BigEndian.Uint64(id[:])^number*0x9e3779b97f4a7c15)
		binary.BigEndian.PutUint64(id[8:], binary.BigEndian.Uint64(id[8:])^number*0xbf58476d1ce4e5b9)
		s.SetTraceID(id)
		if id[3]%9 == 0 && s.SpanID()[0]%4 == 0 {
			s.Status().SetCode(ptrace.StatusCodeError)
		}
	}
}

func spansIn(td ptrace.Traces) iter.Seq[ptrace.Span] {
	return func(yield func(ptrace.Span) bool) {
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, s := range ss.Spans().All() {
					if !yield(s) {
						return
					}
				}
			}
		}
	}
}

// oracle sees every span and then says which traces are to be kept: by
// the policies of the measurements, written down once more.
func oracle(s arrivals) map[pcommon.TraceID]bool {
	type trace struct {
		failed     bool
		start, end pcommon.Timestamp
	}
	traces := map[pcommon.TraceID]*trace{}
	for _, td := range s {
		for sp := range spansIn(td) {
			t := traces[sp.TraceID()]
			if t == nil {
				t = &trace{start: math.MaxUint64}
				traces[sp.TraceID()] = t
			}
			t.failed = t.failed || sp.Status().Code() == ptrace.StatusCodeError
			t.start, t.end = min(t.start, sp.StartTimestamp()), max(t.end, sp.EndTimestamp())
		}
	}
	keep := map[pcommon.TraceID]bool{}
	for id, t := range traces {
		h := fnv.New64a()
		h.Write([]byte("default-hash-seed"))
		h.Write(id[:])
		slow := t.end.AsTime().Sub(t.start.AsTime()).Milliseconds() > 500 // whole ones, as tail_sampling
		keep[id] = t.failed || slow || h.Sum64() < math.MaxUint64/10
	}
	return keep
}

// jury is a next component that compares what comes with the oracle, and with the
// time at which the last span of each trace was sent.
type jury struct {
	mu     sync.Mutex
	last   map[pcommon.TraceID]time.Time
	kept   map[pcommon.TraceID]bool
	delays []time.Duration
}

func newJury() *jury {
	return &jury{last: map[pcommon.TraceID]time.Time{}, kept: map[pcommon.TraceID]bool{}}
}

func (*jury) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (j *jury) ConsumeTraces(_ context.Context, td ptrace.Traces) error {
	now := time.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	for s := range spansIn(td) {
		if !j.kept[s.TraceID()] {
			j.kept[s.TraceID()] = true
			j.delays = append(j.delays, now.Sub(j.last[s.TraceID()]))
		}
	}
	return nil
}

// feed sends spans at their times.
func (j *jury) feed(tb testing.TB, c lifecycle, s arrivals) {
	begin := time.Now()
	for at, td := range s {
		time.Sleep(time.Until(begin.Add(at)))
		now := time.Now()
		j.mu.Lock()
		for sp := range spansIn(td) {
			j.last[sp.TraceID()] = now
		}
		j.mu.Unlock()
		require.NoError(tb, c.ConsumeTraces(context.Background(), td))
	}
}

// differ counts the traces that were not decided as the oracle does.
func (j *jury) differ(oracle map[pcommon.TraceID]bool) (n int) {
	for id, keep := range oracle {
		if j.kept[id] != keep {
			n++
		}
	}
	return n
}

// quantile of the delays from the last span of a trace to its arrival here.
func (j *jury) quantile(q float64) time.Duration {
	slices.Sort(j.delays)
	return j.delays[int(q*float64(len(j.delays)-1))]
}
