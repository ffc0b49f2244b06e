package baseline_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/testbed/baseline"
	"github.com/otelcol-custom/otelcol-custom/testbed/score"
)

const none = score.NoParent

// thread says where and when a message was: thread, time.
type thread struct {
	tid uint32
	at  int64
}

// script builds the spans of one process.
type script struct{ spans []baseline.Span }

func (s *script) add(kind ptrace.SpanKind, from, to thread) int {
	var sp baseline.Span
	sp.Kind, sp.Has = kind, true
	sp.Instance = score.Instance{Host: "h", PID: 1}
	sp.Start, sp.End = from.at, to.at
	sp.ID = [8]byte{7: byte(len(s.spans) + 1)}
	sp.Peer = netip.MustParseAddrPort("127.0.0.1:80")
	sp.Operation = "GET /b1"
	sp.Evidence.Request = evidence.Message{Start: from.at, End: from.at, Point: evidence.Point{TID: from.tid}}
	sp.Evidence.Response = evidence.Message{Start: to.at, End: to.at, Point: evidence.Point{TID: to.tid}}
	s.spans = append(s.spans, sp)
	return len(s.spans) - 1
}

func (s *script) request(from, to thread) int { return s.add(ptrace.SpanKindServer, from, to) }
func (s *script) call(from, to thread) int    { return s.add(ptrace.SpanKindClient, from, to) }

// link runs the rule called name and returns the parents of all spans.
func (s *script) link(t *testing.T, name string) []int {
	for _, r := range baseline.Rules() {
		if r.Name == name {
			return r.Link(s.spans)
		}
	}
	require.Fail(t, "no rule "+name)
	return nil
}

func TestDeepFlowFollowsOneThread(t *testing.T) {
	var s script
	r := s.request(thread{1, 10}, thread{1, 60})
	a := s.call(thread{1, 20}, thread{1, 30})
	b := s.call(thread{1, 40}, thread{1, 50})
	assert.Equal(t, []int{none, r, r}, s.link(t, "deepflow-thread"))
	assert.Equal(t, []int{none, r, r}, s.link(t, "deepflow-cover"))
	assert.Less(t, a, b)
}

func TestDeepFlowChainsBackFromTheReply(t *testing.T) {
	var s script
	r := s.request(thread{1, 10}, thread{2, 60}) // the pool's thread replies
	s.call(thread{2, 20}, thread{2, 30})
	s.call(thread{2, 40}, thread{2, 50})
	assert.Equal(t, []int{none, r, r}, s.link(t, "deepflow-thread"))
}

func TestDeepFlowCannotCrossThreads(t *testing.T) {
	var s script
	s.request(thread{1, 10}, thread{1, 60})
	s.call(thread{2, 20}, thread{2, 30})
	assert.Equal(t, []int{none, none}, s.link(t, "deepflow-thread"))
}

func TestDeepFlowGivesAnIdOnlyOnce(t *testing.T) {
	var s script
	r := s.request(thread{1, 10}, thread{9, 90})
	s.call(thread{1, 20}, thread{2, 50})
	s.call(thread{1, 30}, thread{2, 60}) // the id is taken; its own reply leads nowhere
	assert.Equal(t, []int{none, r, none}, s.link(t, "deepflow-thread"))
}

// A saturated pool: the thread reads the reply of one job and writes the call of
// the next, which the rule takes for one chain.
func TestDeepFlowChainsTheJobsOfAPool(t *testing.T) {
	var s script
	first := s.request(thread{5, 10}, thread{9, 70})
	s.request(thread{6, 11}, thread{9, 90})
	s.call(thread{5, 20}, thread{2, 30})          // of first
	wrong := s.call(thread{2, 40}, thread{3, 80}) // of the second, on the thread that read the first's reply
	assert.Equal(t, first, s.link(t, "deepflow-thread")[wrong])
	assert.Equal(t, none, s.link(t, "deepflow-cover")[wrong], "the first does not last as long")
}

