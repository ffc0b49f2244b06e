package score_test

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/testbed/score"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

const (
	server   = ptrace.SpanKindServer
	client   = ptrace.SpanKindClient
	internal = ptrace.SpanKindInternal
	producer = ptrace.SpanKindProducer
	consumer = ptrace.SpanKindConsumer
)

func id(n byte) pcommon.SpanID { return pcommon.SpanID{7: n} }

func trace(n byte) pcommon.TraceID { return pcommon.TraceID{15: n} }

// span returns a span of process 1 in trace 1; zero parent means none.
func span(kind ptrace.SpanKind, self, parent byte, token truth.Token) score.Span {
	return score.Span{
		Trace: trace(1), ID: id(self), Parent: id(parent), Kind: kind, Token: token,
		Instance: score.Instance{Host: "h", PID: 1, Created: "c"},
	}
}

// in moves s to another process.
func in(pid int64, s score.Span) score.Span {
	s.Instance.PID = pid
	return s
}

// of moves s to another trace.
func of(n byte, s score.Span) score.Span {
	s.Trace = trace(n)
	return s
}

// between puts s on a connection, seen from its own end.
func between(local, peer string, s score.Span) score.Span {
	s.Local, s.Peer = netip.MustParseAddrPort(local), netip.MustParseAddrPort(peer)
	return s
}

// sure gives s a confidence and a method.
func sure(confidence float64, method string, s score.Span) score.Span {
	s.Confidence, s.HasConfidence, s.Method = confidence, true, method
	return s
}

func TestCallsAgainstTheirRequests(t *testing.T) {
	request := span(server, 1, 0, 7)
	for name, tc := range map[string]struct {
		spans []score.Span
		want  score.Count
	}{
		"the right request":                             {[]score.Span{request, span(client, 2, 1, 7)}, score.Count{Right: 1}},
		"no parent":                                     {[]score.Span{request, span(client, 2, 0, 7)}, score.Count{Orphan: 1}},
		"another request":                               {[]score.Span{request, span(server, 3, 0, 8), span(client, 2, 3, 7)}, score.Count{Wrong: 1}},
		"a parent that is nowhere":                      {[]score.Span{request, span(client, 2, 9, 7)}, score.Count{Wrong: 1}},
		"the same token elsewhere":                      {[]score.Span{request, in(2, span(server, 3, 0, 7)), span(client, 2, 3, 7)}, score.Count{Wrong: 1}},
		"a call of the same request, under the request": {[]score.Span{request, span(client, 2, 1, 7), span(client, 3, 2, 7)}, score.Count{Right: 2}},
		"a call of another request":                     {[]score.Span{request, span(server, 4, 0, 8), span(client, 3, 4, 8), span(client, 2, 3, 7)}, score.Count{Right: 1, Wrong: 1}},
		"spans of an SDK in between":                    {[]score.Span{request, span(server, 3, 1, 0), span(internal, 4, 3, 0), span(client, 5, 4, 0), span(client, 2, 5, 7)}, score.Count{Right: 1}},
		"a request without a token":                     {[]score.Span{request, span(server, 3, 0, 0), span(client, 2, 3, 7)}, score.Count{Wrong: 1}},
		"SDK spans that know the token":                 {[]score.Span{request, span(server, 3, 1, 7), span(internal, 4, 3, 0), span(client, 5, 4, 7), span(client, 2, 5, 7)}, score.Count{Right: 2}},
		"an internal span in between":                   {[]score.Span{request, span(internal, 4, 1, 0), span(client, 2, 4, 7)}, score.Count{Right: 1}},
		"an internal span without parent":               {[]score.Span{request, span(internal, 4, 0, 0), span(client, 2, 4, 7)}, score.Count{Orphan: 1}},
		"a ring":                                        {[]score.Span{request, span(internal, 4, 5, 0), span(internal, 5, 4, 0), span(client, 2, 4, 7)}, score.Count{Wrong: 1}},
		"a message sent":                                {[]score.Span{request, span(producer, 2, 1, 7)}, score.Count{Right: 1}},
		"a call of a message taken":                     {[]score.Span{span(consumer, 1, 0, 7), span(client, 2, 1, 7)}, score.Count{Right: 1}},
		"a call without a token":                        {[]score.Span{request, span(client, 2, 0, 0)}, score.Count{}},
	} {
		t.Run(name, func(t *testing.T) {
			r := score.Score(tc.spans, score.Options{})
			assert.Equal(t, tc.want, r.Calls)
			assert.Zero(t, r.Unowned)
		})
	}
}

