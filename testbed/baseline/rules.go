package baseline

import (
	"net/netip"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/testbed/score"
)

// Rule is a re-implementation of a published rule.
type Rule struct {
	Name, About string
	link        func(p *process, parents []int)
	join        bool // joins processes by TCP position
}

// Rules returns every rule.
func Rules() []Rule {
	return []Rule{
		{Name: "deepflow-thread", About: "re-implementation of DeepFlow's thread trace id: what a thread reads sets an id, what it writes next takes it; ids chain calls in both directions", link: deepflow},
		{Name: "deepflow-cover", About: "the same, a link being dropped unless the request covers the call in time", link: covered},
		{Name: "deepflow-full", About: "the same, with X-Request-ID for calls still without a request, and processes joined by TCP position", link: withRequestID, join: true},
		{Name: "obi-generic", About: "re-implementation of OBI's generic rule: the request open on the thread, else on the threads that created it, up to five", link: obi},
		{Name: "fcfs", About: "first come, first served: the oldest open request that has not made this call yet", link: fcfs},
		{Name: "last-open", About: "the open request that arrived last", link: lastOpen},
	}
}

// Link returns, for each span, the place of its parent according to r, or
// score.NoParent.
func (r Rule) Link(spans []Span) []int {
	parents := make([]int, len(spans))
	for i := range parents {
		parents[i] = score.NoParent
	}
	for _, p := range processes(spans) {
		r.link(p, parents)
	}
	if r.join {
		joinBySequence(spans, parents)
	}
	return parents
}

// chain is one thread trace id: the message that set it and the one that took it.
type chain struct{ set, taken *event }

// chains returns the ids of p by the message that set and that took them.
func (p *process) chains() (bySet, byTaken map[*evidence.Message]chain) {
	bySet, byTaken = map[*evidence.Message]chain{}, map[*evidence.Message]chain{}
	pending := map[uint32]*event{}
	events := p.events()
	for i := range events {
		e := &events[i]
		if e.kind == evidence.ServerRead || e.kind == evidence.ClientRead {
			pending[e.msg.TID] = e
			continue
		}
		if set := pending[e.msg.TID]; set != nil {
			c := chain{set, e}
			bySet[set.msg], byTaken[e.msg] = c, c
			delete(pending, e.msg.TID)
		}
	}
	return bySet, byTaken
}

func deepflow(p *process, parents []int) {
	bySet, byTaken := p.chains()
	for _, call := range p.outgoing {
		at := call
		for range len(p.outgoing) { // back: who set the id that this call took
			c, ok := byTaken[&p.spans[at].Evidence.Request]
			if !ok {
				break
			}
			if at = c.set.span; c.set.kind == evidence.ServerRead {
				parents[call] = at
				break
			}
		}
		at = call
		for range len(p.outgoing) { // forward: who took the id that its reply set
			c, ok := bySet[&p.spans[at].Evidence.Response]
			if !ok || parents[call] != score.NoParent {
				break
			}
			if at = c.taken.span; c.taken.kind == evidence.ServerWrite {
				parents[call] = at
			}
		}
	}
}

func covered(p *process, parents []int) {
	deepflow(p, parents)
	for _, call := range p.outgoing {
		if parent := parents[call]; parent != score.NoParent && !p.covers(parent, call) {
			parents[call] = score.NoParent
		}
	}
}

func withRequestID(p *process, parents []int) {
	covered(p, parents)
	byID := map[string]int{}
	for _, i := range p.incoming {
		if id := p.spans[i].RequestID; id != "" {
			byID[id] = i
		}
	}
	for _, call := range p.outgoing {
		if owner, ok := byID[p.spans[call].RequestID]; ok && parents[call] == score.NoParent {
			parents[call] = owner
		}
	}
}

// maxClones is how many creators OBI's rule asks for their request.
const maxClones = 5

// obiState is what OBI's rule keeps of each thread.
type obiState struct {
	current map[uint32]int // request being served
	reader  map[int]uint32 // thread that read a request
	creator map[uint32]uint32
}

func obi(p *process, parents []int) {
	st := obiState{current: map[uint32]int{}, reader: map[int]uint32{}, creator: map[uint32]uint32{}}
	for _, e := range p.events() {
		for _, h := range e.msg.Handoffs {
			if h.Edge == evidence.Clone {
				st.creator[e.msg.TID] = h.WakerTID
			}
		}
		st.see(e, parents)
	}
}

// invalid marks a thread that read a second request before it answered the first.
const invalid = -2

func (st *obiState) see(e event, parents []int) {
	tid := e.msg.TID
	switch e.kind {
	case evidence.ServerRead:
		st.reader[e.span] = tid
		if _, busy := st.current[tid]; busy {
			st.current[tid] = invalid
			return
		}
		st.current[tid] = e.span
	case evidence.ServerWrite:
		// The entry of the thread that read this request goes, whosever it is now.
		delete(st.current, st.reader[e.span])
	case evidence.ClientWrite:
		if request, ok := st.find(tid); ok {
			parents[e.span] = request
		}
	}
}

func (st *obiState) find(tid uint32) (int, bool) {
	for range maxClones + 1 {
		if request, ok := st.current[tid]; ok {
			return request, request != invalid
		}
		creator, ok := st.creator[tid]
		if !ok {
			return 0, false
		}
		tid = creator
	}
	return 0, false
}

// made names a kind of call of one request.
type made struct {
	request int
	peer    netip.AddrPort
	what    string
}

func fcfs(p *process, parents []int) {
	done := map[made]int{}
	p.eachOpen(func(call int, open []int) {
		best, fewest := score.NoParent, 0
		for _, request := range open { // oldest first
			n := done[p.kind(request, call)]
			if best == score.NoParent || n < fewest {
				best, fewest = request, n
			}
		}
		if parents[call] = best; best != score.NoParent {
			done[p.kind(best, call)]++
		}
	})
}

func (p *process) kind(request, call int) made {
	return made{request, p.spans[call].Peer, p.spans[call].Operation}
}

func lastOpen(p *process, parents []int) {
	p.eachOpen(func(call int, open []int) {
		if len(open) > 0 {
			parents[call] = open[len(open)-1]
		}
	})
}

// eachOpen calls f for every call with the requests that are open when it
// begins, the oldest first.
func (p *process) eachOpen(f func(call int, open []int)) {
	var open []int
	next := 0
	for _, call := range p.outgoing {
		for next < len(p.incoming) && p.spans[p.incoming[next]].Start <= p.spans[call].Start {
			open = append(open, p.incoming[next])
			next++
		}
		kept := open[:0]
		var now []int
		for _, request := range open {
			e := &p.spans[request].Evidence
			if e.Response.Start == 0 || p.spans[call].Start <= e.Response.Start {
				kept = append(kept, request)
				if p.open(request, call) {
					now = append(now, request)
				}
			}
		}
		open = kept
		f(call, now)
	}
}

// position names a request by the byte it begins with.
type position struct {
	from, to netip.AddrPort
	seq      uint32
}

func joinBySequence(spans []Span, parents []int) {
	calls := map[position]int{}
	for i := range spans {
		if s := &spans[i]; s.Has && s.Outgoing() {
			calls[position{s.Local, s.Peer, s.Evidence.Request.Seq}] = i
		}
	}
	for i := range spans {
		s := &spans[i]
		if !s.Has || !s.Incoming() {
			continue
		}
		if call, ok := calls[position{s.Peer, s.Local, s.Evidence.Request.Seq}]; ok {
			parents[i] = call
		}
	}
}
