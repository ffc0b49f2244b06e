package join_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/join"
)

func TestAtItsDeadlineATraceLeavesUnsettled(t *testing.T) {
	r := newRig(t, nil)
	s := r.add(1, true, "a", 0, nil)
	r.pass(9 * time.Second)
	c := r.add(2, false, "a", 0, nil)
	r.Linked(c, s, "thread", 0.99, join.Witnessed)
	r.pass(900 * time.Millisecond)
	assert.Empty(t, r.out)
	r.pass(200 * time.Millisecond)
	require.Len(t, r.out, 2, "the whole tree goes with its oldest member")
	assert.False(t, r.out[1].settled)
	assert.Equal(t, 2, r.Counts.Spans[join.Deadline])
	assert.Equal(t, 1, r.Counts.Traces[join.Deadline])
}

func TestShutdownReleasesEverything(t *testing.T) {
	r := newRig(t, nil)
	s := r.add(1, true, "a", 0, nil)
	r.Linked(r.add(2, false, "a", 0, nil), s, "thread", 0.99, join.Witnessed)
	r.add(3, false, "a", 9, nil)
	r.Flush()
	assert.Len(t, r.out, 3)
	assert.Equal(t, byte(1), r.out[2].parent)
	assert.False(t, r.out[3].settled)
	assert.Equal(t, 3, r.Counts.Spans[join.Shutdown])
	assert.Zero(t, r.Held())
	r.Flush()
	assert.Len(t, r.out, 3)
}

func TestAFullWindowReleasesTheOldest(t *testing.T) {
	r := newRig(t, func(c *join.Config) { c.MaxSpans = 3 })
	s := r.add(1, true, "a", 0, nil)
	r.Linked(r.add(2, false, "a", 0, nil), s, "thread", 0.99, join.Witnessed)
	r.add(3, false, "a", 0, nil)
	r.add(4, false, "a", 0, nil)
	r.Hand()
	assert.Len(t, r.out, 2)
	assert.Equal(t, byte(1), r.out[2].parent, "whole traces go")
	assert.Equal(t, 2, r.Counts.Spans[join.Full])
	assert.Equal(t, 2, r.Held())
	for i := byte(5); i < 50; i++ {
		r.add(i, false, "a", 0, nil)
		assert.LessOrEqual(t, r.Held(), 3)
	}
	r.Hand()
	assert.Len(t, r.out, 46)
	assert.Positive(t, r.Counts.Forgotten, "what has left is remembered for a bounded number of spans, too")
}

func TestALateChildFindsAParentThatHasLeft(t *testing.T) {
	r := newRig(t, nil)
	s := r.add(1, true, "a", 0, wire(9, 8))
	r.Quiet(s)
	r.pass(time.Second)
	require.Len(t, r.out, 1)
	c := r.add(2, false, "a", 5, nil)
	below := r.add(3, true, "server", 5, nil)
	r.Linked(c, s, "clone", 0.99, join.Witnessed)
	r.Quiet(below)
	r.pass(time.Second)
	require.Len(t, r.out, 3)
	assert.Equal(t, byte(1), r.out[2].parent)
	assert.Equal(t, byte(9), r.out[2].trace)
	assert.Equal(t, byte(9), r.out[3].trace)
	assert.False(t, r.out[2].settled, "the trace had been settled")
	assert.Equal(t, 2, r.Counts.Spans[join.Late])

	other := r.add(4, false, "a", 0, wire(7, 6))
	r.Linked(other, s, "thread", 0.99, join.Witnessed)
	r.pass(time.Second)
	assert.Equal(t, byte(7), r.out[4].trace, "not with a context of another trace")
}

func TestAChildThatHasLeftStaysAsItIs(t *testing.T) {
	r := newRig(t, nil)
	c := r.add(1, false, "a", 0, nil)
	r.Alone(c)
	r.pass(time.Second)
	s := r.add(2, true, "a", 0, nil)
	r.Linked(c, s, "thread", 0.99, join.Witnessed)
	r.Revoked(c)
	r.Low(c, s, "submit", 0.6)
	assert.Equal(t, 1, r.Counts.Rejected[join.Gone])
}