func TestACallWhoseRequestWasNotRecordedIsNotJudged(t *testing.T) {
	r := score.Score([]score.Span{span(client, 2, 0, 7), in(2, span(server, 1, 0, 7))}, score.Options{})
	assert.Equal(t, 1, r.Unowned)
	assert.Equal(t, score.Count{}, r.Calls)
}

func TestASpanOfSeveralTokensIsNotJudged(t *testing.T) {
	s := span(client, 2, 0, 0)
	s.Ambiguous = true
	r := score.Score([]score.Span{span(server, 1, 0, 7), s}, score.Options{})
	assert.Equal(t, 1, r.Ambiguous)
	assert.Equal(t, score.Count{}, r.Calls)
}

// chain is a request through two processes, all in one trace.
func chain(token truth.Token, first byte) []score.Span {
	a, b := "10.0.0.1:5000", "10.0.0.2:80"
	return []score.Span{
		span(server, first, 0, token),
		between(a, b, span(client, first+1, first, token)),
		between(b, a, in(2, span(server, first+2, first+1, token))),
		in(2, span(client, first+3, first+2, token)),
	}
}

func TestJoinsOfTwoProcesses(t *testing.T) {
	for name, tc := range map[string]struct {
		parent byte
		want   score.Count
	}{
		"the call at the other end": {2, score.Count{Right: 1}},
		"no parent":                 {0, score.Count{Orphan: 1}},
		"the request before it":     {1, score.Count{Wrong: 1}},
		"nowhere":                   {99, score.Count{Wrong: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			spans := chain(7, 1)
			spans[2].Parent = id(tc.parent)
			r := score.Score(spans, score.Options{})
			assert.Equal(t, tc.want, r.Joins)
			assert.Equal(t, score.Count{Right: 2}, r.Calls, "a join does not touch calls")
		})
	}
}

func TestWholeTraces(t *testing.T) {
	for name, tc := range map[string]struct {
		change           func(spans []score.Span)
		right, misplaced int
	}{
		"all as it was":                 {func([]score.Span) {}, 2, 0},
		"an orphan":                     {func(s []score.Span) { s[3].Parent = id(0) }, 1, 0},
		"a broken join":                 {func(s []score.Span) { s[2].Parent = id(0) }, 1, 0},
		"a piece in a trace of its own": {func(s []score.Span) { s[3] = of(3, s[3]) }, 1, 0},
		"a piece in the other's trace":  {func(s []score.Span) { s[3] = of(2, s[3]) }, 0, 1},
		"one trace for both, a giant": {func(s []score.Span) {
			for i := range s {
				s[i] = of(1, s[i])
			}
		}, 0, 4},
		"a wrong link inside the right trace": {func(s []score.Span) { s[3].Parent = id(1) }, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			spans := chain(7, 1)
			for _, s := range chain(8, 11) {
				spans = append(spans, of(2, s))
			}
			tc.change(spans)
			r := score.Score(spans, score.Options{})
			assert.Equal(t, 2, r.Traces)
			assert.Equal(t, tc.right, r.TracesRight)
			assert.Equal(t, tc.misplaced, r.Misplaced)
			assert.InDelta(t, float64(tc.right)/2, r.TraceRate.Value, 1e-9)
		})
	}
}

