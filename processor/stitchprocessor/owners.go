package stitchprocessor

import (
	"container/list"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/join"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/solve"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// process returns what is known of a process instance, which may be nothing. The one
// not heard of for longest makes room.
func (s *shard) process(id instance, now int64) *process {
	if e := s.processes[id]; e != nil {
		s.recent.MoveToFront(e)
		p := e.Value.(*process)
		p.seen = now
		return p
	}
	if s.recent.Len() == s.limits.processes {
		s.counts.processes++
		s.evict(s.recent.Back())
	}
	p := &process{mind: newMind(s.solver, s.limits.apart), id: id, peer: join.NewProcess(id.host), seen: now, registry: s.registry}
	p.window.Owner = p
	s.processes[id] = s.recent.PushFront(p)
	return p
}

// nodesOf returns the nodes of a process, by arrival. It looks at those of all.
func (s *shard) nodesOf(p *process) (of []*window.Node) {
	if p.window.Len() == 0 {
		return nil
	}
	for n := range s.nodes.All() {
		if n.Process == p.window {
			of = append(of, n)
		}
	}
	return of
}

func (s *shard) owner(n *window.Node) *process { return n.Process.Owner.(*process) }

// evict forgets a process and all of its window. The shard's list still has its nodes,
// and skips them.
func (s *shard) evict(e *list.Element) {
	p := e.Value.(*process)
	for _, n := range s.nodesOf(p) {
		s.drop(n, solve.Evicted)
	}
	s.hush()
	s.countDrops(p)
	s.recent.Remove(e)
	delete(s.processes, p.id)
	s.registry.remove(p.names, p.peer)
}

// processIdle is after how long a process without spans in the window is forgotten, in
// ns. What was learned of it is worth keeping for a while.
const processIdle = int64(600e9)

// forgetIdle forgets processes that are gone, or do nothing.
func (s *shard) forgetIdle(now int64) {
	for e := s.recent.Back(); e != nil; e = s.recent.Back() {
		if p := e.Value.(*process); p.seen+processIdle > now || p.window.Len() > 0 {
			return
		}
		s.evict(e)
	}
}

// groupOf returns the resource and scope of a job. As long as they stay the same,
// so does the group.
func (p *process) groupOf(j *job) *join.Group {
	if g := p.group; g != nil && g.ResourceSchema == j.resource.SchemaUrl() && g.ScopeSchema == j.scope.SchemaUrl() &&
		g.Resource.Attributes().Equal(j.resource.Resource().Attributes()) && sameScope(g.Scope, j.scope.Scope()) {
		return g
	}
	if p.names == nil {
		p.names = names(j.resource.Resource())
		p.registry.add(p.names, p.peer)
	}
	p.group = groupOf(j.resource, j.scope)
	return p.group
}

func sameScope(a, b pcommon.InstrumentationScope) bool {
	return a.Name() == b.Name() && a.Version() == b.Version() && a.Attributes().Equal(b.Attributes())
}