func TestALinkBelowConfidenceBecomesASpanLink(t *testing.T) {
	r := newRig(t, nil)
	s, c := r.add(1, true, "a", 0, nil), r.add(2, false, "a", 0, nil)
	r.Low(c, s, "submit", 0.7)
	r.pass(time.Second)
	assert.Empty(t, r.out, "it waits until its candidate's trace id is final")
	up := r.add(3, false, "up", 0, wire(9, 8))
	_ = up
	r.Quiet(s)
	r.pass(time.Second)
	require.Contains(t, r.out, byte(2))
	o := r.out[2]
	assert.Equal(t, byte(0), o.parent)
	assert.Equal(t, byte(2), o.trace)
	assert.Empty(t, o.method)
	require.Equal(t, 1, o.links)
	l := o.span.Links().At(0)
	assert.Equal(t, byte(1), l.SpanID()[0])
	assert.Equal(t, byte(1), l.TraceID()[0])
	assert.Equal(t, map[string]any{"stitch.method": "submit", "stitch.confidence": 0.7}, l.Attributes().AsRaw())
	assert.True(t, o.settled)
}

func TestACandidateMayLeaveInTheSameTrace(t *testing.T) {
	r := newRig(t, nil)
	s, c := r.add(1, true, "a", 0, nil), r.add(2, false, "a", 0, nil)
	r.Low(c, s, "submit", 0.7)
	r.Linked(c, s, "completion", 0.99, join.Witnessed) // decisive evidence, late
	r.Quiet(s)
	r.pass(time.Second)
	require.Len(t, r.out, 2)
	assert.True(t, r.out[1].settled)
	assert.Equal(t, byte(1), r.out[2].parent)
	assert.Equal(t, "completion", r.out[2].method)
	assert.Zero(t, r.out[2].links)
}

func TestALinkThatIsTakenBack(t *testing.T) {
	r := newRig(t, nil)
	s, c, other := r.add(1, true, "a", 0, nil), r.add(2, false, "a", 5, nil), r.add(4, false, "a", 0, nil)
	below := r.add(3, true, "server", 5, nil)
	r.Linked(other, s, "thread", 0.99, join.Witnessed)
	r.Linked(c, s, "completion", 0.99, join.Witnessed)
	r.Quiet(below)
	r.Revoked(c)
	r.Revoked(c)
	r.Quiet(s)
	r.pass(time.Second)
	require.Len(t, r.out, 4)
	assert.Equal(t, byte(0), r.out[2].parent)
	assert.Empty(t, r.out[2].method)
	assert.Equal(t, byte(2), r.out[2].trace)
	assert.Equal(t, byte(2), r.out[3].trace, "what is below goes with it")
	assert.Equal(t, byte(1), r.out[4].trace)
	assert.True(t, r.out[1].settled)
	assert.True(t, r.out[2].settled)
}

func TestGuardsOfTrees(t *testing.T) {
	t.Run("a span has one parent", func(t *testing.T) {
		r := newRig(t, nil)
		a, b, c := r.add(1, true, "a", 0, nil), r.add(2, true, "a", 0, nil), r.add(3, false, "a", 0, nil)
		r.Linked(c, a, "thread", 0.99, join.Witnessed)
		r.Linked(c, b, "reply", 0.98, join.Witnessed)
		assert.Equal(t, 1, r.Counts.Rejected[join.OneParent])
		r.Flush()
		assert.Equal(t, byte(1), r.out[3].parent)
		assert.Equal(t, "thread", r.out[3].method)
	})
	t.Run("nothing hangs below itself", func(t *testing.T) {
		r := newRig(t, nil)
		s := r.add(2, true, "server", 5, nil)
		c := r.add(1, false, "server", 5, nil) // a process that calls itself
		r.Linked(c, s, "thread", 0.99, join.Witnessed)
		assert.Equal(t, 1, r.Counts.Rejected[join.Cycle])
		r.Linked(c, c, "thread", 0.99, join.Witnessed)
		r.Flush()
		assert.Len(t, r.out, 2)
		assert.Equal(t, byte(0), r.out[1].parent)
	})
	t.Run("a trace has a limited size", func(t *testing.T) {
		r := newRig(t, func(c *join.Config) { c.MaxTrace = 3 })
		s := r.add(1, true, "a", 0, nil)
		for i := byte(2); i < 8; i++ {
			r.Linked(r.add(i, false, "a", 0, nil), s, "thread", 0.99, join.Witnessed)
		}
		assert.Equal(t, 4, r.Counts.Rejected[join.Size])
		r.Quiet(s)
		r.pass(time.Second)
		assert.Len(t, r.out, 7, "the others leave as they are")
		assert.Equal(t, byte(7), r.out[7].trace)
	})
	t.Run("and a limited depth", func(t *testing.T) {
		r := newRig(t, func(c *join.Config) { c.MaxDepth = 4 })
		var last *join.Span
		for i := byte(1); i < 9; i++ {
			s := r.add(i, i%2 == 1, "a", 0, nil)
			if last != nil {
				r.Linked(s, last, "thread", 0.99, join.Witnessed)
			}
			last = s
		}
		assert.Equal(t, 1, r.Counts.Rejected[join.Depth])
		r.Flush()
		assert.Equal(t, byte(1), r.out[4].trace)
		assert.Equal(t, byte(5), r.out[5].trace)
		assert.Equal(t, byte(5), r.out[8].trace)
	})
	t.Run("which trees that meet cannot pass, either", func(t *testing.T) {
		r := newRig(t, func(c *join.Config) { c.MaxDepth = 3 })
		a, b := r.add(1, true, "a", 0, nil), r.add(2, false, "a", 0, nil)
		c, d := r.add(3, true, "a", 0, nil), r.add(4, false, "a", 0, nil)
		r.Linked(b, a, "x", 1, join.Witnessed)
		r.Linked(d, c, "x", 1, join.Witnessed)
		r.Linked(c, b, "x", 1, join.Witnessed)
		assert.Equal(t, 1, r.Counts.Rejected[join.Depth])
	})
}