func TestTheWarmUpDoesNotCountButIsSeen(t *testing.T) {
	spans := append(chain(7, 1), chain(8, 11)...) // both in trace 1
	spans[3].Parent = id(0)
	r := score.Score(spans, score.Options{Only: map[truth.Token]bool{8: true}})
	assert.Equal(t, 4, r.Spans)
	assert.Equal(t, score.Count{Right: 2}, r.Calls)
	assert.Equal(t, 1, r.Traces)
	assert.Equal(t, 0, r.TracesRight, "a stranger from the warm-up is in its trace")
}

func TestRequestsThatWereNotRecordedAreCounted(t *testing.T) {
	only := map[truth.Token]bool{7: true, 8: true, 9: true}
	spans := append(chain(7, 1), span(client, 20, 0, 8)) // of 8 only a call, of 9 nothing
	r := score.Score(spans, score.Options{Only: only})
	assert.Equal(t, []int{3, 2, 1, 1}, []int{r.Requests, r.Unseen, r.Traces, r.Unowned})
}

func TestConfidenceIsComparedWithWhatCameTrue(t *testing.T) {
	spans := []score.Span{span(server, 1, 0, 7), span(server, 2, 0, 8)}
	for i, c := range []float64{1, 0.95, 0.9, 0.92} {
		spans = append(spans, sure(c, "wake", span(client, byte(10+i), 1, 7)))
	}
	spans = append(spans,
		sure(0.91, "wake", span(client, 20, 2, 7)), // sure and wrong
		sure(0.55, "time", span(client, 21, 2, 7)), // unsure and wrong
		sure(0.51, "time", span(client, 22, 1, 7)),
		sure(0.3, "time", span(client, 23, 0, 7)), // not a link
	)
	r := score.Score(spans, score.Options{})
	require.Len(t, r.Calibration, 2)
	assert.Equal(t, score.Bin{Low: 0.5, Links: 2, Right: 1, Claimed: 0.53}, r.Calibration[0])
	high := r.Calibration[1]
	assert.InDelta(t, 0.936, high.Claimed, 1e-9)
	assert.Equal(t, []int{5, 4}, []int{high.Links, high.Right})
	assert.Equal(t, map[string]score.Count{"": {Orphan: 1}, "wake": {Right: 4, Wrong: 1}, "time": {Right: 1, Wrong: 1}}, r.Methods)

	wake := r.Claims["wake"]
	require.Len(t, wake, 3, "narrow bins where it matters")
	assert.Equal(t, []float64{0.9, 0.95, 0.999}, []float64{wake[0].Low, wake[1].Low, wake[2].Low})
	assert.Equal(t, []int{3, 2}, []int{wake[0].Links, wake[0].Right})
	assert.Equal(t, []score.Bin{{Low: 0.5, Links: 2, Right: 1, Claimed: 0.53}}, r.Claims["time"])
}

func TestBinsOfSeveralRunsArePooled(t *testing.T) {
	var all []score.Bin
	all = score.Pool(all, []score.Bin{{Low: 0.9, Links: 1, Right: 1, Claimed: 0.9}})
	all = score.Pool(all, []score.Bin{{Low: 0.5, Links: 2, Right: 1, Claimed: 0.6}, {Low: 0.9, Links: 3, Right: 2, Claimed: 0.94}})
	require.Len(t, all, 2)
	assert.Equal(t, score.Bin{Low: 0.5, Links: 2, Right: 1, Claimed: 0.6}, all[0])
	assert.Equal(t, []int{4, 3}, []int{all[1].Links, all[1].Right})
	assert.InDelta(t, 0.93, all[1].Claimed, 1e-9)
}

func TestTheWarmUpAndWhatFailedDoNotCount(t *testing.T) {
	log := []truth.Request{
		{Token: 1, Phase: truth.PhaseWarm}, {Token: 2, Phase: truth.PhaseRun}, {Token: 3, Phase: truth.PhaseRun, Error: "timeout"},
	}
	assert.Equal(t, map[truth.Token]bool{2: true}, score.Measured(log))
}

