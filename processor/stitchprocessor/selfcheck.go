package stitchprocessor

import (
	"slices"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/link"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/solve"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// The self-check: as soon as a process is seen to pass on what its requests carry, its
// spans go to a second mind as well, without that. The two share no window, no habits,
// no decision. When a call leaves whose parent is known by what it carried, the second
// mind's answer is compared.

// outcome is how a blind decision compares with the certain one.
type outcome uint8

const (
	checkRight outcome = iota
	checkWrong
	checkAbstained
	outcomes
)

var outcomeNames = [outcomes]string{"right", "wrong", "abstained"}

// checked counts outcomes by service. See serviceOf.
type checked map[string]*[outcomes]int

// other stands for all services that find no room.
const other = "other"

// checkIdle is after how long without a call that carried anything a process is no
// longer decided blind, ns.
const checkIdle = int64(60e9)

// look lets the blind mind of a process have its new nodes. It is made when the first
// call carries something, and begins with all that is in the window.
func (s *shard) look(p *process, fresh []*window.Node, now int64) {
	if passesOn(fresh) {
		p.carried = now
		if p.blind == nil && s.limits.check {
			p.blind = newBlind(s, p)
			fresh = s.nodesOf(p)
		}
	}
	if p.blind == nil {
		return
	}
	if p.carried+checkIdle < now {
		p.blind = nil
		return
	}
	twins := make([]*window.Node, len(fresh))
	for i, n := range fresh {
		twins[i] = n.Blind()
		if carries(n) {
			twins[i].Ref, _ = sole(p.window, n)
		}
		p.blind.meet(twins[i])
	}
	p.blind.consider(twins)
}

func newBlind(s *shard, p *process) *mind {
	m := newMind(s.blind, s.limits.apart)
	m.window.Owner, m.window.Watermark = p, p.window.Watermark
	return &m
}

// passesOn reports whether a call among nodes passes on what a request may have carried.
func passesOn(nodes []*window.Node) bool { return slices.ContainsFunc(nodes, carries) }

func carries(n *window.Node) bool {
	return !n.Server && n.Carried != nil
}

// decidedBlind takes the decisions of blind minds. They stay on the nodes.
func (s *shard) decidedBlind(d solve.Decision) {
	if p := s.owner(d.Call); d.Verdict == solve.Link && p.blind != nil {
		p.blind.linker.Decided(d.Call)
	}
}

// judge compares the blind decision on a call that is about to leave the window, and
// takes the blind node out of its own.
func (s *shard) judge(p *process, n *window.Node, cause solve.Cause) {
	t := n.Twin
	if t == nil || t.Process == nil {
		return
	}
	if p.blind != nil && p.blind.window == t.Process {
		p.blind.last(t, cause)
	}
	if r := certain(p.window, n); r != nil && r.Twin != nil {
		s.count(p, compare(t, r.Twin))
	}
	t.Process.Remove(t)
}

func compare(t, parent *window.Node) outcome {
	switch {
	case t.State != window.Linked:
		return checkAbstained
	case t.Parent == parent:
		return checkRight
	}
	return checkWrong
}

// certain returns the request that a call belongs to by what it carried, or nil: the one
// that a context or a request id has linked it to, or the only one of its trace, as
// the calls of an SDK have one, under a span id of their own.
func certain(w *window.Process, call *window.Node) *window.Node {
	if call.Server {
		return nil
	}
	if call.State == window.Linked && link.Describe(call.Kind).Class == link.Identity {
		return call.Parent
	}
	// Those that came before the call have left by now, and are remembered.
	first, _ := call.Twin.Ref.(*window.Node)
	later, one := sole(w, call)
	switch {
	case !one || first == call || first != nil && later != nil && first != later:
		return nil
	case first == nil:
		first = later
	}
	if first == nil || first.Start() > call.Start() {
		return nil
	}
	return first
}

// sole returns the only request in the window of the trace of a call, nil if there is
// none. If there are several it returns the call itself and false.
func sole(w *window.Process, call *window.Node) (request *window.Node, one bool) {
	if len(call.Contexts()) == 0 {
		return nil, true
	}
	for _, n := range w.OfTrace(call.Contexts()[0].Trace) {
		if n.Server && request != nil {
			return call, false
		}
		if n.Server {
			request = n
		}
	}
	return request, true
}

// count takes an outcome. There are as many services as processes at most, until the
// counts are read.
func (s *shard) count(p *process, o outcome) {
	name := serviceOf(p)
	c := s.checked[name]
	if c == nil {
		if len(s.checked) >= s.limits.processes {
			name = other
		}
		c = &[outcomes]int{}
		s.checked[name] = c
	}
	c[o]++
}

// serviceOf is the name of the service that a process is one of, as its resource says.
func serviceOf(p *process) string {
	if v, ok := p.group.Resource.Attributes().Get(keyService); ok && v.Str() != "" {
		return v.Str()
	}
	return "unknown_service"
}
