package policy

import (
	"golang.org/x/time/rate"
)

// limit samples as long as a token bucket has enough tokens for the trace.
type limit struct {
	bucket *rate.Limiter
	cost   func(*Summary) int64
}

func newLimit(perSecond, burst int64, cost func(*Summary) int64) *limit {
	if burst <= 0 {
		burst = 2 * perSecond
	}
	return &limit{bucket: rate.NewLimiter(rate.Limit(perSecond), int(burst)), cost: cost}
}

func costSpans(s *Summary) int64 { return s.Spans }
func costBytes(s *Summary) int64 { return int64(s.Bytes) }

func (l *limit) decide(t *Trace) (verdict, error) {
	return sampled(l.bucket.AllowN(t.Now, int(l.cost(t.Summary)))), nil
}

func (l *limit) leans(*Trace) bool { return true }