func TestRequestIDsLinkWhatTheThreadDoesNot(t *testing.T) {
	var s script
	r := s.request(thread{1, 10}, thread{1, 60})
	c := s.call(thread{2, 20}, thread{2, 30})
	other := s.call(thread{3, 20}, thread{3, 30})
	s.spans[r].RequestID, s.spans[c].RequestID = "abc", "abc"
	assert.Equal(t, []int{none, r, none}, s.link(t, "deepflow-full"))
	assert.Equal(t, none, s.link(t, "deepflow-cover")[c])
	assert.Greater(t, other, c)
}

func TestSequenceNumbersJoinProcesses(t *testing.T) {
	var s script
	c := s.call(thread{1, 10}, thread{1, 50})
	r := s.request(thread{7, 20}, thread{7, 40})
	strange := s.request(thread{8, 21}, thread{8, 41})
	a, b := netip.MustParseAddrPort("10.0.0.1:5000"), netip.MustParseAddrPort("10.0.0.2:80")
	for i, seq := range map[int]uint32{c: 77, r: 77, strange: 78} {
		s.spans[i].Local, s.spans[i].Peer, s.spans[i].Evidence.Request.Seq = b, a, seq
	}
	s.spans[c].Local, s.spans[c].Peer = a, b
	s.spans[r].Instance.PID, s.spans[strange].Instance.PID = 2, 3
	got := s.link(t, "deepflow-full")
	assert.Equal(t, c, got[r])
	assert.Equal(t, none, got[strange])
	assert.Equal(t, none, s.link(t, "deepflow-cover")[r])
}

func TestOBITakesTheRequestOpenOnTheThread(t *testing.T) {
	var s script
	r := s.request(thread{1, 10}, thread{1, 60})
	s.call(thread{1, 20}, thread{1, 30})
	after := s.call(thread{1, 70}, thread{1, 80}) // answered: the entry is gone
	assert.Equal(t, r, s.link(t, "obi-generic")[1])
	assert.Equal(t, none, s.link(t, "obi-generic")[after])
}

func TestOBIForgetsAThreadWithTwoRequests(t *testing.T) {
	var s script
	s.request(thread{1, 10}, thread{1, 60})
	s.request(thread{1, 11}, thread{1, 50})
	s.call(thread{1, 20}, thread{1, 30})
	late := s.request(thread{1, 100}, thread{1, 130}) // the thread is usable again
	c := s.call(thread{1, 110}, thread{1, 120})
	got := s.link(t, "obi-generic")
	assert.Equal(t, none, got[2])
	assert.Equal(t, late, got[c])
}

func TestOBIForgetsWhateverAThreadHasWhenAnyRequestItReadIsAnswered(t *testing.T) {
	var s script
	s.request(thread{1, 10}, thread{2, 30}) // answered by another thread
	second := s.request(thread{1, 11}, thread{1, 90})
	third := s.request(thread{1, 40}, thread{1, 80}) // the entry is free again
	c := s.call(thread{1, 50}, thread{1, 60})
	assert.Equal(t, third, s.link(t, "obi-generic")[c])
	assert.Less(t, second, third)
}

func TestOBIFollowsCreatorsUpToFive(t *testing.T) {
	var s script
	r := s.request(thread{1, 1}, thread{1, 100})
	cloned := func(tid, creator uint32, at int64) int {
		c := s.call(thread{tid, at}, thread{tid, at + 1})
		s.spans[c].Evidence.Request.Handoffs = []evidence.Handoff{{Edge: evidence.Clone, WakerTID: creator}}
		return c
	}
	var calls []int
	for tid := uint32(2); tid <= 8; tid++ {
		calls = append(calls, cloned(tid, tid-1, int64(tid)*5))
	}
	got := s.link(t, "obi-generic")
	for n, c := range calls {
		if n < 5 {
			assert.Equal(t, r, got[c], "%d creators", n+1)
		} else {
			assert.Equal(t, none, got[c], "%d creators", n+1)
		}
	}
}

func TestAWakeIsNotACreator(t *testing.T) {
	var s script
	s.request(thread{1, 1}, thread{1, 100})
	c := s.call(thread{2, 10}, thread{2, 20})
	s.spans[c].Evidence.Request.Handoffs = []evidence.Handoff{{Edge: evidence.Futex, WakerTID: 1}}
	assert.Equal(t, none, s.link(t, "obi-generic")[c])
}

