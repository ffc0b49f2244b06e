package join_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/join"
)

// said is the verdict of an agent: below parent, or nothing if that is zero.
func said(parent byte, method string) func(*join.Span) {
	return func(s *join.Span) {
		s.Verdict = &join.Verdict{Method: method, Confidence: 0.97, Settled: parent == 0}
		if parent != 0 {
			s.Verdict.Parent = pcommon.SpanID{parent}
		}
	}
}

func all(changes ...func(*join.Span)) func(*join.Span) {
	return func(s *join.Span) {
		for _, change := range changes {
			change(s)
		}
	}
}

// at is on host n, whose clock is ahead, with the given addresses last bytes.
func (r *rig) at(host string, ahead int64, local, peer string) func(*join.Span) {
	return func(s *join.Span) {
		if r.processes[host] == nil {
			r.processes[host] = join.NewProcess(host)
		}
		s.Process = r.processes[host]
		s.Local, s.Peer = netip.MustParseAddrPort(local), netip.MustParseAddrPort(peer)
		s.Start, s.End = s.Start+ahead, s.End+ahead
	}
}

const (
	clientAt, serverAt = "10.0.0.1:40000", "10.0.0.2:80"
	hour               = 3_600_000 * ms
)

// reply gives a span the positions of a whole exchange.
func reply(s *join.Span) { s.Len, s.ReplySeq, s.ReplyLen = 200, 99, 500 }

func TestFragmentsOfTwoHostsAreJoined(t *testing.T) {
	for name, order := range map[string][]byte{"the caller's first": {1, 2, 3}, "the server's first": {3, 2, 1}, "a child before its parent": {2, 3, 1}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			for _, id := range order {
				switch id {
				case 1:
					r.add(1, true, "front", 0, said(0, ""))
				case 2:
					r.add(2, false, "front", 0, all(r.at("a", 0, clientAt, serverAt), said(1, "thread")))
				case 3:
					r.add(3, true, "back", 0, all(r.at("b", hour, serverAt, clientAt), said(0, "")))
				}
				r.pass(50 * time.Millisecond)
			}
			assert.Less(t, r.settle().Seconds(), soon)
			require.Len(t, r.out, 3)
			assert.Equal(t, byte(1), r.out[2].parent)
			assert.Equal(t, "thread", r.out[2].method)
			assert.Equal(t, 0.97, r.out[2].confidence)
			assert.Equal(t, byte(2), r.out[3].parent)
			assert.Equal(t, "tcp", r.out[3].method)
			assert.Equal(t, byte(1), r.out[3].trace)
			assert.True(t, r.out[1].settled)
			skew, _ := r.out[3].span.Attributes().Get("stitch.clock_skew")
			assert.Equal(t, hour, skew.Int())
			assert.Equal(t, 1, r.Counts.Joins[join.TwoHosts])
			assert.Equal(t, 3, r.Counts.Decided)
		})
	}
}

func TestAFragmentThatItsAgentDidNotSettleIsHeldUntilItsDeadline(t *testing.T) {
	r := newRig(t, nil)
	r.add(1, true, "a", 0, func(s *join.Span) { s.Verdict = &join.Verdict{} })
	assert.InDelta(t, 10, r.settle().Seconds(), 0.1)
	assert.False(t, r.out[1].settled)
}

func TestAFragmentKeepsWhatTheWireNames(t *testing.T) {
	r := newRig(t, nil)
	r.add(1, true, "a", 0, said(0, ""))
	sdk := said(1, "context")
	r.add(2, false, "a", 0, all(wire(9, 8), sdk, func(s *join.Span) { s.Verdict.Explicit = true }))
	r.settle()
	assert.Equal(t, byte(9), r.out[1].trace)
	assert.Equal(t, byte(8), r.out[2].parent, "an SDK's span stands between")
	assert.Len(t, r.batches, 1, "they are one tree all the same")
}

func TestACandidateOfAnAgentStaysOne(t *testing.T) {
	r := newRig(t, nil)
	r.add(2, false, "a", 0, func(s *join.Span) {
		s.Verdict = &join.Verdict{Candidate: pcommon.SpanID{1}, Method: "submit", Confidence: 0.7}
	})
	r.pass(time.Second)
	assert.Empty(t, r.out)
	r.add(1, true, "a", 0, all(said(0, ""), wire(9, 8), func(s *join.Span) { s.Verdict.Explicit = true }))
	r.settle()
	r.settle()
	l := r.out[2].span.Links().At(0)
	assert.Equal(t, byte(9), l.TraceID()[0], "with the trace id that the candidate has in the end")
	assert.Equal(t, byte(1), l.SpanID()[0])
}

func TestAFragmentIsSealed(t *testing.T) {
	r := newRig(t, func(c *join.Config) { c.Fragments = true })
	hidden := func(s *join.Span) { s.Hidden = true }
	s1, c2, c3 := r.add(1, true, "a", 0, nil), r.add(2, false, "a", 0, hidden), r.add(3, false, "a", 0, wire(9, 8))
	r.Linked(c2, s1, "thread", 0.99, join.Witnessed)
	r.Linked(c3, s1, "thread", 0.99, join.Witnessed)
	r.Quiet(s1)
	r.settle()
	require.Len(t, r.out, 3, "what is hidden travels, too")
	for id, want := range map[byte]string{1: "", 2: "0100000000000000", 3: "0100000000000000"} {
		v, ok := r.out[id].span.Attributes().Get("evidence.parent")
		require.True(t, ok)
		assert.Equal(t, want, v.Str())
	}
	assert.Equal(t, byte(8), r.out[3].parent)
	assert.True(t, r.out[1].settled)
	assert.Zero(t, r.Counts.Hidden)
}

