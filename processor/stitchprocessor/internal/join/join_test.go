package join_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/goleak"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/join"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = int64(time.Millisecond)

// rig is an assembler with a clock and what came out of it.
type rig struct {
	*join.Assembler
	t         testing.TB
	now       int64
	processes map[string]*join.Process
	out       map[byte]out
	batches   []int
}

type out struct {
	trace, parent byte // first byte of the ids
	method        string
	confidence    float64
	settled       bool
	links         int
	span          ptrace.Span
	service       string
	batch         int
}

func newRig(t testing.TB, change func(*join.Config)) *rig {
	c := join.Config{
		MaxWait: 10_000 * ms, SettleDelay: 100 * ms, PeerWait: 1000 * ms,
		MaxSpans: 100, MaxTrace: 50, MaxDepth: 8, BatchSize: 1000,
	}
	if change != nil {
		change(&c)
	}
	r := &rig{t: t, processes: map[string]*join.Process{}, out: map[byte]out{}}
	r.Assembler = join.New(c, r.take)
	return r
}

func (r *rig) take(td ptrace.Traces) {
	r.batches = append(r.batches, td.SpanCount())
	for _, rs := range td.ResourceSpans().All() {
		service, _ := rs.Resource().Attributes().Get("service.name")
		for _, ss := range rs.ScopeSpans().All() {
			assert.Equal(r.t, "scope of "+service.Str(), ss.Scope().Name())
			assert.Equal(r.t, "https://scope", ss.SchemaUrl())
			assert.Equal(r.t, "https://resource", rs.SchemaUrl())
			for _, s := range ss.Spans().All() {
				o := out{trace: s.TraceID()[0], parent: s.ParentSpanID()[0], links: s.Links().Len(), span: s, service: service.Str(), batch: len(r.batches)}
				if v, ok := s.Attributes().Get("stitch.method"); ok {
					o.method = v.Str()
				}
				if v, ok := s.Attributes().Get("stitch.confidence"); ok {
					o.confidence = v.Double()
				}
				if v, ok := s.Attributes().Get("stitch.settled"); ok {
					o.settled = v.Bool()
				}
				_, twice := r.out[s.SpanID()[0]]
				require.False(r.t, twice, "a span came out twice")
				r.out[s.SpanID()[0]] = o
			}
		}
	}
}

// pass lets time pass in ticks.
func (r *rig) pass(d time.Duration) {
	for end := r.now + int64(d); r.now < end; {
		r.now = min(r.now+20*ms, end)
		r.Tick(r.now)
	}
}

func (r *rig) process(name string) *join.Process {
	if r.processes[name] == nil {
		r.processes[name] = join.NewProcess("host")
	}
	return r.processes[name]
}

// add adds a span with this id and own trace id. It takes from 10 to 90 ms on the
// connection with this number, which has its server in the process "server".
func (r *rig) add(id byte, server bool, process string, conn uint16, change func(*join.Span)) *join.Span {
	s := r.span(id, server, process, conn, change)
	r.Add(s, r.now)
	return s
}

func (r *rig) span(id byte, server bool, process string, conn uint16, change func(*join.Span)) *join.Span {
	g := &join.Group{Resource: pcommon.NewResource(), ResourceSchema: "https://resource", Scope: pcommon.NewInstrumentationScope(), ScopeSchema: "https://scope"}
	g.Resource.Attributes().PutStr("service.name", process)
	g.Scope.SetName("scope of " + process)
	s := &join.Span{
		Data: ptrace.NewSpan(), Group: g, Process: r.process(process), Server: server,
		Start: 10 * ms, End: 90 * ms, Arrived: r.now, Seq: 7,
	}
	client, srv := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), 40000+conn), netip.MustParseAddrPort("127.0.0.1:80")
	if conn == 0 {
		client, srv = netip.AddrPort{}, netip.AddrPort{}
	}
	s.Local, s.Peer = client, srv
	if server {
		s.Local, s.Peer = srv, client
	}
	if change != nil {
		change(s)
	}
	s.Data.SetSpanID(pcommon.SpanID{id})
	s.Data.SetTraceID(pcommon.TraceID{id})
	if !s.WireTrace.IsEmpty() {
		s.Data.SetTraceID(s.WireTrace)
		s.Data.SetParentSpanID(s.WireParent)
	}
	return s
}

// wire puts a context on a request.
func wire(trace, parent byte) func(*join.Span) {
	return func(s *join.Span) {
		s.WireTrace, s.WireParent = pcommon.TraceID{trace}, pcommon.SpanID{parent}
	}
}

