package main

import (
	"fmt"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/kernels"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/probe"
)

// Values of event.Handoff (enum message_kind and handoff_edge of bpf/abi.h).
const (
	requestRead = 1
	replyOfCall = 4
	edgeFutex   = 1
	edgeFD      = 2
	edgeFDRead  = 3
)

// examiner compares what was recorded with what the cast did.
type examiner struct {
	*kernels.Result
	*recorder
	*cast
}

func (x *examiner) fail(format string, args ...any) {
	const most = 12
	if len(x.Errors) < most {
		x.Errors = append(x.Errors, fmt.Sprintf(format, args...))
	}
}

func check(result *kernels.Result, r *recorder, actors *cast, counters [probe.NumCounters]uint64) {
	x := &examiner{result, r, actors}
	x.nothingLost(counters)
	x.connections()
	x.ends()
	x.watched()
	// The two hops, each seen from both ends.
	x.hop("client to relay", actors.client.pid, actors.relay.pid)
	x.hop("relay to server", actors.relay.pid, actors.server.pid)
	x.causes()
	x.goroutines()
	x.retransmits()
}

// retransmits: the client lost the last reply of the relay for a while.
func (x *examiner) retransmits() {
	replies := x.records(x.relay.pid, event.RoleServer, event.Egress)
	if len(replies) == 0 || x.again[replies[0].ConnID] == 0 {
		x.fail("the relay's reply was lost, but nothing tells that it was sent again: %v", x.again)
	}
	for _, m := range x.records(x.server.pid, event.RoleServer, event.Egress) {
		if n := x.again[m.ConnID]; n != 0 {
			x.fail("the server is said to have sent %d segments again", n)
			return
		}
	}
}

func (x *examiner) nothingLost(counters [probe.NumCounters]uint64) {
	for id, n := range counters {
		c := probe.Counter(id)
		if n == 0 || c <= probe.RecordBytes || c == probe.CutRecursion || c == probe.LostRecursion {
			continue // what arrived, and what may have struck others
		}
		x.fail("counter %s is %d", c, n)
	}
	if got := counters[probe.RecordsIO]; got != uint64(len(x.ios)) {
		x.fail("%d I/O records sent, %d read", got, len(x.ios))
	}
}

func (x *examiner) connections() {
	roles := map[event.Role]int{}
	v6 := 0
	for _, c := range x.conns {
		roles[c.Role]++
		if c.Remote.Addr().Is6() {
			v6++
		}
	}
	if roles[event.RoleServer] != 2 || roles[event.RoleClient] != 2 || v6 != 2 {
		x.fail("connections: want 2 accepted, 2 connected, 2 of IPv6, got %v, %d of IPv6", roles, v6)
	}
}

// ends: of connections and of processes.
func (x *examiner) ends() {
	if x.closes != len(x.conns) {
		x.fail("%d of %d connections closed", x.closes, len(x.conns))
	}
	for _, p := range x.all() {
		if !x.changed(p.pid, event.Exit) {
			x.fail("the exit of the %s is not reported", p.role)
		}
	}
}

// watched: what processes that were no targets yet did is reported if asked for.
func (x *examiner) watched() {
	for _, p := range []*process{x.server, x.relay} {
		for _, change := range []event.Change{event.Exec, event.Listen} {
			if got := x.changed(p.pid, change); got == x.Case.OnlyTargets {
				x.fail("change %d of the %s reported: %v", change, p.role, got)
			}
		}
	}
}

// hop: requests and replies, as written and as read, are the same bytes at the
// same TCP positions.
func (x *examiner) hop(name string, from, to uint32) {
	x.way(name+": request", x.records(from, event.RoleClient, event.Egress), x.records(to, event.RoleServer, event.Ingress),
		func(i int) string { return "GET " + path(i) + " HTTP/1.1\r\n" })
	x.way(name+": reply", x.records(to, event.RoleServer, event.Egress), x.records(from, event.RoleClient, event.Ingress),
		func(int) string { return "HTTP/1.1 200 OK\r\n" })
}

