package link_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/link"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// wake is a message of thread wakee, which waker has woken on address.
func wake(waker, wakee uint32, address uint64) *window.Node {
	e := evidence.Exchange{Request: evidence.Message{
		Start: 1, End: 2, Point: evidence.Point{TID: wakee, IO: 1},
		Handoffs: []evidence.Handoff{{Time: 1, Address: address, SourceTID: waker, SourceIO: 1, WakerTID: waker, Source: evidence.ClientRead, Edge: evidence.Futex}},
	}}
	return window.NewNode(&e, false, 3)
}

func TestLocksAreTold(t *testing.T) {
	const word = 0x7f0000001000
	for _, tt := range []struct {
		name   string
		waker  func(i int) uint32
		wakee  func(i int) uint32
		wakes  int
		locked bool
	}{
		{"threads that wake each other share a lock", func(i int) uint32 { return uint32(1 + i%5) }, func(i int) uint32 { return uint32(1 + (i+1)%5) }, 40, true},
		{"twenty wakes are needed to tell", func(i int) uint32 { return uint32(1 + i%5) }, func(i int) uint32 { return uint32(1 + (i+1)%5) }, 19, false},
		{"one waiter has a future", func(i int) uint32 { return uint32(2 + i%8) }, func(int) uint32 { return 1 }, 400, false},
		{"workers and those who feed them share a queue", func(i int) uint32 { return uint32(100 + i%50) }, func(i int) uint32 { return uint32(1 + i%8) }, 400, false},
		{"a queue whose workers sometimes wake each other is still one", func(i int) uint32 {
			if i%3 == 0 {
				return uint32(1 + i%8)
			}
			return uint32(100 + i%50)
		}, func(i int) uint32 { return uint32(1 + (i+1)%8) }, 400, false},
		{"a crowd at a lock is no different", func(i int) uint32 { return uint32(1 + i*13%700) }, func(i int) uint32 { return uint32(1 + i*11%700) }, 9000, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := link.New(window.New(), func(*window.Node, window.Claim) {})
			for i := range tt.wakes {
				l.Learn(wake(tt.waker(i), tt.wakee(i), word))
			}
			assert.Equal(t, tt.locked, l.Locks() == 1)
		})
	}
}

func TestTheWakesOfALockAreNoHandoffs(t *testing.T) {
	claims := func(text string) []string {
		p := window.New()
		var all []string
		l := link.New(p, func(c *window.Node, claim window.Claim) {
			if claim.Parent != nil && claim.Score > 0 {
				all = append(all, fmt.Sprint(link.Describe(claim.Kind).Name, " ", c.Ref, " ", claim.Parent.Ref))
			}
		})
		for i := range 40 {
			l.Learn(wake(uint32(51+i%4), uint32(51+(i+1)%4), 0x7000))
		}
		require.Equal(t, 1, l.Locks())
		s := read(t, text)
		for _, n := range s.deliver(l, p, false) {
			if !n.Server {
				l.Ripe(n, false)
			}
		}
		return about(all, "completion", "completion_earlier", "completion_hops", "completion_shared", "completion_inside", "submit", "reply")
	}
	assert.Equal(t, []string{"completion a R"}, claims("1<R 2>a 2<a 2w1/9000 1>R"), "another word")
	assert.Empty(t, claims("1<R 2>a 2<a 2w1/7000 1>R"), "the word itself")
	assert.Empty(t, claims("1<R 2>a 2<a 2w1/7040 1>R"), "64 bytes from it")
	assert.Empty(t, claims("1<R 2>a 2<a 2w1/6fc0 1>R"), "before it")
	assert.Equal(t, []string{"completion a R"}, claims("1<R 2>a 2<a 2w1/7041 1>R"), "65 bytes")
	assert.Equal(t, []string{"completion a R"}, claims("1<R 2>a 2<a 2w1/9000 3>b 3<b 3w1/7000 1>R"), "a lock afterwards does not make it an earlier one")
	assert.Empty(t, claims("1<R 2>a 2<a 2h1/9000 1>R"), "with a lock about, hops are noise")
	assert.Empty(t, claims("1<R 1w2/7000 2>a 2<a 1>R"), "no submission, either")
	assert.Equal(t, []string{"reply a R"}, claims("1<R 2>a 2<a 3<S 3w2/7000 2>R 3>S"), "sleeping for a lock is not sleeping")
	assert.Empty(t, claims("1<R 2>a 2<a 3<S 3w2/9000 2>R 3>S"), "for anything else is")
	assert.Empty(t, claims("1<R 2>a 2<a 2wait 2>R"), "and so is not knowing for what")
}