func TestTheTwoEndsOfAConnectionAreJoined(t *testing.T) {
	for _, clientFirst := range []bool{true, false} {
		r := newRig(t, nil)
		add := map[bool]func() *join.Span{
			true:  func() *join.Span { return r.add(1, false, "caller", 5, nil) },
			false: func() *join.Span { return r.add(2, true, "server", 5, nil) },
		}
		a, b := add[clientFirst](), add[!clientFirst]()
		client, server := a, b
		if !clientFirst {
			client, server = b, a
		}
		r.Alone(client)
		r.Quiet(server)
		r.pass(90 * time.Millisecond)
		assert.Empty(t, r.out, "it waits for a moment")
		r.pass(40 * time.Millisecond)
		require.Len(t, r.out, 2)
		assert.Equal(t, byte(1), r.out[2].parent)
		assert.Equal(t, byte(1), r.out[2].trace, "the root gives the trace id")
		assert.Equal(t, "tcp", r.out[2].method)
		assert.Equal(t, 1.0, r.out[2].confidence)
		assert.True(t, r.out[1].settled)
		assert.False(t, r.out[2].settled)
		assert.Empty(t, r.out[1].method)
		assert.Equal(t, []int{2}, r.batches, "a trace leaves in one batch")
		assert.Equal(t, "caller", r.out[1].service)
		assert.Equal(t, 1, r.Counts.Joins[join.OneHost])
	}
}

func TestWhatIsNoPairIsNotJoined(t *testing.T) {
	for name, change := range map[string]func(*join.Span){
		"another position":               func(s *join.Span) { s.Seq++ },
		"another host":                   func(s *join.Span) { s.Process = join.NewProcess("other") },
		"another port":                   func(s *join.Span) { s.Peer = netip.MustParseAddrPort("127.0.0.1:41111") },
		"a server that began before":     func(s *join.Span) { s.Start = 8 * ms },
		"a server that began much later": func(s *join.Span) { s.Start = 92 * ms },
		"no addresses":                   func(s *join.Span) { s.Local = netip.AddrPort{} },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			client := r.add(1, false, "caller", 5, nil)
			server := r.add(2, true, "server", 5, change)
			r.Alone(client)
			r.Quiet(server)
			r.pass(2 * time.Second)
			assert.Equal(t, byte(0), r.out[2].parent)
			assert.Equal(t, byte(2), r.out[2].trace)
			assert.True(t, r.out[2].settled)
		})
	}
	t.Run("clocks may differ a little", func(t *testing.T) {
		r := newRig(t, nil)
		r.add(1, false, "caller", 5, nil)
		r.add(2, true, "server", 5, func(s *join.Span) { s.Start = 10*ms - 500_000 })
		assert.Equal(t, 1, r.Counts.Joins[join.OneHost])
	})
}

func TestChainsBecomeOneTrace(t *testing.T) {
	// 1 serves, calls 2; 3 is its other end, calls 4 and 5; 6 is the other end of 5.
	r := newRig(t, nil)
	s6 := r.add(6, true, "store", 7, nil)
	c5 := r.add(5, false, "service", 7, nil)
	c4 := r.add(4, false, "service", 0, nil)
	s3 := r.add(3, true, "service", 6, nil)
	c2 := r.add(2, false, "front", 6, nil)
	s1 := r.add(1, true, "front", 0, nil)
	r.Linked(c5, s3, "thread", 0.99, join.Witnessed)
	r.Linked(c2, s1, "reply", 0.98, join.Witnessed)
	r.Linked(c4, s3, "thread", 0.97, join.Witnessed)
	for _, s := range []*join.Span{s6, s3} {
		r.Quiet(s)
	}
	r.pass(time.Second)
	assert.Empty(t, r.out, "the root is not quiet")
	r.Quiet(s1)
	r.pass(time.Second)
	require.Len(t, r.out, 6)
	parents := map[byte]byte{}
	for id, o := range r.out {
		assert.Equal(t, byte(1), o.trace)
		assert.Equal(t, id == 1, o.settled)
		parents[id] = o.parent
	}
	assert.Equal(t, map[byte]byte{1: 0, 2: 1, 3: 2, 4: 3, 5: 3, 6: 5}, parents)
	assert.Equal(t, 0.97, r.out[4].confidence)
	assert.Len(t, r.batches, 1)
	assert.Equal(t, 6, r.Counts.Spans[join.Settled])
	assert.Equal(t, 1, r.Counts.Traces[join.Settled])
	assert.Zero(t, r.Held())
}

