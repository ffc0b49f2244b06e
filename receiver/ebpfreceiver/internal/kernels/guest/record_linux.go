package main

import (
	"sync"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

// recorder keeps what the probe reports.
type recorder struct {
	mu      sync.Mutex
	conns   map[uint64]event.Conn
	ios     []event.IO
	closes  int
	changes map[uint32][]event.Change
}

func newRecorder() *recorder {
	return &recorder{conns: map[uint64]event.Conn{}, changes: map[uint32][]event.Change{}}
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

func (r *recorder) Process(p *event.Process) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes[p.PID] = append(r.changes[p.PID], p.Change)
}

// ended reports whether all the processes have exited and every connection is
// closed, as far as has been read.
func (r *recorder) ended(pids ...uint32) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, pid := range pids {
		if !r.changed(pid, event.Exit) {
			return false
		}
	}
	return r.closes == len(r.conns)
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

// message is the segments of one message: the first of them, with the payload of
// all.
type message struct {
	event.IO
	total uint32 // bytes
	last  event.Point
}

// messages returns what a process moved in one direction on connections of one
// role, in order. It needs mu or an ended probe.
func (r *recorder) messages(pid uint32, role event.Role, direction event.Direction) []message {
	var out []message
	for _, e := range r.ios {
		if e.At.PID != pid || e.Direction != direction || e.Role != role {
			continue
		}
		if e.Flags&event.Head != 0 || len(out) == 0 {
			out = append(out, message{IO: e})
		}
		m := &out[len(out)-1]
		if m.total > 0 {
			m.Payload = append(m.Payload, e.Payload...)
		}
		m.total += e.Len
		m.last = e.At
	}
	return out
}