func TestAWordThatManyWaitForMayBeALock(t *testing.T) {
	p := window.New()
	kinds := map[string]int{}
	l := link.New(p, func(c *window.Node, claim window.Claim) { kinds[link.Describe(claim.Kind).Name]++ })
	for i := range 6 {
		l.Learn(wake(uint32(50+i), uint32(60+i), 0xa0))
	}
	read(t, "1<R 2>a 2<a 2w1/a0 1>R").deliver(l, p, false)
	assert.Equal(t, map[string]int{"completion_shared": 1}, kinds)
}

func TestFutexWordsAreBounded(t *testing.T) {
	l := link.New(window.New(), func(*window.Node, window.Claim) {})
	for i := range 3000 {
		l.Learn(wake(1, 2, uint64(i+1)*4096))
	}
	words := l.Dropped().Words
	assert.Equal(t, 3000-1024, words)
	words = l.Dropped().Words
	assert.Zero(t, words)
}

// decide plays a script in which b follows a on one thread, and links a and b.
func decide(t *testing.T, l *link.Linker, p *window.Process, agree bool) {
	nodes := map[string]*window.Node{}
	for _, n := range read(t, "1<R 8<S 2>a 2<a 2>b 2<b 3>R 9>S").deliver(l, p, false) {
		nodes[n.Ref.(string)] = n
	}
	other := nodes["R"]
	if !agree {
		other = nodes["S"]
	}
	for name, parent := range map[string]*window.Node{"a": nodes["R"], "b": other} {
		n := nodes[name]
		n.State, n.Parent, n.Kind = window.Linked, parent, link.Finish
	}
	l.Decided(nodes["b"])
	l.Advance(nodes["b"].End + 1)
	for _, n := range nodes {
		p.Remove(n)
	}
}

func TestSupportingEvidenceEarnsTrustByAgreement(t *testing.T) {
	for _, tt := range []struct {
		name        string
		agree, not  int
		score       bool
		trustLikely bool
	}{
		{"without samples a call that follows is worth little", 0, 0, false, false},
		{"with a few it is no different", 19, 0, false, false},
		{"a few that do not silence it", 5, 2, false, true},
		{"twenty that agree make it likely", 20, 0, true, true},
		{"one of forty that does not silences it", 39, 1, false, true},
		{"one of a hundred does not", 99, 1, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := window.New()
			var last *window.Claim
			l := link.New(p, func(_ *window.Node, c window.Claim) {
				if c.Kind == link.Next {
					last = &c
				}
			})
			for range tt.not {
				decide(t, l, p, false)
			}
			for range tt.agree {
				decide(t, l, p, true)
			}
			nodes := read(t, "2>a 2<a 2>b 2<b").deliver(l, p, false)
			l.Ripe(nodes[1], false)
			require.NotNil(t, last)
			assert.Equal(t, tt.score, last.Score >= 0.9, "%v", last.Score)
			assert.Equal(t, tt.trustLikely, last.Trust == window.Likely)
		})
	}
}

func TestBeingTheOnlyRequestCountsAloneWhereNothingIsCalledUnasked(t *testing.T) {
	for _, tt := range []struct {
		name            string
		inside, outside int
		likely          bool
	}{
		{"not known yet", 5, 0, false},
		{"only requests make calls", 25, 0, true},
		{"there are calls without a request", 25, 5, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := window.New()
			var last *window.Claim
			l := link.New(p, func(_ *window.Node, c window.Claim) {
				if c.Kind == link.Only {
					last = &c
				}
			})
			play := func(text string) {
				for _, n := range read(t, text).deliver(l, p, false) {
					if !n.Server {
						l.Ripe(n, true)
					}
					defer p.Remove(n)
				}
			}
			for range tt.outside {
				play("2>a 2<a")
			}
			for range tt.inside {
				play("1<R 2>a 2<a 3>R")
			}
			require.NotNil(t, last)
			assert.Equal(t, tt.likely, last.Trust == window.Likely)
		})
	}
}