func TestContextsOnTheWire(t *testing.T) {
	t.Run("name the parent of a span without a peer", func(t *testing.T) {
		r := newRig(t, nil)
		r.Quiet(r.add(1, true, "server", 0, wire(9, 8)))
		r.pass(time.Second)
		assert.Equal(t, out{trace: 9, parent: 8, method: "context", confidence: 1, settled: true, span: r.out[1].span, service: "server", batch: 1}, r.out[1])
	})
	t.Run("give way to the kernel's own view of the caller", func(t *testing.T) {
		r := newRig(t, nil)
		c, s := r.add(1, false, "caller", 5, wire(9, 8)), r.add(2, true, "server", 5, wire(9, 8))
		r.Alone(c)
		r.Quiet(s)
		r.pass(time.Second)
		assert.Equal(t, byte(8), r.out[1].parent, "the SDK's span")
		assert.Equal(t, "context", r.out[1].method)
		assert.Equal(t, byte(1), r.out[2].parent)
		assert.Equal(t, "tcp", r.out[2].method)
		assert.Equal(t, byte(9), r.out[2].trace)
	})
	t.Run("give the whole tree its trace id", func(t *testing.T) {
		r := newRig(t, nil)
		s := r.add(1, true, "server", 0, nil)
		c := r.add(2, false, "server", 5, wire(9, 8))
		r.Linked(c, s, "thread", 0.99, join.Witnessed)
		r.Quiet(s)
		r.pass(time.Second)
		assert.Equal(t, byte(9), r.out[1].trace)
		assert.Equal(t, byte(8), r.out[2].parent, "the caller's own words stay")
		assert.Equal(t, "context", r.out[2].method)
		assert.Len(t, r.batches, 1)
	})
	t.Run("that are handed on unchanged make the request the parent", func(t *testing.T) {
		r := newRig(t, nil)
		s, c := r.add(1, true, "proxy", 0, wire(9, 8)), r.add(2, false, "proxy", 0, wire(9, 8))
		r.Linked(c, s, "context", 1, join.Named)
		r.Quiet(s)
		r.pass(time.Second)
		assert.Equal(t, byte(1), r.out[2].parent)
		assert.Equal(t, byte(8), r.out[1].parent)
	})
}

func TestContextsAndTrees(t *testing.T) {
	t.Run("different traces do not mix", func(t *testing.T) {
		r := newRig(t, nil)
		s := r.add(1, true, "server", 0, nil)
		a, b := r.add(2, false, "server", 0, wire(9, 8)), r.add(3, false, "server", 0, wire(7, 6))
		r.Linked(a, s, "thread", 0.99, join.Witnessed)
		r.Linked(b, s, "thread", 0.99, join.Witnessed)
		r.Quiet(s)
		r.pass(time.Second)
		assert.Equal(t, byte(9), r.out[1].trace)
		assert.Equal(t, byte(7), r.out[3].trace)
		assert.Equal(t, 1, r.Counts.Rejected[join.Trace])
	})
	t.Run("what only one end saw holds for both", func(t *testing.T) {
		r := newRig(t, nil)
		c, s := r.add(1, false, "caller", 5, nil), r.add(2, true, "server", 5, wire(9, 8))
		r.Alone(c)
		r.Quiet(s)
		r.pass(time.Second)
		assert.Equal(t, byte(8), r.out[1].parent)
		assert.Equal(t, byte(9), r.out[1].trace)
		assert.Equal(t, byte(1), r.out[2].parent)
	})
}

func TestHiddenSpansHandTheirChildrenOn(t *testing.T) {
	hide := func(s *join.Span) { s.Hidden = true }
	t.Run("to their parent", func(t *testing.T) {
		r := newRig(t, nil)
		s1, c2, s3, c4 := r.add(1, true, "a", 0, nil), r.add(2, false, "a", 5, hide), r.add(3, true, "b", 5, hide), r.add(4, false, "b", 0, nil)
		r.Linked(c2, s1, "thread", 0.99, join.Witnessed)
		r.Linked(c4, s3, "thread", 0.99, join.Witnessed)
		r.Quiet(s1)
		r.Quiet(s3)
		r.pass(time.Second)
		require.Len(t, r.out, 2)
		assert.Equal(t, byte(1), r.out[4].parent)
		assert.Equal(t, byte(1), r.out[4].trace)
		assert.Equal(t, 2, r.Counts.Hidden)
		late := r.add(5, false, "b", 0, nil)
		r.Linked(late, s3, "thread", 0.99, join.Witnessed)
		r.pass(time.Second)
		assert.Equal(t, byte(1), r.out[5].parent, "even late ones")
		assert.Equal(t, byte(1), r.out[5].trace)
	})
	t.Run("or leave them without one", func(t *testing.T) {
		r := newRig(t, nil)
		s1, c2 := r.add(1, true, "a", 0, hide), r.add(2, false, "a", 0, nil)
		r.Linked(c2, s1, "thread", 0.99, join.Witnessed)
		r.Quiet(s1)
		r.pass(time.Second)
		require.Len(t, r.out, 1)
		assert.Equal(t, byte(0), r.out[2].parent)
		assert.True(t, r.out[2].settled)
	})
	t.Run("or to the parent that the wire names", func(t *testing.T) {
		r := newRig(t, nil)
		s1 := r.add(1, true, "a", 0, func(s *join.Span) { hide(s); wire(9, 8)(s) })
		c2 := r.add(2, false, "a", 0, nil)
		r.Linked(c2, s1, "thread", 0.99, join.Witnessed)
		r.Quiet(s1)
		r.pass(time.Second)
		assert.Equal(t, byte(8), r.out[2].parent)
		assert.Equal(t, byte(9), r.out[2].trace)
	})
}
