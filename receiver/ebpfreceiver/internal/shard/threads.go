package shard

import (
	"strings"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

// threads follows the I/O ordinals of threads, to notice when one is missing.
type threads struct {
	last    *simplelru.LRU[uint32, *thread]
	evicted uint64
	holes   uint64
}

type thread struct {
	pid, io uint32
	comm    string
}

func newThreads(limit int) (*threads, error) {
	t := &threads{}
	var err error
	t.last, err = simplelru.NewLRU(limit, func(uint32, *thread) { t.evicted++ })
	return t, err
}

// see takes note of io. lossy says that records between the previous one of its
// thread and this one are missing, or may be: the thread had been forgotten. comm
// is its name, in memory of its own.
func (t *threads) see(io *event.IO) (comm string, lossy bool) {
	th, known := t.last.Get(io.At.TID)
	switch {
	case !known:
		th = &thread{pid: io.At.PID}
		t.last.Add(io.At.TID, th)
		lossy = io.At.IO != 1
	case th.pid != io.At.PID: // another thread has got the number
		th.pid = io.At.PID
		lossy = io.At.IO != 1
	default:
		lossy = io.At.IO != th.io+1 && io.At.IO != 1
	}
	if lossy {
		t.holes++
	}
	th.io = io.At.IO
	if th.comm != io.Comm {
		th.comm = strings.Clone(io.Comm)
	}
	return th.comm, lossy
}