// settle lets time pass until something comes out, and returns how much.
func (r *rig) settle() time.Duration {
	start := r.now
	clear(r.out)
	for range 2000 {
		r.pass(10 * time.Millisecond)
		if len(r.out) > 0 {
			break
		}
	}
	return time.Duration(r.now - start)
}

// serves makes known that a process serves the address.
func (r *rig) serves(id byte, process string) {
	s := r.add(id, true, process, 50, func(s *join.Span) { s.Peer = netip.AddrPortFrom(netip.MustParseAddr("10.0.0.9"), uint16(id)) })
	r.Quiet(s)
	r.pass(time.Second)
}

const (
	soon  = 0.2 // seconds; settle_delay and a bit
	later = 1.1 // peer_wait and settle_delay
)

func TestACallToATracedProcessWaitsForItsServerSpan(t *testing.T) {
	t.Run("not if nobody serves the address", func(t *testing.T) {
		r := newRig(t, nil)
		r.Alone(r.add(1, false, "caller", 5, nil))
		assert.Less(t, r.settle().Seconds(), soon)
	})
	t.Run("for a while", func(t *testing.T) {
		r := newRig(t, nil)
		r.serves(90, "server")
		r.Alone(r.add(1, false, "caller", 5, nil))
		assert.InDelta(t, later, r.settle().Seconds(), 0.1)
	})
	t.Run("until that process has delivered everything of the time", func(t *testing.T) {
		r := newRig(t, nil)
		r.serves(90, "server")
		r.Alone(r.add(1, false, "caller", 5, nil))
		r.Watermark(r.process("server"), 90*ms, r.now)
		clear(r.out)
		r.pass(300 * time.Millisecond)
		assert.Empty(t, r.out)
		r.Watermark(r.process("server"), 91*ms, r.now)
		assert.Less(t, r.settle().Seconds(), soon)
	})
	t.Run("and all others that serve the address", func(t *testing.T) {
		r := newRig(t, nil)
		r.serves(90, "server")
		r.serves(91, "second worker")
		r.Alone(r.add(1, false, "caller", 5, nil))
		r.Watermark(r.process("server"), 91*ms, r.now)
		clear(r.out)
		r.pass(300 * time.Millisecond)
		assert.Empty(t, r.out)
		r.Watermark(r.process("second worker"), 91*ms, r.now)
		assert.Less(t, r.settle().Seconds(), soon)
	})
	t.Run("but for none that is gone", func(t *testing.T) {
		r := newRig(t, nil)
		r.serves(90, "server")
		r.serves(91, "second worker")
		r.Watermark(r.process("second worker"), 50*ms, r.now)
		r.pass(3 * time.Second)
		r.Alone(r.add(1, false, "caller", 5, nil))
		r.Watermark(r.process("server"), 91*ms, r.now)
		assert.Less(t, r.settle().Seconds(), soon)
	})
}

