package main

import (
	"bytes"
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
	x.watched()
	// The two hops, each seen from both ends.
	x.hop("client to relay", actors.client.pid, actors.relay.pid)
	x.hop("relay to server", actors.relay.pid, actors.server.pid)
	x.causes()
	x.goroutines()
}

func (x *examiner) nothingLost(counters [probe.NumCounters]uint64) {
	for id, n := range counters {
		c := probe.Counter(id)
		if n == 0 || c <= probe.RecordBytes || c == probe.CutRecursion {
			continue // what arrived, and wakes by interrupts
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
	for _, way := range []struct {
		what          string
		written, read []message
		text          func(i int) string
	}{
		{"request", x.messages(from, event.RoleClient, event.Egress), x.messages(to, event.RoleServer, event.Ingress),
			func(i int) string { return "GET " + path(i) + " HTTP/1.1\r\n" }},
		{"reply", x.messages(to, event.RoleServer, event.Egress), x.messages(from, event.RoleClient, event.Ingress),
			func(int) string { return "HTTP/1.1 200 OK\r\n" }},
	} {
		if len(way.written) != requests || len(way.read) != requests {
			x.fail("%s: want %d of each %s, got %d written, %d read", name, requests, way.what, len(way.written), len(way.read))
			continue
		}
		for i := range way.written {
			x.message(fmt.Sprintf("%s: %s %d", name, way.what, i), &way.written[i], &way.read[i], way.text(i))
		}
	}
}

func (x *examiner) message(name string, written, read *message, text string) {
	if written.Seq != read.Seq || written.total != read.total {
		x.fail("%s: written at %d+%d, read at %d+%d", name, written.Seq, written.total, read.Seq, read.total)
	}
	if written.Enter > written.Exit || written.Enter > read.Exit {
		x.fail("%s: written %d to %d, read by %d", name, written.Enter, written.Exit, read.Exit)
	}
	for _, m := range []*message{written, read} {
		if want := min(m.total, x.Case.CaptureSize); uint32(len(m.Payload)) != want {
			x.fail("%s: want %d bytes captured, got %d", name, want, len(m.Payload))
		}
		if !bytes.HasPrefix(m.Payload, []byte(text)) {
			x.fail("%s: got %.40q", name, m.Payload)
		}
	}
}

// causes: in the relay, the request leads to the call and the call's reply to the
// relay's own, and the loop's turns are counted.
func (x *examiner) causes() {
	pid := x.relay.pid
	in, out := x.messages(pid, event.RoleServer, event.Ingress), x.messages(pid, event.RoleServer, event.Egress)
	call, answer := x.messages(pid, event.RoleClient, event.Egress), x.messages(pid, event.RoleClient, event.Ingress)
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
		x.handoff(fmt.Sprintf("call %d", i), &call[i], in[i].last, requestRead, edgeFutex)
		x.handoff(fmt.Sprintf("reply %d", i), &out[i], answer[i].last, replyOfCall, edgeFD, edgeFDRead)
	}
	x.Requests = n
}

// handoff: m carries that the I/O at `source` was handed to its thread.
func (x *examiner) handoff(name string, m *message, source event.Point, kind uint8, edges ...uint8) {
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
	for _, m := range x.messages(x.server.pid, event.RoleServer, event.Egress) {
		ids[[2]uint64{m.At.Goid, m.At.GoidParent}] = true
	}
	if len(ids) != 1 || ids[[2]uint64{}] {
		x.fail("goroutines of the server: %v", ids)
	}
}
