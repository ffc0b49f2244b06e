package shard

import (
	"sync"
	"time"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

// inlet takes the events of the reader and puts them into the queues. The lock
// is between the reader and the goroutine that sets barriers.
type inlet struct {
	mu      sync.Mutex
	lanes   []lane
	threads *threads
	closed  bool
	counts  struct{ events, droppedIO, droppedControl uint64 }
	since   interval
	kick    chan struct{} // when enough has come for a flush
}

// interval is what came between two barriers.
type interval struct {
	events int
	newest uint64            // time of the newest event ever
	active map[uint32]uint64 // by pid: time of its newest event
	exited []uint32
}

// lane is the way to one worker.
type lane struct {
	queue   chan *batch
	free    chan *batch // to use again
	current *batch      // being filled; nil: none yet
	stalled bool        // the reader has waited in vain
}

var _ event.Handler = (*inlet)(nil)

func newInlet(workers, maxThreads int) (*inlet, error) {
	t, err := newThreads(maxThreads)
	if err != nil {
		return nil, err
	}
	in := &inlet{threads: t, lanes: make([]lane, workers), kick: make(chan struct{}, 1)}
	in.since.active = map[uint32]uint64{}
	for i := range in.lanes {
		in.lanes[i] = lane{queue: make(chan *batch, queueBatches), free: make(chan *batch, queueBatches+2)}
	}
	return in, nil
}

// laneOf spreads connections; their ids are consecutive.
func (in *inlet) laneOf(id uint64) *lane { return &in.lanes[id%uint64(len(in.lanes))] }

// batch returns the batch to fill.
func (l *lane) batch() *batch {
	if l.current == nil {
		select {
		case l.current = <-l.free:
		default:
			l.current = newBatch()
		}
	}
	return l.current
}

// send queues the current batch. If the queue is full it waits, but only once
// until there was room again.
func (l *lane) send() bool {
	select {
	case l.queue <- l.current:
		l.current, l.stalled = nil, false
		return true
	default:
	}
	if l.stalled {
		return false
	}
	timer := time.NewTimer(queueWait)
	defer timer.Stop()
	select {
	case l.queue <- l.current:
		l.current = nil
		return true
	case <-timer.C:
		l.stalled = true
		return false
	}
}

func (in *inlet) seen(pid uint32, time uint64) {
	s := &in.since
	s.newest = max(s.newest, time)
	if pid != 0 {
		s.active[pid] = max(s.active[pid], time)
	}
	if s.events++; s.events == kickEvents {
		select {
		case in.kick <- struct{}{}:
		default:
		}
	}
}

// IO takes a segment.
func (in *inlet) IO(io *event.IO) {
	in.mu.Lock()
	defer in.mu.Unlock()
	l := in.laneOf(io.ConnID)
	if in.closed || !l.batch().fits(io) && !l.send() {
		in.counts.droppedIO++
		return
	}
	in.counts.events++
	in.seen(io.At.PID, io.Exit)
	comm, lossy := in.threads.see(io)
	l.batch().addIO(io, comm, lossy)
}

// control returns the batch that takes an event other than I/O; nil if it has to
// be dropped.
func (in *inlet) control(l *lane, pid uint32, time uint64) *batch {
	if in.closed || l.batch().controlFull() && !l.send() {
		in.counts.droppedControl++
		return nil
	}
	in.seen(pid, time)
	return l.batch()
}

// Conn takes the announcement of a connection.
func (in *inlet) Conn(ev *event.Conn) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if b := in.control(in.laneOf(ev.ID), ev.At.PID, ev.Time); b != nil {
		in.counts.events++
		b.order = append(b.order, kindConn)
		b.conns = append(b.conns, *ev)
	}
}

// Close takes the end of a connection.
func (in *inlet) Close(ev *event.Close) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if b := in.control(in.laneOf(ev.ConnID), 0, ev.Time); b != nil {
		in.counts.events++
		b.order = append(b.order, kindClose)
		b.closes = append(b.closes, *ev)
	}
}

// Retransmit takes a segment that was sent again.
func (in *inlet) Retransmit(ev *event.Retransmit) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if b := in.control(in.laneOf(ev.ConnID), 0, ev.Time); b != nil {
		in.counts.events++
		b.order = append(b.order, kindRetransmit)
		b.again = append(b.again, *ev)
	}
}

// Process takes a change of a process, of which only exits matter here: they go
// to every worker, and count once.
func (in *inlet) Process(ev *event.Process) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.counts.events++
	if ev.Change != event.Exit {
		return
	}
	for i := range in.lanes {
		if b := in.control(&in.lanes[i], ev.PID, ev.Time); b != nil {
			b.order = append(b.order, kindExit)
			b.exits = append(b.exits, exit{ev.PID, ev.Time})
		}
	}
	if !in.closed {
		in.since.exited = append(in.since.exited, ev.PID)
	}
}

// pass sends what has come to the workers without waiting for more.
func (in *inlet) pass() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for i := range in.lanes {
		l := &in.lanes[i]
		if l.current == nil || l.current.empty() {
			continue
		}
		select {
		case l.queue <- l.current:
			l.current, l.stalled = nil, false
		default:
		}
	}
}

// setBarrier puts a barrier, made for what came since the last one, behind all
// events in every queue. If a queue is full it waits, and so does the reader: for
// a worker to work off one batch.
func (in *inlet) setBarrier(make func(interval) *barrier) {
	in.mu.Lock()
	defer in.mu.Unlock()
	b := make(in.since)
	in.since = interval{newest: in.since.newest, active: map[uint32]uint64{}}
	in.closed = in.closed || b.final
	for i := range in.lanes {
		l := &in.lanes[i]
		l.batch().barrier = b
		l.queue <- l.current
		l.current, l.stalled = nil, false
	}
}

// snapshot adds the counts of the inlet to s.
func (in *inlet) snapshot(s *Stats) {
	in.mu.Lock()
	defer in.mu.Unlock()
	s.Events, s.DroppedIO, s.DroppedControl = in.counts.events, in.counts.droppedIO, in.counts.droppedControl
	s.Holes, s.EvictedThreads, s.Threads = in.threads.holes, in.threads.evicted, in.threads.last.Len()
}