func TestFirstComeFirstServed(t *testing.T) {
	var s script
	a := s.request(thread{1, 10}, thread{1, 100})
	b := s.request(thread{2, 20}, thread{2, 100})
	first := s.call(thread{3, 30}, thread{3, 40})
	second := s.call(thread{4, 31}, thread{4, 41})
	again := s.call(thread{4, 50}, thread{4, 60}) // each has made one: the oldest again
	other := s.call(thread{5, 51}, thread{5, 61})
	s.spans[other].Operation = "GET /b2"
	late := s.call(thread{5, 150}, thread{5, 160}) // nothing is open
	got := s.link(t, "fcfs")
	assert.Equal(t, []int{a, b, a, a, none}, []int{got[first], got[second], got[again], got[other], got[late]})
}

func TestLastOpen(t *testing.T) {
	var s script
	a := s.request(thread{1, 10}, thread{1, 100})
	b := s.request(thread{2, 20}, thread{2, 35})
	first := s.call(thread{3, 15}, thread{3, 40})
	second := s.call(thread{3, 30}, thread{3, 40})
	third := s.call(thread{3, 50}, thread{3, 60})
	got := s.link(t, "last-open")
	assert.Equal(t, []int{a, b, a}, []int{got[first], got[second], got[third]})
}

func TestARequestThatIsNeverAnsweredStaysOpen(t *testing.T) {
	var s script
	r := s.request(thread{1, 10}, thread{1, 10})
	s.spans[r].Evidence.Response = evidence.Message{}
	c := s.call(thread{2, 1000}, thread{2, 1001})
	assert.Equal(t, r, s.link(t, "last-open")[c])
}

func TestProcessesAreKeptApart(t *testing.T) {
	for _, rule := range baseline.Rules() {
		var s script
		r := s.request(thread{1, 10}, thread{1, 60})
		s.call(thread{1, 20}, thread{1, 30})
		s.spans[r].Instance.PID = 2
		assert.Equal(t, []int{none, none}, rule.Link(s.spans), rule.Name)
	}
}

func TestEveryRuleSaysWhatItIs(t *testing.T) {
	for _, r := range baseline.Rules() {
		assert.NotEmpty(t, r.About, r.Name)
		assert.Empty(t, r.Link(nil), r.Name)
	}
}

func TestRecordingsAreReadWithTheirEvidence(t *testing.T) {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutInt("process.pid", 5)
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	with := spans.AppendEmpty()
	with.SetKind(ptrace.SpanKindServer)
	with.SetName("GET")
	with.Attributes().PutEmptySlice("http.request.header.x-request-id").AppendEmpty().SetStr("abc")
	want := evidence.Exchange{ConnID: 9, Request: evidence.Message{End: 3, Point: evidence.Point{TID: 7, IO: 2}}}
	want.Put(with)
	without := spans.AppendEmpty()
	without.Attributes().PutStr("http.request.header.x-request-id", "plain")

	got := baseline.Append(make([]baseline.Span, 1), td)
	require.Len(t, got, 3)
	assert.Equal(t, []string{"abc", "GET"}, []string{got[1].RequestID, got[1].Operation})
	assert.True(t, got[1].Has)
	assert.EqualValues(t, 7, got[1].Evidence.Request.TID)
	assert.EqualValues(t, 5, got[1].Instance.PID)
	assert.Equal(t, ptrace.SpanKindServer, got[1].Kind)
	assert.False(t, got[2].Has)
	assert.Equal(t, "plain", got[2].RequestID)
	for _, rule := range baseline.Rules() {
		assert.Equal(t, []int{none, none, none}, rule.Link(got), "spans without evidence belong to nobody")
	}
}

func BenchmarkRules(b *testing.B) {
	var s script
	for n := range int64(10_000) {
		tid := uint32(n % 64)
		s.request(thread{tid, n * 10}, thread{tid, n*10 + 640})
		s.call(thread{tid, n*10 + 5}, thread{tid, n*10 + 600})
	}
	for _, r := range baseline.Rules() {
		b.Run(r.Name, func(b *testing.B) {
			for b.Loop() {
				r.Link(s.spans)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(s.spans)), "ns/span")
		})
	}
}