func TestReleaseIsTimedFromTheEndOfTheLastSpan(t *testing.T) {
	var spans []score.Span
	for n := range byte(100) {
		s := span(server, n+1, 0, truth.Token(n+1))
		s.Start, s.End, s.Released = 0, 1_000_000_000, 1_000_000_000+int64(n+1)*1_000_000
		spans = append(spans, s)
	}
	r := score.Score(spans, score.Options{})
	require.NotNil(t, r.Release)
	assert.Equal(t, score.Release{P50: 50, P99: 99, Max: 100}, *r.Release)
	assert.Nil(t, score.Score(chain(7, 1), score.Options{}).Release, "not recorded")
}

func TestIntervalsAreWilsons(t *testing.T) {
	for _, tc := range []struct {
		k, n             int
		value, low, high float64
	}{
		// 0 of n: high = z²/(n+z²). 50 of 100: the textbook 0.404 to 0.596.
		{0, 100, 0, 0, 0.03699},
		{50, 100, 0.5, 0.40383, 0.59617},
		{100, 100, 1, 0.96301, 1},
		{1, 10, 0.1, 0.01788, 0.40415},
		{0, 0, 0, 0, 0},
	} {
		got := score.NewShare(tc.k, tc.n)
		assert.InDelta(t, tc.value, got.Value, 1e-9)
		assert.InDelta(t, tc.low, got.Low, 2e-5, "%d of %d", tc.k, tc.n)
		assert.InDelta(t, tc.high, got.High, 2e-5, "%d of %d", tc.k, tc.n)
	}
}

func TestRelinkMakesOneTraceOfEachTree(t *testing.T) {
	spans := chain(7, 1)
	spans = append(spans, chain(8, 11)...)
	no := score.NoParent
	got := score.Relink(spans, []int{no, 0, 1, 2, no, 4, no, 6})
	want := []uint64{1, 1, 1, 1, 5, 5, 7, 7}
	for i, s := range got {
		assert.Equal(t, want[i], binary.BigEndian.Uint64(s.Trace[8:]), "span %d", i)
	}
	assert.Equal(t, id(3), got[3].Parent)
	assert.True(t, got[6].Parent.IsEmpty())
	r := score.Score(got, score.Options{})
	assert.Equal(t, score.Count{Right: 4}, r.Calls)
	assert.Equal(t, score.Count{Right: 1, Orphan: 1}, r.Joins)
	assert.Equal(t, 1, r.TracesRight)
}

func TestRelinkEndsOnARing(t *testing.T) {
	got := score.Relink(chain(7, 1), []int{2, 0, 1, 2})
	for _, s := range got {
		assert.Equal(t, got[0].Trace, s.Trace)
	}
}

func TestSpansAreReadWithTheirProcessAndConnection(t *testing.T) {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("host.id", "h1")
	rs.Resource().Attributes().PutInt("process.pid", 42)
	rs.Resource().Attributes().PutStr("process.creation.time", "2026-01-01T00:00:00Z")
	rs.Resource().Attributes().PutInt(score.KeyReleased, 99)
	s := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetKind(client)
	s.SetTraceID(trace(3))
	s.SetSpanID(id(4))
	s.SetParentSpanID(id(5))
	s.SetStartTimestamp(10)
	s.SetEndTimestamp(20)
	a := s.Attributes()
	a.PutStr("network.local.address", "::ffff:127.0.0.1")
	a.PutInt("network.local.port", 5000)
	a.PutStr("network.peer.address", "127.0.0.1")
	a.PutInt("network.peer.port", 80)
	a.PutStr("url.full", "http://127.0.0.1/b1?id=tb-0000000000000007")
	a.PutStr("stitch.method", "wake")
	a.PutDouble("stitch.confidence", 0.97)
	calls := 0
	got := score.Append(nil, td, func(at int, sp ptrace.Span) {
		assert.Equal(t, 0, at)
		assert.Equal(t, s, sp)
		calls++
	})
	assert.Equal(t, 1, calls)
	want := between("127.0.0.1:5000", "127.0.0.1:80", score.Span{
		Trace: trace(3), ID: id(4), Parent: id(5), Kind: client, Start: 10, End: 20, Token: 7,
		Instance: score.Instance{Host: "h1", PID: 42, Created: "2026-01-01T00:00:00Z"},
		Method:   "wake", Confidence: 0.97, HasConfidence: true, Released: 99,
	})
	assert.Equal(t, []score.Span{want}, got)
}

