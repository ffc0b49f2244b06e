package tailhook

import (
	"github.com/cespare/xxhash/v2"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/settle"
)

const (
	// maxEdges bounds the kinds of calls that are learned.
	maxEdges = 10_000
	// maxKinds bounds the kinds of traces that a shard learns to trust.
	maxKinds = 10_000
	// lessonsPerTick bounds the traces that a shard decodes to learn from them.
	lessonsPerTick = 20
)

// serviceHash tells services apart.
func serviceHash(rs ptrace.ResourceSpans) uint64 {
	return textHash(rs.Resource().Attributes(), "service.name")
}

// textHash hashes a string attribute; 0 if there is none.
func textHash(a pcommon.Map, key string) uint64 {
	if v, ok := a.Get(key); ok {
		return xxhash.Sum64String(v.Str())
	}
	return 0
}

// edgeKey tells kinds of calls apart: by caller, name and, as names of calls are
// often no more than a method, by who is called.
func edgeKey(service uint64, span ptrace.Span) uint64 {
	h := service*31 + uint64(span.Kind())
	h = h*31 + xxhash.Sum64String(span.Name())
	for _, key := range [...]string{"server.address", "peer.service", "messaging.destination.name"} {
		h = h*31 + textHash(span.Attributes(), key)
	}
	return h
}

// study learns from a trace that waited as long as it could, and is whole as far
// as anybody can tell, which of its calls have peers.
func (s *shard) study(slot uint32, why settle.Reason) {
	if s.hook.edges == nil || s.lessons == 0 || why != settle.DecisionWait && why != settle.Quiet {
		return
	}
	t := &s.traces.slots[slot]
	if t.omitted.spans > 0 || t.progress.Root == 0 {
		return
	}
	s.lessons--
	learn(s.hook.edges, s.decode(slot))
}

func learn(e *settle.Edges, td ptrace.Traces) {
	answered := map[pcommon.SpanID]bool{}
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				if k := s.Kind(); k == ptrace.SpanKindServer || k == ptrace.SpanKindConsumer {
					answered[s.ParentSpanID()] = true
				}
			}
		}
	}
	for _, rs := range td.ResourceSpans().All() {
		service := serviceHash(rs)
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				if k := s.Kind(); k == ptrace.SpanKindClient || k == ptrace.SpanKindProducer {
					e.Learn(edgeKey(service, s), answered[s.SpanID()])
				}
			}
		}
	}
}