func TestIsolationCountsAloneWhereMostCallsHaveProvedIt(t *testing.T) {
	for _, tt := range []struct {
		name                string
		right, wrong, other int // calls whose link agrees, does not, and calls without a link
		likely              bool
	}{
		{"not known yet", 39, 0, 0, false},
		{"enough that agree", 40, 0, 0, true},
		{"one that does not, of too few", 50, 1, 0, false},
		{"one that does not, of many", 120, 1, 0, true},
		{"most calls have no link", 40, 0, 50, false},
		{"half of them have one", 60, 0, 55, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := window.New()
			var last *window.Claim
			l := link.New(p, func(_ *window.Node, c window.Claim) {
				if c.Kind == link.Isolated {
					last = &c
				}
			})
			play := func(parent int) {
				nodes := read(t, "4<S 4>S zzz 1<R 2>a 2<a 3>R").deliver(l, p, false)
				call := nodes[1]
				if parent >= 0 {
					call.State, call.Kind, call.Parent = window.Linked, link.Reply, nodes[parent]
					l.Decided(call)
					l.Advance(call.End + 1)
				} else {
					l.Ripe(call, true)
				}
				for _, n := range nodes {
					p.Remove(n)
				}
			}
			for range tt.other {
				play(-1)
			}
			for range tt.wrong {
				play(0)
			}
			for range tt.right {
				play(2)
			}
			play(-1)
			require.NotNil(t, last)
			assert.Equal(t, tt.likely, last.Trust == window.Likely)
			assert.Equal(t, tt.likely, last.Score >= 0.98)
		})
	}
}

func TestKindsAreDescribed(t *testing.T) {
	names := map[string]bool{}
	for k := window.Kind(0); k < link.Kinds; k++ {
		d := link.Describe(k)
		assert.NotEmpty(t, d.Name)
		assert.False(t, names[d.Name], d.Name)
		names[d.Name] = true
		assert.Greater(t, d.Precision, 0.0)
		assert.LessOrEqual(t, d.Precision, 1.0)
		if d.Trust >= window.Decisive {
			assert.GreaterOrEqual(t, d.Precision, 0.99, d.Name)
		}
		if d.Precision == 1 {
			assert.Equal(t, window.Exact, d.Trust, "only an identity is certain")
		}
	}
	assert.Empty(t, link.Describe(link.Kinds).Name)
}

func TestFirstCallsSpeakForTheirNeighbours(t *testing.T) {
	// In each round a follows R, and b, which better evidence links, follows a; or
	// chance has put a behind S. Only calls like b are ever decided otherwise.
	score := func(right, wrong int) float64 {
		p := window.New()
		var last window.Claim
		l := link.New(p, func(_ *window.Node, c window.Claim) {
			if c.Kind == link.Adjacent {
				last = c
			}
		})
		text := "1g7 1<R 1g8 1>a 2g6 2<a 2g8 2>b 3g6 3<b 3g7 3>R 4g5 4<S 4>S"
		play := func(linked string) map[string]*window.Node {
			nodes := map[string]*window.Node{}
			for _, n := range read(t, text).deliver(l, p, false) {
				nodes[n.Ref.(string)] = n
			}
			b := nodes["b"]
			if linked != "" {
				b.State, b.Kind, b.Parent = window.Linked, link.Reply, nodes[linked]
				l.Decided(b)
				l.Advance(b.End + 1)
			}
			return nodes
		}
		forget := func(nodes map[string]*window.Node) {
			for _, n := range nodes {
				p.Remove(n)
			}
		}
		for range right {
			forget(play("R"))
		}
		for range wrong {
			forget(play("S"))
		}
		l.Ripe(play("")["a"], false)
		return last.Score
	}
	assert.InDelta(t, 0.98, score(0, 0), 1e-9)
	assert.InDelta(t, 0.98, score(0, 30), 1e-9, "it is not known which of the two is wrong")
	assert.Greater(t, score(100, 0), 0.97)
}

// A program that gives its calls an id which it keeps from an earlier request: certain links tell.
func TestCertainLinksTellWhatRequestIDsAreWorth(t *testing.T) {
	p := window.New()
	var score float64
	l := link.New(p, func(_ *window.Node, c window.Claim) {
		if c.Kind == link.RequestID {
			score = c.Score
		}
	})
	play := func(certain bool) {
		nodes := map[string]*window.Node{}
		all := read(t, "1<R R#aaaaaaaa 2<S 3>a a#aaaaaaaa 3<a 4>R 5>S").deliver(l, p, false)
		for _, n := range all {
			nodes[n.Ref.(string)] = n
		}
		call := nodes["a"]
		if certain {
			call.State, call.Kind, call.Parent = window.Linked, link.Thread, nodes["S"]
			l.Decided(call)
			l.Advance(call.End + 1)
		} else {
			l.Ripe(call, true)
		}
		for _, n := range all {
			p.Remove(n)
		}
	}
	play(false)
	assert.InDelta(t, 0.99, score, 1e-9)
	for range 20 {
		play(true)
	}
	play(false)
	assert.Less(t, score, 0.9)
}