func TestAnAddressThatIsNoneIsLeftOut(t *testing.T) {
	td := ptrace.NewTraces()
	s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.Attributes().PutStr("network.local.address", "/run/app.sock")
	s.Attributes().PutInt("network.local.port", 1)
	assert.False(t, score.Append(nil, td, nil)[0].Local.IsValid())
}

func TestTheTableIsAlignedAndSaysWhatIsMissing(t *testing.T) {
	var b strings.Builder
	full := score.Score(chain(7, 1), score.Options{Scenario: "java-mix", Load: "c64", Linker: "stitch"})
	none := score.Score(nil, score.Options{Scenario: "empty"})
	require.NoError(t, score.Table(&b, []*score.Result{full, none}))
	lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	require.Len(t, lines, 3)
	assert.Equal(t, []string{"java-mix", "c64", "stitch", "1", "0", "2", "100.0", "34.2", "0.0", "65.8", "0.0", "100.0", "1", "100.0", "0"}, strings.Fields(lines[1]))
	assert.Equal(t, []string{"empty", "0", "0", "0", "-", "-", "-", "-", "-", "-", "0", "-", "0"}, strings.Fields(lines[2]))
}

func BenchmarkScore(b *testing.B) {
	var spans []score.Span
	for n := range 10_000 {
		for _, s := range chain(truth.Token(n+1), 1) {
			binary.BigEndian.PutUint32(s.ID[:], uint32(n))
			if !s.Parent.IsEmpty() {
				binary.BigEndian.PutUint32(s.Parent[:], uint32(n))
			}
			binary.BigEndian.PutUint32(s.Trace[:], uint32(n))
			spans = append(spans, s)
		}
	}
	for b.Loop() {
		score.Score(spans, score.Options{})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(spans)), "ns/span")
}

func TestCandidatesCountAsClaimsOnly(t *testing.T) {
	candidate := func(parent byte, s score.Span) score.Span {
		s.Candidate = id(parent)
		return s
	}
	spans := []score.Span{
		span(server, 1, 0, 7), span(server, 2, 0, 8),
		candidate(1, sure(0.8, "tick", span(client, 3, 0, 7))),
		candidate(1, sure(0.6, "tick", span(client, 4, 0, 8))),
	}
	got := score.Score(spans, score.Options{})
	assert.Equal(t, score.Count{Orphan: 2}, got.Calls)
	assert.Equal(t, map[string]score.Count{"": {Orphan: 2}}, got.Methods)
	require.Len(t, got.Claims["tick"], 1)
	bin := got.Claims["tick"][0]
	assert.Equal(t, []int{2, 1}, []int{bin.Links, bin.Right})
	assert.InDelta(t, 0.7, bin.Claimed, 1e-9)
}

func TestSpanLinksAreCandidates(t *testing.T) {
	td := ptrace.NewTraces()
	s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetSpanID(id(2))
	s.Links().AppendEmpty().SetSpanID(id(9)) // somebody else's
	l := s.Links().AppendEmpty()
	l.SetSpanID(id(1))
	l.Attributes().PutStr("stitch.method", "submit")
	l.Attributes().PutDouble("stitch.confidence", 0.75)
	got := score.Append(nil, td, nil)[0]
	assert.Equal(t, id(1), got.Candidate)
	assert.Equal(t, "submit", got.Method)
	assert.InDelta(t, 0.75, got.Confidence, 1e-9)
	s.SetParentSpanID(id(3))
	assert.Zero(t, score.Append(nil, td, nil)[0].Candidate, "the parent was found otherwise")
}
