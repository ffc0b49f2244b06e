package tailhook

import "sync/atomic"

// ledger accounts for the memory of spans, from the moment they are accepted to
// the moment they are dropped or delivered. All shards share it.
type ledger struct {
	limit int64 // nothing is accepted beyond
	high  int64 // shards make room beyond

	held        atomic.Int64
	undelivered atomic.Int64 // the part of held that waits for the next component
	traces      atomic.Int64
}

func newLedger(limit uint64) *ledger {
	return &ledger{limit: int64(limit), high: int64(limit) / 10 * 9}
}

// accept takes n bytes in, if they have room. A call that is large itself gets in when
// little else is held, with half of that: else it never would.
func (l *ledger) accept(n int) bool {
	after := l.held.Add(int64(n))
	if before := after - int64(n); after <= l.limit || before <= l.limit/4 && before+int64(n)/2 <= l.limit {
		return true
	}
	l.held.Add(-int64(n))
	return false
}

// excess is how much a shard should let go of.
func (l *ledger) excess() int64 { return max(0, l.held.Load()-l.high) }

// stuck says whether the memory is taken by what the next component does not take.
func (l *ledger) stuck() bool { return l.undelivered.Load() > l.limit/2 }
