package solve_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/link"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/solve"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func node(server bool, start, end int64) *window.Node {
	e := evidence.Exchange{
		Request:  evidence.Message{Start: start, End: start},
		Response: evidence.Message{Start: end - 1, End: end},
	}
	return window.NewNode(&e, server, end)
}

// fixture is two requests that are open from 10 and 11 to 89, and to 90 the replies
// of which take, and a call from 20 to 30.
type fixture struct {
	p          *window.Process
	r, s, call *window.Node
	decisions  []solve.Decision
	solver     *solve.Solver
}

func newFixture(change func(*solve.Config)) *fixture {
	f := &fixture{p: window.New(), r: node(true, 10, 90), s: node(true, 11, 90), call: node(false, 20, 30)}
	c := solve.Config{MinConfidence: 0.9, MaxAge: 1000, MaxChildren: 2}
	if change != nil {
		change(&c)
	}
	f.solver = solve.New(c, func(d solve.Decision) { f.decisions = append(f.decisions, d) })
	for _, n := range []*window.Node{f.r, f.s, f.call} {
		f.p.Add(n)
	}
	return f
}

func inTrace(id byte) *window.Carried {
	return &window.Carried{Contexts: []window.Context{{Trace: [16]byte{id}}}}
}

func (f *fixture) claim(parent *window.Node, k window.Kind) {
	d := link.Describe(k)
	f.solver.Claim(f.call, window.Claim{Parent: parent, Kind: k, Score: d.Precision, Trust: d.Trust})
}

func (f *fixture) last(t *testing.T) solve.Decision {
	t.Helper()
	require.NotEmpty(t, f.decisions)
	return f.decisions[len(f.decisions)-1]
}

func TestDecisiveEvidenceDecidesAtOnce(t *testing.T) {
	for _, k := range []window.Kind{link.Context, link.Goroutine, link.Thread, link.Reply, link.Finish, link.FinishInside, link.TickOrder} {
		f := newFixture(nil)
		f.claim(f.r, k)
		d := f.last(t)
		assert.Equal(t, solve.Link, d.Verdict, link.Describe(k).Name)
		assert.Same(t, f.r, d.Parent)
		assert.Equal(t, k, d.Kind)
		assert.GreaterOrEqual(t, d.Confidence, 0.99)
		assert.Equal(t, window.Linked, f.call.State)
		assert.EqualValues(t, 1, f.r.Children)
		assert.Nil(t, f.p.FirstUndecided(0, 100))
		f.claim(f.r, k)
		f.solver.Final(f.call, solve.NoCandidate)
		assert.Len(t, f.decisions, 1, "one decision is enough")
	}
}

func TestOnlyTheCallersOwnWordsAreCertain(t *testing.T) {
	f := newFixture(nil)
	f.claim(f.r, link.Context)
	assert.Equal(t, 1.0, f.last(t).Confidence)
	f = newFixture(nil)
	f.claim(f.r, link.Thread)
	f.claim(f.r, link.Reply)
	assert.Less(t, f.last(t).Confidence, 1.0)
}

func TestWhatIsOnlyLikelyWaits(t *testing.T) {
	f := newFixture(nil)
	f.claim(f.r, link.Adjacent)
	assert.Empty(t, f.decisions)
	f.solver.Final(f.call, solve.NoCandidate)
	assert.Equal(t, solve.Link, f.last(t).Verdict)
	assert.Equal(t, link.Adjacent, f.last(t).Kind)
}

