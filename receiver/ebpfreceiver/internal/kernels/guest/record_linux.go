package main

import (
	"sync"
	"time"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

// recorder keeps what the probe reports.
type recorder struct {
	mu      sync.Mutex
	conns   map[uint64]event.Conn
	ios     []event.IO
	closes  int
	again   map[uint64]int // segments sent again, by connection
	changes map[uint32][]event.Change
}

func newRecorder() *recorder {
	return &recorder{conns: map[uint64]event.Conn{}, changes: map[uint32][]event.Change{}, again: map[uint64]int{}}
}

func (r *recorder) Conn(c *event.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns[c.ID] = *c
}

func (r *recorder) IO(e *event.IO) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := *e
	kept.Comm = string([]byte(e.Comm))
	kept.Payload = append([]byte(nil), e.Payload...)
	kept.Handoffs = append([]event.Handoff(nil), e.Handoffs...)
	r.ios = append(r.ios, kept)
}

func (r *recorder) Close(*event.Close) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closes++
}

func (r *recorder) Retransmit(e *event.Retransmit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.again[e.ConnID]++
}

func (r *recorder) Process(p *event.Process) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes[p.PID] = append(r.changes[p.PID], p.Change)
}

// settle waits until all that the processes did has been read: all have exited and
// every connection is closed, or nothing has come for long.
func (r *recorder) settle(pids []uint32) {
	const long = 5 * time.Second
	last, since := -1, time.Now()
	for time.Since(since) < long {
		ended, events := r.progress(pids)
		if ended {
			return
		}
		if events != last {
			last, since = events, time.Now()
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (r *recorder) progress(pids []uint32) (ended bool, events int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ended = r.closes == len(r.conns)
	for _, pid := range pids {
		ended = ended && r.changed(pid, event.Exit)
		events += len(r.changes[pid])
	}
	return ended, events + r.closes + len(r.conns) + len(r.ios)
}

// changed needs mu.
func (r *recorder) changed(pid uint32, change event.Change) bool {
	for _, c := range r.changes[pid] {
		if c == change {
			return true
		}
	}
	return false
}

// records returns what a process moved in one direction on connections of one
// role, in the order of the ring buffer. It needs mu or an ended probe.
func (r *recorder) records(pid uint32, role event.Role, direction event.Direction) []event.IO {
	var out []event.IO
	for _, e := range r.ios {
		if e.At.PID == pid && e.Direction == direction && e.Role == role {
			out = append(out, e)
		}
	}
	return out
}
