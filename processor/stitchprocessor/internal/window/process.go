package window

import "slices"

// Process is the window of one process instance. Time bounds nothing here: the
// caller removes what is too old or too much.
type Process struct {
	// Owner is the caller's own handle on the process.
	Owner any
	// Watermark: every server span that began before it has been added. Unix ns.
	Watermark int64
	// Unawaited counts messages that a node could not wait for, since it waits for too many.
	// The owner reads and resets it.
	Unawaited int

	messages lanes
	awaiting map[uint64][]*Node // by the thread and ordinal that they wait for
	servers  series             // by start
	calls    series             // undecided ones, by start
	ripening series             // the same, by when they are ripe

	serversOf, callsOf map[uint64][]*Node   // by goroutine
	readBy             map[uint32][]*Node   // requests by thread, if that has no event loop
	traces             map[[16]byte][]*Node // by contexts on the wire
	requestIDs         map[string][]*Node   // requests by what proxies pass on
	nodes              int
	memory             memory
}

// New returns an empty window.
func New() *Process {
	return &Process{
		messages: lanes{of: map[uint32]*lane{}}, awaiting: map[uint64][]*Node{},
		serversOf: map[uint64][]*Node{}, callsOf: map[uint64][]*Node{}, readBy: map[uint32][]*Node{},
		traces: map[[16]byte][]*Node{}, requestIDs: map[string][]*Node{},
	}
}

// Len is the number of nodes.
func (p *Process) Len() int { return p.nodes }

// Add takes n into the window. It returns the nodes that awaited one of its
// messages, oldest first.
func (p *Process) Add(n *Node) []*Node {
	n.Process, n.indexed = p, true
	p.nodes++
	if n.Lossy && !p.paired(n) {
		n.Response.disown()
	}
	var awakened []*Node
	for _, m := range [...]*Message{&n.Request, &n.Response} {
		if m.IO != 0 && m.TID != 0 {
			awakened = p.index(m, awakened)
		}
	}
	if n.Server {
		p.addServer(n)
	} else {
		n.until = n.End
		p.calls.insert(n.Start(), n)
		p.ripening.insert(n.until, n)
		addTo(p.callsOf, n.Request.Goid, n)
	}
	for _, c := range n.Contexts() {
		if same := p.traces[c.Trace]; len(same) == 0 || same[len(same)-1] != n {
			addTo(p.traces, c.Trace, n)
		}
	}
	return awakened
}

// maxPaired bounds the I/O between request and response that is looked at.
const maxPaired = 256

// paired reports whether the response of a lossy node is its own for certain: one
// thread moved both messages, and nothing that it did between is missing. Else the
// records of its response and of the next request may have been lost, and this
// be the response to that.
func (p *Process) paired(n *Node) bool {
	in, out := &n.Request, &n.Response
	if in.TID != out.TID || in.IO == 0 || out.IO == 0 {
		return false
	}
	first := out.First()
	for io := in.Last() + 1; io != first; {
		m := p.messages.get(in.TID, io)
		if m == nil || io > first || io-in.Last() > maxPaired {
			return false
		}
		io = max(m.Last(), io) + 1
	}
	return true
}

func (p *Process) addServer(n *Node) {
	i := p.servers.insert(n.Start(), n)
	n.until = n.Answered()
	live := p.servers.live()
	if i > 0 {
		n.until = max(n.until, live[i-1].node.until)
	}
	for _, later := range live[i+1:] {
		if later.node.until >= n.until {
			break
		}
		later.node.until = n.until
	}
	if n.Request.Tick == 0 && !n.Request.Goroutine() {
		addTo(p.readBy, n.Request.TID, n)
	}
	addTo(p.requestIDs, n.RequestID(), n)
	addTo(p.serversOf, n.Request.Goid, n)
	if n.Response.Goid != n.Request.Goid {
		addTo(p.serversOf, n.Response.Goid, n)
	}
}

// Remove takes n out of the window, after which its Process is nil. A call that is
// undecided is forgotten, too.
func (p *Process) Remove(n *Node) {
	if !n.indexed {
		return
	}
	n.indexed = false
	p.nodes--
	p.unindex(&n.Request)
	p.unindex(&n.Response)
	for _, k := range n.awaited() {
		p.stopAwaiting(k, n)
	}
	if n.Server {
		p.servers.remove(n.Start(), n)
		dropFrom(p.requestIDs, n.RequestID(), n)
		dropFrom(p.readBy, n.Request.TID, n)
		dropFrom(p.serversOf, n.Request.Goid, n)
		dropFrom(p.serversOf, n.Response.Goid, n)
	} else {
		p.Resolve(n)
		dropFrom(p.callsOf, n.Request.Goid, n)
	}
	for _, c := range n.Contexts() {
		dropFrom(p.traces, c.Trace, n)
	}
	n.forget()
}

// Resolve takes a call off the undecided ones.
func (p *Process) Resolve(n *Node) {
	if n.resolved || n.Server {
		return
	}
	n.resolved = true
	p.calls.remove(n.Start(), n)
	p.ripening.remove(n.until, n)
}

// Ripe returns an undecided call that ended, or was postponed to a time, before t,
// or nil: the first one. If t is the watermark, every request that it can belong
// to is here.
func (p *Process) Ripe(t int64) *Node {
	if n := p.ripening.first(); n != nil && n.until < t {
		return n
	}
	return nil
}