func TestWeighing(t *testing.T) {
	type claim struct {
		second bool // for the second request
		kind   window.Kind
	}
	for _, tt := range []struct {
		name    string
		claims  []claim
		verdict solve.Verdict
		second  bool
		kind    window.Kind
		cause   solve.Cause
	}{
		{"no claim, no parent", nil, solve.Alone, false, 0, solve.NoCandidate},
		{"supporting evidence alone decides nothing", []claim{{false, link.Submit}}, solve.Alone, false, 0, solve.Weak},
		{"nor does it twice, of one class", []claim{{false, link.Only}, {false, link.Order}, {false, link.Elimination}}, solve.Alone, false, 0, solve.Weak},
		{"two classes of it do", []claim{{false, link.Submit}, {false, link.Order}}, solve.Link, false, link.Submit, 0},
		{"if they agree", []claim{{false, link.Submit}, {true, link.Order}}, solve.Alone, false, 0, solve.Weak},
		{"a claim that is hardly better than chance confirms nothing", []claim{{false, link.Submit}, {false, link.Next}}, solve.Alone, false, 0, solve.Weak},
		{"likely evidence for both is not sure", []claim{{false, link.LoopWake}, {true, link.Adjacent}}, solve.Low, true, link.Adjacent, solve.Weak},
		{"unless more speaks for one", []claim{{false, link.LoopWake}, {true, link.Adjacent}, {true, link.Submit}}, solve.Link, true, link.Adjacent, 0},
		{"times alone do not contradict", []claim{{false, link.LoopWake}, {true, link.Order}}, solve.Link, false, link.LoopWake, 0},
		{"a submission does", []claim{{false, link.LoopWake}, {true, link.Submit}}, solve.Low, false, link.LoopWake, solve.Weak},
		{"what is decisive is better than what is likely", []claim{{true, link.FinishHops}, {false, link.Finish}}, solve.Link, false, link.Finish, 0},
		{"a kind with too little precision is not enough", []claim{{false, link.FinishShared}}, solve.Alone, false, 0, solve.NoCandidate},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(nil)
			for _, c := range tt.claims {
				parent := f.r
				if c.second {
					parent = f.s
				}
				f.claim(parent, c.kind)
			}
			f.solver.Final(f.call, solve.NoCandidate)
			d := f.last(t)
			assert.Equal(t, tt.verdict, d.Verdict, "%+v", d)
			if tt.verdict == solve.Alone {
				assert.Nil(t, d.Parent)
				assert.Equal(t, tt.cause, d.Cause)
				return
			}
			assert.Equal(t, tt.second, d.Parent == f.s)
			assert.Equal(t, tt.kind, d.Kind)
			if tt.verdict == solve.Low {
				assert.Less(t, d.Confidence, 0.9)
				assert.Equal(t, window.Orphan, f.call.State)
			}
		})
	}
}

func TestAgreementRaisesConfidence(t *testing.T) {
	alone := newFixture(nil)
	alone.claim(alone.r, link.LoopWake)
	alone.solver.Final(alone.call, solve.NoCandidate)
	both := newFixture(nil)
	both.claim(both.r, link.LoopWake)
	both.claim(both.r, link.Submit)
	both.solver.Final(both.call, solve.NoCandidate)
	assert.Greater(t, both.last(t).Confidence, alone.last(t).Confidence)
	assert.InDelta(t, link.Describe(link.LoopWake).Precision, alone.last(t).Confidence, 1e-9)
}

func TestDecisiveEvidenceThatContradictsItselfDecidesNothing(t *testing.T) {
	f := newFixture(nil)
	f.claim(f.r, link.Finish)
	assert.Equal(t, solve.Link, f.last(t).Verdict)
	f.claim(f.s, link.Finish)
	assert.Equal(t, solve.Revoke, f.last(t).Verdict)
	assert.Equal(t, solve.Conflict, f.last(t).Cause)
	assert.Equal(t, 1, f.solver.Conflicts)
	assert.Zero(t, f.r.Children)
	f.claim(f.r, link.FinishInside)
	f.solver.Final(f.call, solve.NoCandidate)
	assert.Len(t, f.decisions, 2, "it stays revoked")
}

func TestAThreadThatUsedTheReplyItselfRefutesACompletion(t *testing.T) {
	for _, k := range []window.Kind{link.Thread, link.Reply} {
		f := newFixture(nil)
		f.claim(f.r, link.Finish)
		f.claim(f.s, k)
		require.Len(t, f.decisions, 3)
		assert.Equal(t, solve.Revoke, f.decisions[1].Verdict)
		assert.Equal(t, solve.Link, f.decisions[2].Verdict)
		assert.Same(t, f.s, f.decisions[2].Parent)
		f.claim(f.r, link.FinishInside)
		assert.Len(t, f.decisions, 3, "and further ones")
	}
}

func TestAContradictionBeforeAnyDecision(t *testing.T) {
	f := newFixture(func(c *solve.Config) { c.MinConfidence = 1 })
	f.claim(f.r, link.Finish)
	f.claim(f.s, link.Finish)
	f.solver.Final(f.call, solve.NoCandidate)
	require.Len(t, f.decisions, 1)
	assert.Equal(t, solve.Alone, f.last(t).Verdict)
	assert.Equal(t, solve.Conflict, f.last(t).Cause)
	assert.Equal(t, 1, f.solver.Conflicts)
}

func TestDecisiveEvidenceOverridesALikelyDecision(t *testing.T) {
	f := newFixture(nil)
	f.claim(f.r, link.Adjacent)
	f.solver.Final(f.call, solve.NoCandidate)
	f.claim(f.r, link.Finish)
	assert.Len(t, f.decisions, 1, "which it confirms")
	f.claim(f.s, link.Finish)
	assert.Equal(t, solve.Revoke, f.last(t).Verdict, "or else takes back")
}

