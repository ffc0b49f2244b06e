package link

import "github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"

// backlog finds the order of those who wait for a connection to a peer where it cannot be
// counted from the beginning: others waited before anything was seen. A queue keeps order,
// so what is taken out of it is always by the same number behind what is put in. By
// which number is told by the replies of requests, each of which names the request of a
// call: the right one explains all of them, however long a chain of calls was, and any
// other one soon does not.
type backlog struct {
	arrived    [maxBacklog]*window.Message // the latest that may wait, by place
	taken      [maxBacklog]*window.Node    // the latest calls of those who waited, likewise
	came, took int64
	shifts     []int64 // that explain the last replies
	run        int     // how many these are
}

const (
	// maxBacklog bounds what is remembered of a queue, and how many may have waited before.
	maxBacklog = 1024
	// maxBacklogs bounds the peers of a loop for which that is done.
	maxBacklogs = 16
	// explained is how many replies in a row a shift has to explain, as the only one.
	explained = 16
	// maxExplained bounds the calls of one request that are walked for that.
	maxExplained = 16
)

func (b *backlog) arrive(m *window.Message) {
	b.arrived[b.came%maxBacklog] = m
	b.came++
}

// take notes that a call was the next one, and returns what it waited after, or nil if
// that is not known.
func (b *backlog) take(call *window.Node) *window.Message {
	call.Turned().Taken = b.took
	b.taken[b.took%maxBacklog] = call
	b.took++
	if !b.known() {
		return nil
	}
	return b.source(call, b.shifts[0])
}

func (b *backlog) known() bool { return b.run >= explained && len(b.shifts) == 1 }

// has reports whether call has been taken out of this queue, not too long ago.
func (b *backlog) has(call *window.Node) bool { return b.taken[call.Turn().Taken%maxBacklog] == call }

// source returns what a call that was taken has waited after, if so many had waited
// before. Nil: it came before anything was seen, or too long ago.
func (b *backlog) source(call *window.Node, shift int64) *window.Message {
	place := call.Turn().Taken - shift
	if place < 0 || place >= b.came || place < b.came-maxBacklog {
		return nil
	}
	if m := b.arrived[place%maxBacklog]; m.Node.Process != nil {
		return m
	}
	return nil
}

// request returns the request that a call is for if so many had waited before, or nil, and
// whether that depends on it.
func (b *backlog) request(call *window.Node, shift int64) (r *window.Node, depends bool) {
	for range maxExplained {
		turn := call.Turn()
		switch {
		case b.has(call):
			m := b.source(call, shift)
			if m == nil || m.Node.Server {
				return nodeOf(m), true
			}
			call, depends = m.Node, true
		case turn.Previous[0] != nil:
			call = turn.Previous[0]
		default:
			return turn.Labels[0], depends
		}
	}
	return nil, depends
}

func nodeOf(m *window.Message) *window.Node {
	if m == nil {
		return nil
	}
	return m.Node
}

// replied takes the request that the reply to a call led to a reply of. It reports whether
// it is known since then how many had waited.
func (b *backlog) replied(call, request *window.Node) bool {
	if _, depends := b.request(call, 0); !depends {
		return false
	}
	was := b.known()
	if len(b.shifts) == 0 {
		b.begin(call, request)
		return false
	}
	told := false
	left := b.shifts[:0]
	for _, s := range b.shifts {
		r, _ := b.request(call, s)
		if r == nil || r == request {
			left = append(left, s)
		}
		told = told || r == request
	}
	b.shifts = left
	switch {
	case len(left) == 0:
		b.run = 0
	case told:
		b.run++
	}
	return b.known() && !was
}

// begin looks for all shifts that explain a reply.
func (b *backlog) begin(call, request *window.Node) {
	for s := int64(0); s < min(b.took, maxBacklog); s++ {
		if r, _ := b.request(call, s); r == request {
			b.shifts = append(b.shifts, s)
		}
	}
	b.run = min(len(b.shifts), 1)
}

// forget is for a queue of which something was missed: its numbers may have changed.
func (b *backlog) forget() { b.shifts, b.run = b.shifts[:0], 0 }

// each calls label with the calls that were taken, oldest first, and what they waited after.
func (b *backlog) each(label func(from, call *window.Node)) {
	for place := max(0, b.took-maxBacklog); place < b.took; place++ {
		call := b.taken[place%maxBacklog]
		if call.Process == nil {
			continue
		}
		if m := b.source(call, b.shifts[0]); m != nil {
			label(m.Node, call)
		}
	}
}