// Postpone makes an undecided call ripe after t.
func (p *Process) Postpone(n *Node, t int64) {
	if n.resolved || !p.ripening.remove(n.until, n) {
		return
	}
	n.until = t
	p.ripening.insert(n.until, n)
}

// SoleUndecided reports whether n is the only undecided call that began between
// from and to, both included.
func (p *Process) SoleUndecided(n *Node, from, to int64) bool {
	live := p.calls.live()
	i := p.calls.from(from)
	return i < len(live) && live[i].node == n && (i+1 == len(live) || live[i+1].key > to)
}

// FirstUndecided returns the undecided call that began first among those that
// began between from and to, both included, or nil.
func (p *Process) FirstUndecided(from, to int64) *Node {
	live := p.calls.live()
	if i := p.calls.from(from); i < len(live) && live[i].key <= to {
		return live[i].node
	}
	return nil
}

// maxSteps bounds the search for requests at a time.
const maxSteps = 256

// Overlapping appends to dst the requests that were open at some time between
// from and to: begun by to and not answered before from. Latest start
// first. It reports false if there are more than limit, or too many to look at.
func (p *Process) Overlapping(dst []*Node, from, to int64, limit int) ([]*Node, bool) {
	live := p.servers.live()
	last := p.servers.from(to + 1)
	for i := last - 1; i >= 0 && live[i].node.until >= from; i-- {
		if last-i > maxSteps {
			return dst, false
		}
		if live[i].node.Answered() < from {
			continue
		}
		if len(dst) == limit {
			return dst, false
		}
		dst = append(dst, live[i].node)
	}
	return dst, true
}

// Covering appends to dst the requests that began by from and were not answered before
// to. Latest start first. It reports false if it would have to look at more requests
// than steps.
func (p *Process) Covering(dst []*Node, from, to int64, steps int) ([]*Node, bool) {
	live := p.servers.live()
	last := p.servers.from(from+1) - 1
	for i := last; i >= 0 && live[i].node.until >= to; i-- {
		if last-i >= steps {
			return dst, false
		}
		if live[i].node.Answered() >= to {
			dst = append(dst, live[i].node)
		}
	}
	return dst, true
}

// UndecidedWithin appends to dst the undecided calls that began from a time on and before
// another, at most so many.
func (p *Process) UndecidedWithin(dst []*Node, from, before int64, most int) []*Node {
	i, j := p.calls.from(from), p.calls.from(before)
	for _, c := range p.calls.live()[i:min(max(i, j), i+most)] {
		dst = append(dst, c.node)
	}
	return dst
}

// NearUndecided appends to dst the undecided calls that ask for the same as n and began
// next to it, at most so many on each side.
func (p *Process) NearUndecided(dst []*Node, n *Node, most int) []*Node {
	live := p.calls.live()
	at := p.calls.from(n.Start())
	for step := -1; step <= 1; step += 2 {
		found := 0
		for i := at + min(step, 0); i >= 0 && i < len(live) && found < most; i += step {
			if live[i].node != n && live[i].node.Operation == n.Operation {
				dst = append(dst, live[i].node)
				found++
			}
			if i-at > maxSteps || at-i > maxSteps {
				break
			}
		}
	}
	return dst
}

// LastRequests returns the request that began last before t and the one before that,
// or nil.
func (p *Process) LastRequests(t int64) (last, previous *Node) {
	live := p.servers.live()
	i := p.servers.from(t)
	if i > 0 {
		last = live[i-1].node
	}
	if i > 1 {
		previous = live[i-2].node
	}
	return last, previous
}

// Undecided returns how many undecided calls began from a time on and before another.
func (p *Process) Undecided(from, before int64) int {
	return max(p.calls.from(before)-p.calls.from(from), 0)
}

// ServersOf returns requests of which goroutine goid read the request or wrote the
// response, oldest arrival first. The slice is the window's.
func (p *Process) ServersOf(goid uint64) []*Node { return p.serversOf[goid] }

// ReadBy returns the requests that a thread without an event loop read, likewise.
func (p *Process) ReadBy(tid uint32) []*Node { return p.readBy[tid] }

// CallsOf returns calls whose request goroutine goid wrote, likewise.
func (p *Process) CallsOf(goid uint64) []*Node { return p.callsOf[goid] }

// OfTrace returns nodes with this trace id on the wire, likewise.
func (p *Process) OfTrace(id [16]byte) []*Node { return p.traces[id] }

// WithID returns requests that carried this request id, likewise.
func (p *Process) WithID(id string) []*Node { return p.requestIDs[id] }

func addTo[K comparable](m map[K][]*Node, k K, n *Node) {
	var zero K
	if k != zero {
		m[k] = append(m[k], n)
	}
}

func dropFrom[K comparable](m map[K][]*Node, k K, n *Node) {
	nodes := m[k]
	i := slices.Index(nodes, n)
	switch {
	case i < 0:
	case len(nodes) == 1:
		delete(m, k)
	case i == 0:
		nodes[0] = nil
		m[k] = nodes[1:]
	default:
		m[k] = slices.Delete(nodes, i, i+1)
	}
}