func TestAServerSpanWaitsForALocalCaller(t *testing.T) {
	t.Run("for a while", func(t *testing.T) {
		r := newRig(t, nil)
		r.Quiet(r.add(1, true, "server", 5, nil))
		assert.InDelta(t, later, r.settle().Seconds(), 0.1)
	})
	t.Run("but not for one from elsewhere", func(t *testing.T) {
		r := newRig(t, nil)
		r.Quiet(r.add(1, true, "server", 5, func(s *join.Span) { s.Peer = netip.MustParseAddrPort("10.0.0.9:1") }))
		assert.Less(t, r.settle().Seconds(), soon)
	})
	t.Run("nor after many that were never seen, until one is", func(t *testing.T) {
		r := newRig(t, nil)
		for i := range uint16(64) {
			r.Quiet(r.add(byte(i+100), true, "server", 100+i, nil))
		}
		r.pass(2 * time.Second)
		r.Quiet(r.add(1, true, "server", 5, nil))
		assert.Less(t, r.settle().Seconds(), soon)
		r.Alone(r.add(2, false, "caller", 6, nil))
		r.Quiet(r.add(3, true, "server", 6, nil))
		r.settle()
		r.Quiet(r.add(4, true, "server", 7, nil))
		assert.InDelta(t, later, r.settle().Seconds(), 0.1)
	})
}

func TestTablesAreBounded(t *testing.T) {
	r := newRig(t, nil)
	r.Assembler = join.New(join.Config{MaxSpans: 20_000, MaxWait: 1, MaxTrace: 1, MaxDepth: 1, BatchSize: 1 << 30}, func(ptrace.Traces) {})
	for i := range 17_000 {
		r.Add(r.span(byte(i), true, "server", 5, func(s *join.Span) {
			s.Local = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 80)
		}), r.now)
	}
	assert.Equal(t, 17_000-16_384, r.Counts.Listeners)
	r.Counts.Listeners = 0
	for i := range 300 { // processes that share an address
		p := join.NewProcess("one")
		r.Add(r.span(byte(i), true, "server", 6, func(s *join.Span) { s.Process, s.Local = p, netip.MustParseAddrPort("10.0.0.0:80") }), r.now)
	}
	assert.Equal(t, 300+1-256, r.Counts.Listeners, "beside the first one")
	for i := range 5000 {
		p := join.NewProcess(string(rune(i + 1)))
		r.Add(r.span(1, false, "x", 5, func(s *join.Span) { s.Process = p }), r.now)
	}
	assert.Positive(t, r.Counts.Hosts)
	assert.LessOrEqual(t, r.Counts.Hosts, 5000-4096+2)
}

func TestNames(t *testing.T) {
	for r := join.Reason(0); r < join.Reasons; r++ {
		assert.NotEqual(t, "unknown", r.String())
	}
	for g := join.Guard(0); g < join.Guards; g++ {
		assert.NotEqual(t, "unknown", g.String())
	}
	assert.Equal(t, "unknown", join.Reason(77).String())
	assert.Equal(t, "unknown", join.Guard(77).String())
}

func TestACallerThatIsNotTracedIsNotWaitedForOnceAllCallsAreHere(t *testing.T) {
	atStart := 1000 * ms // of the request, which is here by 90 ms later
	for _, tt := range []struct {
		name   string
		calls  int64         // all that began before are here; 0: nobody says so
		within time.Duration // the request has left
	}{
		{"all calls are here", atStart + 5*ms, 200 * time.Millisecond},
		{"one that began before is open", atStart - 5*ms, 1200 * time.Millisecond},
		{"it may seem to have begun later", atStart, 1200 * time.Millisecond},
		{"nobody says so", 0, 1200 * time.Millisecond},
	} {
		for _, early := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				r := newRig(t, nil)
				r.now = atStart
				tell := func() {
					if tt.calls != 0 {
						r.Calls(r.process("other"), tt.calls, r.now)
					}
				}
				r.add(9, true, "server", 9, nil) // the address is served
				if early {
					tell()
				}
				s := r.add(1, true, "server", 5, func(s *join.Span) {
					s.Start, s.End = atStart, atStart+90*ms
				})
				if !early {
					tell()
				}
				r.Quiet(s)
				r.pass(tt.within - 140*time.Millisecond)
				assert.NotContains(t, r.out, byte(1))
				r.pass(140 * time.Millisecond)
				assert.Contains(t, r.out, byte(1))
			})
		}
	}
}

func TestACallThatIsStillOpenIsWaitedForByTheRequest(t *testing.T) {
	r := newRig(t, nil)
	r.Quiet(r.add(1, true, "server", 5, nil))
	r.Calls(r.process("client"), 5*ms, r.now) // the call began at 9 ms and is slow to read its reply
	r.pass(500 * time.Millisecond)
	assert.Empty(t, r.out)
	c := r.add(2, false, "client", 5, func(s *join.Span) { s.Start, s.End = 9*ms, 400*ms })
	r.Alone(c)
	r.Calls(r.process("client"), 600*ms, r.now)
	r.pass(300 * time.Millisecond)
	assert.Equal(t, byte(2), r.out[1].parent)
}
