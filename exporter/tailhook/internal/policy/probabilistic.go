package policy

import (
	"math"
	"math/big"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor/pkg/samplingpolicy"
)

const defaultSalt = "default-hash-seed"

// defaultSaltHash is the FNV-1a state after the default salt.
const defaultSaltHash = 0x39f88fe94395b4fd

// probabilistic samples a share of the traces, by the trace alone, so that every
// Collector with the same configuration chooses the same ones.
//
// If traces may say how they were sampled (OTEP 235; useTraceState) and this one
// has explicit randomness (tracestate rv), a threshold (th) or, with the default
// salt, a random id by its W3C flag, then it is sampled if 56 bits of randomness,
// rv or else the last 7 bytes of the id, are at least the threshold
// 2^56 × (1 - share). Otherwise it is sampled if FNV-1a-64 over the salt and all
// 16 bytes of the id is at most 2^64 × share, as in tail_sampling.
type probabilistic struct {
	salt          uint64 // FNV-1a state after the salt
	defaultSalt   bool
	bound         uint64
	threshold     sampling.Threshold
	useTraceState bool
}

func newProbabilistic(c *ProbabilisticConfig, useTraceState bool) *probabilistic {
	salt := c.HashSalt
	if salt == "" {
		salt = defaultSalt
	}
	share := c.SamplingPercentage / 100
	return &probabilistic{
		salt: fnv1a(fnvOffset, salt), defaultSalt: salt == defaultSalt,
		bound: hashBound(share), threshold: thresholdOf(share), useTraceState: useTraceState,
	}
}

// thresholdOf is the OpenTelemetry threshold of a share; what is outside the
// range of thresholds becomes always or never.
func thresholdOf(share float64) sampling.Threshold {
	th, err := sampling.ProbabilityToThreshold(share)
	switch {
	case err == nil:
		return th
	case share >= 1:
		return sampling.AlwaysSampleThreshold
	default:
		return sampling.NeverSampleThreshold
	}
}

// hashBound is share × (2^64 - 1). A float64 cannot hold the factor exactly.
func hashBound(share float64) uint64 {
	all := new(big.Float).SetInt(new(big.Int).SetUint64(math.MaxUint64))
	bound, _ := all.Mul(all, big.NewFloat(share)).Uint64()
	return bound
}

func (p *probabilistic) decide(t *Trace) (verdict, error) {
	if !p.leans(t) {
		return sampled(false), nil
	}
	v := verdict{decision: samplingpolicy.Sampled, mark: Mark{Threshold: p.threshold}}
	if _, known := p.randomness(t); !known {
		v.mark.Randomness = hashRandomness(fnv1a(p.salt, t.ID[:]), p.threshold)
	}
	return v, nil
}

func (p *probabilistic) leans(t *Trace) bool {
	if r, ok := p.randomness(t); ok {
		return p.threshold.ShouldSample(r)
	}
	return fnv1a(p.salt, t.ID[:]) <= p.bound
}

func (p *probabilistic) randomness(t *Trace) (sampling.Randomness, bool) {
	if s := t.Summary; !p.useTraceState || !p.defaultSalt && !s.hasRandomness && !s.hasThreshold {
		return sampling.Randomness{}, false
	}
	return t.randomness()
}

// randomness is what the trace itself says about its randomness, if anything.
func (t *Trace) randomness() (sampling.Randomness, bool) {
	s := t.Summary
	if s.hasRandomness {
		return s.randomness, true
	}
	return sampling.TraceIDToRandomness(t.ID), s.hasThreshold || s.randomID
}

// hashRandomness turns a hash, of which low values are kept, into randomness, of
// which high values are. Rounding must not put a kept trace below its threshold.
func hashRandomness(h uint64, th sampling.Threshold) sampling.Randomness {
	r, err := sampling.UnsignedToRandomness(max(^h>>8, th.Unsigned()))
	if err != nil { // a threshold that nothing passes
		return sampling.AllProbabilitiesRandomness
	}
	return r
}

// FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/). hash/fnv gives
// the same but allocates.
const (
	fnvOffset = 0xcbf29ce484222325
	fnvPrime  = 0x100000001b3
)

func fnv1a[T string | []byte](h uint64, data T) uint64 {
	for i := range len(data) {
		h = (h ^ uint64(data[i])) * fnvPrime
	}
	return h
}