func TestTranslatedAddresses(t *testing.T) {
	behind := func(r *rig) func(*join.Span) {
		return all(r.at("b", hour, "172.17.0.2:8080", "192.168.0.1:5"), reply, said(0, ""))
	}
	calling := func(r *rig) func(*join.Span) {
		return all(r.at("a", 0, clientAt, serverAt), reply, said(0, ""))
	}
	t.Run("do not matter if all positions are the same", func(t *testing.T) {
		r := newRig(t, nil)
		r.add(1, false, "", 0, calling(r))
		r.add(2, true, "", 0, behind(r))
		r.settle()
		assert.Equal(t, byte(1), r.out[2].parent)
		assert.Equal(t, "tcp_position", r.out[2].method)
		assert.Equal(t, 0.9999, r.out[2].confidence)
		r.add(3, false, "", 0, all(calling(r), func(s *join.Span) { s.Seq = 1000 }))
		assert.InDelta(t, later, r.settle().Seconds(), 0.1, "and where they lead is known from then on")
	})
	for name, change := range map[string]func(*join.Span){
		"another length":                 func(s *join.Span) { s.Len++ },
		"another position of the reply":  func(s *join.Span) { s.ReplySeq++ },
		"another length of the reply":    func(s *join.Span) { s.ReplyLen++ },
		"no reply":                       func(s *join.Span) { s.ReplySeq, s.ReplyLen = 0, 0 },
		"a serving longer than the call": func(s *join.Span) { s.End += 10 * ms },
	} {
		t.Run("with "+name+" are no pair", func(t *testing.T) {
			r := newRig(t, nil)
			r.add(1, false, "", 0, calling(r))
			r.add(2, true, "", 0, all(behind(r), change))
			assert.Zero(t, r.Counts.Joins[join.Translated])
		})
	}
	t.Run("and two that may be the caller are none", func(t *testing.T) {
		r := newRig(t, nil)
		r.add(1, false, "", 0, calling(r))
		r.add(3, false, "", 0, all(calling(r), func(s *join.Span) { s.Local = netip.MustParseAddrPort("10.0.0.1:50000") }))
		r.add(2, true, "", 0, behind(r))
		assert.Zero(t, r.Counts.Joins[join.Translated])
		assert.Equal(t, 1, r.Counts.Rejected[join.Ambiguous])
	})
	t.Run("unless the clocks, as far as known, speak for one", func(t *testing.T) {
		r := newRig(t, nil)
		r.add(11, false, "", 0, all(calling(r), func(s *join.Span) { s.Seq = 1 }))
		r.add(12, true, "", 0, all(r.at("b", hour, serverAt, clientAt), reply, said(0, ""), func(s *join.Span) { s.Seq = 1 }))
		require.Equal(t, 1, r.Counts.Joins[join.TwoHosts])
		r.add(1, false, "", 0, calling(r))
		r.add(3, false, "", 0, all(calling(r), func(s *join.Span) { s.Start, s.End = s.Start+hour, s.End+hour }))
		r.add(2, true, "", 0, behind(r))
		r.settle()
		assert.Equal(t, byte(1), r.out[2].parent)
	})
	t.Run("or the method is switched off", func(t *testing.T) {
		r := newRig(t, func(c *join.Config) { c.Exact = true })
		r.add(1, false, "", 0, calling(r))
		r.add(2, true, "", 0, behind(r))
		assert.Zero(t, r.Counts.Joins[join.Translated])
	})
}

func TestAClockThatIsSetIsNoticed(t *testing.T) {
	r := newRig(t, nil)
	pair := func(id byte, ahead int64) {
		seq := func(s *join.Span) { s.Seq = uint32(id) }
		r.add(id, false, "", 0, all(r.at("a", 0, clientAt, serverAt), said(0, ""), seq))
		r.add(id+1, true, "", 0, all(r.at("b", ahead, serverAt, clientAt), said(0, ""), seq))
		r.settle()
	}
	for i := byte(1); i < 40; i += 2 {
		pair(i, 0)
	}
	assert.Zero(t, r.Counts.Steps)
	pair(41, -hour)
	assert.Equal(t, 1, r.Counts.Steps)
	v, _ := r.out[42].span.Attributes().Get("stitch.clock_skew")
	assert.Equal(t, -hour, v.Int())
	assert.Equal(t, 21, r.Counts.Joins[join.TwoHosts])
}

func TestWhatIsForgottenIsNotFoundAnyMore(t *testing.T) {
	r := newRig(t, nil)
	for id := byte(2); id < 5; id++ { // three that look for one
		r.add(id, false, "a", 0, said(1, "thread"))
	}
	r.pass(11 * time.Second)
	require.Len(t, r.out, 3, "their deadline is over")
	r.add(1, true, "a", 0, said(0, ""))
	r.settle()
	assert.Len(t, r.out, 1)
	r.pass(11 * time.Second)
	r.add(5, false, "a", 0, said(1, "thread"))
	r.pass(time.Second)
	assert.NotContains(t, r.out, byte(5), "the one above it is forgotten, too")
}
