package tailhook

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// part makes spans of one service: id, parent and kind each.
func part(trace int, service string, list ...[3]int) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", service)
	ss := rs.ScopeSpans().AppendEmpty()
	spanID := func(n int) pcommon.SpanID {
		if n == 0 {
			return pcommon.SpanID{}
		}
		return pcommon.SpanID{byte(trace), byte(trace >> 8), byte(n), 1}
	}
	for _, l := range list {
		s := ss.Spans().AppendEmpty()
		s.SetTraceID(id(trace))
		s.SetSpanID(spanID(l[0]))
		s.SetParentSpanID(spanID(l[1]))
		s.SetKind(ptrace.SpanKind(l[2]))
		s.Status().SetCode(ptrace.StatusCodeError)
	}
	return td
}

const (
	server = int(ptrace.SpanKindServer)
	client = int(ptrace.SpanKindClient)
)

func complete(c *Config) { c.CompleteWait = time.Second }

func TestATraceWithAllItsPeersIsComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{}
		r := start(t, next, complete)
		r.send(part(1, "a", [3]int{1, 0, server}, [3]int{2, 1, client}, [3]int{3, 1, client}))
		time.Sleep(3 * time.Second)
		r.send(part(1, "b", [3]int{4, 2, server}))
		time.Sleep(3 * time.Second)
		r.settle()
		assert.Zero(t, next.spans(), "a peer is missing")
		r.send(part(1, "c", [3]int{5, 3, server}))
		time.Sleep(1100 * time.Millisecond)
		r.settle()
		assert.Equal(t, 5, next.of(1))
		r.close()
		assert.Equal(t, int64(1), r.count("tailhook_traces_decided", "reason", "complete"))
	})
}

func TestATraceWithoutARootIsNotComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{}
		r := start(t, next, complete)
		r.send(part(1, "b", [3]int{2, 1, client}, [3]int{4, 2, server}))
		time.Sleep(5 * time.Second)
		r.settle()
		assert.Zero(t, next.spans())
		r.close()
	})
}

func TestCallsThatNeverHaveAPeerAreLearned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{}
		r := start(t, next, complete)
		call := func(n int) { r.send(part(n, "a", [3]int{1, 0, server}, [3]int{2, 1, client})) }
		call(0)
		time.Sleep(5 * time.Second)
		r.settle()
		assert.Zero(t, next.spans(), "nobody knows whether a peer will come")
		for n := range 100 {
			call(n + 1)
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(15 * time.Second)
		r.settle()
		assert.Equal(t, 202, next.spans())
		call(200)
		time.Sleep(1100 * time.Millisecond)
		r.settle()
		assert.Equal(t, 2, next.of(200), "now they do")

		// The peer gets tracing: its spans put traces out of balance until that is learned.
		both := func(n int) {
			call(n)
			time.Sleep(500 * time.Millisecond)
			r.send(part(n, "b", [3]int{3, 2, server}))
		}
		both(201)
		time.Sleep(5 * time.Second)
		r.settle()
		assert.Zero(t, next.of(201))
		for n := range 20 {
			both(300 + n)
		}
		time.Sleep(15 * time.Second)
		both(400)
		time.Sleep(1100 * time.Millisecond)
		r.settle()
		assert.Equal(t, 3, next.of(400))
		r.close()
	})
}

func TestCallsAreToldApartByWhoIsCalled(t *testing.T) {
	keys := map[uint64]bool{}
	for _, change := range []func(ptrace.Span){
		func(ptrace.Span) {},
		func(s ptrace.Span) { s.SetName("GET") },
		func(s ptrace.Span) { s.SetKind(ptrace.SpanKindProducer) },
		func(s ptrace.Span) { s.Attributes().PutStr("server.address", "db") },
		func(s ptrace.Span) { s.Attributes().PutStr("peer.service", "db") },
		func(s ptrace.Span) { s.Attributes().PutStr("messaging.destination.name", "db") },
	} {
		s := ptrace.NewSpan()
		change(s)
		keys[edgeKey(1, s)] = true
		keys[edgeKey(2, s)] = true
	}
	assert.Len(t, keys, 12)
}

func TestAKindOfTraceThatOnlySeemsCompleteIsNoLongerTrusted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &sink{}
		r := start(t, next, func(c *Config) { complete(c); c.NumShards = 1 })
		request := func(n int) {
			r.send(part(n, "a", [3]int{1, 0, server}))
			time.Sleep(3 * time.Second)
			r.send(part(n, "b", [3]int{2, 1, server})) // called without a client span
		}
		for n := range 20 {
			request(n + 1)
		}
		time.Sleep(15 * time.Second)
		r.close()
		assert.Equal(t, 40, next.spans())
		early := r.count("tailhook_traces_decided", "reason", "complete")
		assert.Equal(t, int64(3), early, "until three were late")
		assert.Equal(t, early, r.count("tailhook_late_spans"))
	})
}