// way: each message is written at once, and read in one or more pieces: the
// standard library's server reads the first byte of a request on its own.
func (x *examiner) way(name string, written, read []event.IO, text func(i int) string) {
	if len(written) != requests {
		x.fail("%s: %d written", name, len(written))
		return
	}
	for i := range written {
		w := &written[i]
		what := fmt.Sprintf("%s %d", name, i)
		x.payload(what, w, 0, text(i))
		got := uint32(0)
		for j := range read {
			at := read[j].Seq - w.Seq // positions wrap
			if at >= w.Len {
				continue
			}
			got += read[j].Len
			x.payload(what, &read[j], at, text(i))
			if w.Enter > read[j].Exit {
				x.fail("%s: read %d ns before it was written", what, w.Enter-read[j].Exit)
			}
		}
		if got != w.Len {
			x.fail("%s: %d bytes written, %d read", what, w.Len, got)
		}
	}
}

// payload: what was captured of e, which begins at offset `at` of a message that
// begins with text, is right, and as much as was asked for.
func (x *examiner) payload(what string, e *event.IO, at uint32, text string) {
	if want := min(e.Len, x.Case.CaptureSize); e.Flags&event.Head != 0 && uint32(len(e.Payload)) != want {
		x.fail("%s: want %d bytes captured, got %d", what, want, len(e.Payload))
	}
	if at >= uint32(len(text)) {
		return
	}
	n := min(len(e.Payload), len(text)-int(at))
	if string(e.Payload[:n]) != text[at:int(at)+n] {
		x.fail("%s: at %d got %.40q", what, at, e.Payload)
	}
}

// causes: in the relay, the request leads to the call and the call's reply to the
// relay's own, and the loop's turns are counted.
func (x *examiner) causes() {
	pid := x.relay.pid
	in, out := x.records(pid, event.RoleServer, event.Ingress), x.records(pid, event.RoleServer, event.Egress)
	call, answer := x.records(pid, event.RoleClient, event.Egress), x.records(pid, event.RoleClient, event.Ingress)
	for _, e := range x.ios {
		x.Handoffs += len(e.Handoffs)
	}
	if x.Case.NoHandoffs && x.Handoffs != 0 {
		x.fail("%d handoffs although they are switched off", x.Handoffs)
	}
	n := min(len(in), len(out), len(call), len(answer))
	for i := range n {
		if out[i].At.Tick <= in[i].At.Tick {
			x.fail("request %d: read in turn %d, replied in turn %d", i, in[i].At.Tick, out[i].At.Tick)
		}
		if x.Case.NoHandoffs {
			continue
		}
		x.handoff(fmt.Sprintf("call %d", i), &call[i], in[i].At, requestRead, edgeFutex)
		x.handoff(fmt.Sprintf("reply %d", i), &out[i], answer[i].At, replyOfCall, edgeFD, edgeFDRead)
	}
	x.Requests = n
}

// handoff: m carries that the I/O at `source` was handed to its thread.
func (x *examiner) handoff(name string, m *event.IO, source event.Point, kind uint8, edges ...uint8) {
	for _, h := range m.Handoffs {
		if h.SourceTID != source.TID || h.SourceIO != source.IO || h.SourceKind != kind {
			continue
		}
		for _, edge := range edges {
			if h.Edge == edge {
				return
			}
		}
	}
	x.fail("%s: no handoff from I/O %d of thread %d in %+v", name, source.IO, source.TID, m.Handoffs)
}

// goroutines: the standard library's server reads and writes a connection in one
// goroutine, whose parent is the one that accepts.
func (x *examiner) goroutines() {
	ids := map[[2]uint64]bool{}
	for _, m := range x.records(x.server.pid, event.RoleServer, event.Egress) {
		ids[[2]uint64{m.At.Goid, m.At.GoidParent}] = true
	}
	if len(ids) != 1 || ids[[2]uint64{}] {
		x.fail("goroutines of the server: %v", ids)
	}
}
