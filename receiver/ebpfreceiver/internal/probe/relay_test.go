package probe

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const relayRounds = 8

// actRelay plays it several times: the runtime of the actor wakes its threads, too,
// and what was handed over last counts.
func actRelay() (any, error) {
	runtime.LockOSThread()
	var out []handoffTruth
	for round := range relayRounds {
		truth, err := relayOnce()
		if err != nil {
			return nil, err
		}
		truth.IO = 2 * (round + 1)
		out = append(out, truth)
	}
	return out, nil
}

// relayOnce: thread A reads a request and wakes a thread that wakes another one that
// wakes thread B, which then writes a call. Those between have written before, and
// read nothing: what they pass on is what they were handed.
func relayOnce() (handoffTruth, error) {
	const relays = 2
	var words [relays + 1]uint32
	var tids [relays + 1]int
	done := make(chan error, len(words))
	for i := range words {
		own, err := connect("127.0.0.1")
		if err != nil {
			return handoffTruth{}, err
		}
		tid := make(chan int)
		go func() {
			runtime.LockOSThread()
			_, err := unix.Write(own.client, []byte("before"))
			tid <- unix.Gettid()
			for err == nil && futex(&words[i], futexWait, 0) == unix.EINTR {
			}
			if i < relays {
				err = futex(&words[i+1], futexWake, 1)
			} else if err == nil {
				_, err = unix.Write(own.client, []byte("call"))
			}
			done <- err
		}()
		tids[i] = <-tid
		if err := untilBlocked(tids[i], unix.SYS_FUTEX); err != nil {
			return handoffTruth{}, err
		}
	}
	request, err := connect("127.0.0.1")
	if err != nil {
		return handoffTruth{}, err
	}
	if err := ping(request); err != nil {
		return handoffTruth{}, err
	}
	if err := futex(&words[0], futexWake, 1); err != nil {
		return handoffTruth{}, err
	}
	for range words {
		if err := <-done; err != nil {
			return handoffTruth{}, err
		}
	}
	return handoffTruth{From: unix.Gettid(), To: tids[relays]}, nil
}

func TestWhatWasReadSurvivesThreadsThatPassItOn(t *testing.T) {
	s := newStage(t, nil)
	var rounds []handoffTruth
	s.trace("relay", Target{}, &rounds)
	require.Len(t, rounds, relayRounds)
	found := 0
	for _, truth := range rounds {
		for _, h := range handoffsOf(s, truth.To, 1) {
			if int(h.SourceTID) == truth.From && int(h.SourceIO) == truth.IO && h.Hops >= 2 {
				found++
				assert.EqualValues(t, 1, h.SourceKind, "server read")
				break
			}
		}
	}
	assert.GreaterOrEqual(t, found, relayRounds/2, "without the rule it is one or two")
	requireNothingLost(t, s)
}
