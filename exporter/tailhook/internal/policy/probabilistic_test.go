package policy

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

func share(percent float64, salt string) Config {
	return Config{Name: "p", Type: Probabilistic, Probabilistic: ProbabilisticConfig{SamplingPercentage: percent, HashSalt: salt}}
}

func randomID(r *rand.Rand) (id pcommon.TraceID) {
	binary.BigEndian.PutUint64(id[:], r.Uint64())
	binary.BigEndian.PutUint64(id[8:], r.Uint64())
	return id
}

func TestTheHashIsFNV1aOfSaltAndID(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		id := randomID(r)
		h := fnv.New64a()
		h.Write([]byte("salt"))
		h.Write(id[:])
		assert.Equal(t, h.Sum64(), fnv1a(fnv1a(fnvOffset, "salt"), id[:]))
	}
}

func TestTheDefaultSaltHashesToItsConstant(t *testing.T) {
	assert.Equal(t, uint64(defaultSaltHash), fnv1a(fnvOffset, defaultSalt))
}

func TestAHashedTraceIsMarkedSoThatOthersDecideAlike(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, percent := range []float64{0.1, 10, 33.3, 50, 99.99, 100} {
		s := newSet(t, &Options{TraceState: true}, share(percent, "pepper"))
		for range 2000 {
			tr := observe(s, spansOf(plain))
			tr.ID = randomID(r)
			if d := s.Decide(tr); d.Keep {
				assert.True(t, d.Mark.Threshold.ShouldSample(d.Mark.Randomness))
			}
		}
	}
}

func TestTheShareIsKeptAndTheSameOneEverywhere(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, flags := range []uint32{0, flagRandom} {
		ten, alike, salted := newSet(t, &Options{TraceState: true}, share(10, "")), newSet(t, &Options{TraceState: true}, share(10, "")), newSet(t, &Options{TraceState: true}, share(10, "x"))
		forty := newSet(t, &Options{TraceState: true}, share(40, ""))
		n, both := 0, 0
		const all = 20_000
		for range all {
			tr := observe(ten, spansOf(func(s ptrace.Span) { s.SetFlags(flags) }))
			tr.ID = randomID(r)
			keep := ten.Decide(tr).Keep
			assert.Equal(t, keep, alike.Decide(tr).Keep)
			if keep {
				n++
				assert.True(t, forty.Decide(tr).Keep, "a larger share contains a smaller one")
				if salted.Decide(tr).Keep {
					both++
				}
			}
		}
		assert.InDelta(t, all/10, n, all/100)
		assert.InDelta(t, n/10, both, float64(n)/30, "another salt chooses independently")
	}
}

func TestAllSixteenBytesCount(t *testing.T) {
	for i := range 16 {
		hashes := map[uint64]bool{}
		for v := range 256 {
			id := testID
			id[i] = byte(v)
			hashes[fnv1a(fnvOffset, id[:])] = true
		}
		assert.Len(t, hashes, 256, "byte %d", i)
	}
}

func TestATraceSaysHowItWasSampled(t *testing.T) {
	low := pcommon.TraceID{9: 1}                                                                 // randomness near 0
	high := pcommon.TraceID{9: 0xff, 10: 0xff, 11: 0xff, 12: 0xff, 13: 0xff, 14: 0xff, 15: 0xff} // the highest
	state := func(raw string, flags uint32) func(ptrace.Span) {
		return func(s ptrace.Span) { s.TraceState().FromRaw(raw); s.SetFlags(flags) }
	}
	for name, c := range map[string]struct {
		id    pcommon.TraceID
		state string
		flags uint32
		salt  string
		keep  bool
	}{
		"high explicit randomness":             {low, "ot=rv:fffffffffffff0", 0, "", true},
		"low explicit randomness":              {high, "ot=rv:00000000000001", 0, "", false},
		"explicit randomness beats a salt":     {low, "ot=rv:fffffffffffff0", 0, "x", true},
		"a threshold vouches for a high id":    {high, "ot=th:8", 0, "", true},
		"a threshold vouches for a low id":     {low, "ot=th:8", 0, "", false},
		"the random flag vouches for high ids": {high, "", flagRandom, "", true},
		"the random flag vouches for low ids":  {low, "", flagRandom, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSet(t, &Options{TraceState: true}, share(1, c.salt))
			tr := observe(s, spansOf(plain), spansOf(state(c.state, c.flags)))
			tr.ID = c.id
			assert.Equal(t, c.keep, s.Decide(tr).Keep)
		})
	}
}

func TestBrokenTraceStateIsIgnored(t *testing.T) {
	s := newSet(t, &Options{TraceState: true}, share(100, ""))
	for _, raw := range []string{"=", "ot=rv:xyz", "ot=rv:1"} {
		tr := observe(s, spansOf(func(sp ptrace.Span) { sp.TraceState().FromRaw(raw) }))
		assert.True(t, s.Decide(tr).Keep)
		assert.False(t, tr.Summary.hasRandomness)
	}
}

func TestTheExtremesAreAlwaysAndNever(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, flags := range []uint32{0, flagRandom} {
		all, none := newSet(t, &Options{TraceState: true}, share(100, "")), newSet(t, &Options{TraceState: true}, share(0, ""))
		for range 1000 {
			tr := observe(all, spansOf(func(s ptrace.Span) { s.SetFlags(flags) }))
			tr.ID = randomID(r)
			assert.True(t, all.Decide(tr).Keep)
			assert.False(t, none.Decide(tr).Keep)
		}
	}
}