func TestALateLink(t *testing.T) {
	f := newFixture(nil)
	f.solver.Final(f.call, solve.Deadline)
	assert.Equal(t, solve.Deadline, f.last(t).Cause)
	f.claim(f.r, link.Finish)
	assert.Equal(t, solve.Link, f.last(t).Verdict, "decisive evidence is still heard")
	g := newFixture(nil)
	g.solver.Final(g.call, solve.Deadline)
	g.claim(g.r, link.Adjacent)
	assert.Len(t, g.decisions, 1, "other evidence is not")
}

func TestSiblings(t *testing.T) {
	f := newFixture(nil)
	other := node(false, 12, 18)
	f.p.Add(other)
	f.solver.Claim(f.call, window.Claim{Sibling: other, Kind: link.Tick, Score: 0.98, Trust: window.Likely})
	f.solver.Claim(other, window.Claim{Parent: f.r, Kind: link.Reply, Score: 0.9998, Trust: window.Decisive})
	f.solver.Final(f.call, solve.NoCandidate)
	assert.Same(t, f.r, f.last(t).Parent)
	assert.InDelta(t, 0.98, f.last(t).Confidence, 0.001)

	g := newFixture(nil)
	unknown := node(false, 12, 18)
	g.p.Add(unknown)
	g.solver.Claim(g.call, window.Claim{Sibling: unknown, Kind: link.Tick, Score: 0.98, Trust: window.Likely})
	g.solver.Final(g.call, solve.NoCandidate)
	assert.Equal(t, solve.Alone, g.last(t).Verdict, "of a call that is an orphan itself nothing follows")
}

func TestGuards(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(f *fixture)
		kind   window.Kind
		guard  solve.Guard
	}{
		{"a call cannot begin before its request", func(f *fixture) { f.call.Request.Start = 9 }, link.Thread, solve.Before},
		{"it can begin with it", func(f *fixture) { f.call.Request.Start = 10 }, link.Thread, solve.Passed},
		{"nor after the reply", func(f *fixture) { f.call.Request.Start = 90 }, link.Thread, solve.Answered},
		{"it can begin with the reply", func(f *fixture) { f.call.Request.Start = 89 }, link.Thread, solve.Passed},
		{"an identity holds while the reply is being written", func(f *fixture) { f.call.Request.Start = 90 }, link.Goroutine, solve.Passed},
		{"and not after that", func(f *fixture) { f.call.Request.Start = 91 }, link.Goroutine, solve.Answered},
		{"a thread made before the reply may call after it", func(f *fixture) { f.call.Request.Start = 500 }, link.Clone, solve.Passed},
		{"but not for ever", func(f *fixture) { f.call.Request.Start = 1011 }, link.Clone, solve.Age},
		{"a request has a limited number of calls", func(f *fixture) { f.r.Children = 2 }, link.Thread, solve.Fanout},
		{"two different traces on the wire do not mix", func(f *fixture) { f.r.Carried, f.call.Carried = inTrace(1), inTrace(2) }, link.Thread, solve.Trace},
		{"a trace on one side is no contradiction", func(f *fixture) { f.call.Carried = inTrace(2) }, link.Thread, solve.Passed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(nil)
			tt.change(f)
			f.claim(f.r, tt.kind)
			if tt.guard == solve.Passed {
				f.solver.Final(f.call, solve.NoCandidate)
				assert.Equal(t, solve.Link, f.last(t).Verdict)
				return
			}
			assert.Empty(t, f.decisions)
			assert.Equal(t, 1, f.solver.Rejected[tt.guard])
			f.solver.Final(f.call, solve.NoCandidate)
			assert.Equal(t, solve.Alone, f.last(t).Verdict)
		})
	}
}

func TestNonsenseIsIgnored(t *testing.T) {
	f := newFixture(nil)
	claims := []window.Claim{
		{Parent: f.call, Kind: link.Thread, Score: 1, Trust: window.Decisive},
		{Sibling: f.call, Kind: link.Next, Score: 1, Trust: window.Decisive},
		{Parent: f.r, Kind: link.Thread, Score: 0, Trust: window.Decisive},
	}
	for _, c := range claims {
		f.solver.Claim(f.call, c)
		f.solver.Claim(f.r, c)
	}
	assert.Empty(t, f.decisions)
	assert.Empty(t, f.call.Claims)
}

func TestTheClaimsOfACallAreBounded(t *testing.T) {
	f := newFixture(func(c *solve.Config) { c.MinConfidence = 1 })
	for range 40 {
		r := node(true, 15, 80)
		f.p.Add(r)
		f.claim(r, link.Adjacent)
	}
	assert.Len(t, f.call.Claims, 24)
	assert.Equal(t, 16, f.solver.Overflow)
	f.solver.Final(f.call, solve.NoCandidate)
	assert.NotEqual(t, solve.Link, f.last(t).Verdict)
}

func TestAStrongClaimFindsRoomAmongWeakOnes(t *testing.T) {
	f := newFixture(nil)
	for range 40 {
		r := node(true, 15, 80)
		f.p.Add(r)
		f.claim(r, link.Adjacent)
	}
	f.claim(f.r, link.Reply)
	assert.Len(t, f.call.Claims, 24)
	assert.Same(t, f.r, f.last(t).Parent)
}

func TestNames(t *testing.T) {
	for c := solve.Cause(0); c < solve.Causes; c++ {
		assert.NotEqual(t, "unknown", c.String())
	}
	for g := solve.Guard(0); g < solve.Guards; g++ {
		assert.NotEqual(t, "unknown", g.String())
	}
	assert.Equal(t, "unknown", solve.Cause(99).String())
	assert.Equal(t, "unknown", solve.Guard(99).String())
}

func BenchmarkDecision(b *testing.B) {
	f := newFixture(nil)
	b.ReportAllocs()
	for b.Loop() {
		f.decisions = f.decisions[:0]
		f.call.State, f.call.Parent, f.call.Claims, f.r.Children = window.Undecided, nil, f.call.Claims[:0], 0
		f.claim(f.r, link.Adjacent)
		f.claim(f.r, link.Submit)
		f.claim(f.s, link.Order)
		f.solver.Final(f.call, solve.NoCandidate)
	}
}

func TestARequestThatHasLeftIsNoParent(t *testing.T) {
	f := newFixture(nil)
	f.claim(f.r, link.FinishEarlier)
	f.p.Remove(f.r)
	f.solver.Final(f.call, solve.Deadline)
	assert.Equal(t, solve.Alone, f.last(t).Verdict)
	f.claim(f.r, link.Reply)
	assert.Len(t, f.decisions, 1)
	assert.Equal(t, 1, f.solver.Rejected[solve.Gone])
}

func TestACallThatHasLeftIsNotDecidedAgain(t *testing.T) {
	f := newFixture(nil)
	f.claim(f.r, link.Reply)
	f.p.Remove(f.call)
	f.claim(f.s, link.Reply)
	assert.Len(t, f.decisions, 1)
}

// More candidates than are weighed: the odds of those that are not would be missing.
func TestACallWithTooManyCandidatesIsNotDecided(t *testing.T) {
	for name, tt := range map[string]struct {
		requests int
		want     solve.Verdict
		cause    solve.Cause
	}{
		"a sure one among seven weak ones": {7, solve.Link, 0},
		"a sure one among many weak ones":  {8, solve.Alone, solve.Crowded},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(nil)
			for i := range tt.requests {
				r := node(true, 10, 90)
				r.Request.TID, r.Response.TID = uint32(100+i), uint32(200+i)
				f.p.Add(r)
				f.solver.Claim(f.call, window.Claim{Parent: r, Kind: link.Submit, Score: 0.6, Trust: window.Support})
			}
			f.solver.Claim(f.call, window.Claim{Parent: f.r, Kind: link.Adjacent, Score: 0.999, Trust: window.Likely})
			f.solver.Final(f.call, solve.NoCandidate)
			last := f.last(t)
			assert.Equal(t, tt.want, last.Verdict)
			assert.Equal(t, tt.cause, last.Cause)
		})
	}
}

func TestWhatIsNotSureEnoughIsCalibrated(t *testing.T) {
	for claimed, want := range map[float64]float64{0.6: 0.75, 0.8: 0.889, 0.88: 0.899, 0.9: 0.9, 0.95: 0.95} {
		f := newFixture(func(c *solve.Config) { c.MinConfidence = 0.98 })
		f.solver.Claim(f.call, window.Claim{Parent: f.r, Kind: link.Adjacent, Score: claimed, Trust: window.Likely})
		f.solver.Final(f.call, solve.NoCandidate)
		d := f.last(t)
		assert.Equal(t, solve.Low, d.Verdict)
		assert.InDelta(t, want, d.Confidence, 0.001, "%v", claimed)
	}
}
