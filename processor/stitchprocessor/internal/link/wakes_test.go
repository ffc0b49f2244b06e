package link_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/link"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// collect plays a script into a linker that lives on, and returns its claims.
func collect(t *testing.T, l *link.Linker, p *window.Process, claims *[]string, text string) []string {
	*claims = nil
	for _, n := range read(t, text).deliver(l, p, false) {
		if !n.Server {
			l.Ripe(n, false)
		}
	}
	return *claims
}

func newLinker() (*link.Linker, *window.Process, *[]string) {
	p, claims := window.New(), &[]string{}
	l := link.New(p, func(c *window.Node, claim window.Claim) {
		if claim.Parent != nil && claim.Score > 0 {
			*claims = append(*claims, fmt.Sprint(link.Describe(claim.Kind).Name, " ", c.Ref, " ", claim.Parent.Ref))
		}
	})
	return l, p, claims
}

func TestWhatAWakerPassesOnBesideItsOwnMessage(t *testing.T) {
	for _, tt := range []struct {
		name  string
		own   evidence.Kind // last message of the waker, thread 2
		other uint32        // who passed on the relayed context
		want  []string
	}{
		{"does not count if it had read a reply itself", evidence.ClientRead, 2, nil},
		{"nor if it had read a request", evidence.ServerRead, 2, nil},
		{"counts if it had only written a call", evidence.ClientWrite, 2, []string{"completion_hops a R"}},
		{"counts if another thread passed it on", evidence.ClientRead, 3, []string{"completion_hops a R"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, p, claims := newLinker()
			s := read(t, "1<R 5>a 5<a 1wait 1>R")
			out := &s.spans["R"].exchange.Response
			out.Handoffs = []evidence.Handoff{
				{Time: out.Start - 1, Address: 0xa0, SourceTID: 2, SourceIO: 9, WakerTID: 2, Source: tt.own, Edge: evidence.Futex},
				{Time: out.Start - 1, Address: 0xa0, SourceTID: 5, SourceIO: 2, WakerTID: tt.other, Source: evidence.ClientRead, Edge: evidence.Futex, Hops: 1},
			}
			s.deliver(l, p, false)
			assert.ElementsMatch(t, tt.want, *claims)
		})
	}
}

func TestHopsCountOnlyForAThreadThatWaitsInItsRequest(t *testing.T) {
	l, p, claims := newLinker()
	assert.Equal(t, []string{"completion_hops a R"}, about(collect(t, l, p, claims, "1<R 2>a 2<a 2h1/a0 1>R"), "completion_hops"))
	l, p, claims = newLinker()
	assert.Empty(t, about(collect(t, l, p, claims, "9<R 2>a 2<a 2h1/a0 1>R"), "completion_hops"), "another one has read it")
	l, p, claims = newLinker()
	assert.Empty(t, about(collect(t, l, p, claims, "1tick 1<R 2>a 2<a 2h1/a0 1>R"), "completion_hops"), "nor for an event loop")
}

func TestAPoolThreadThatRepliesIsToldNothing(t *testing.T) {
	l, p, claims := newLinker()
	got := collect(t, l, p, claims, "1<R 2>a 2<a 3>b 3<b 3w2/a0 2>R")
	assert.Empty(t, about(got, "completion", "completion_earlier", "completion_hops"), "it has read a reply itself")
	l, p, claims = newLinker()
	own := "2<R 2>a 2<a 3>b 3<b 3w2/a0 2>R"
	got = collect(t, l, p, claims, own)
	assert.Equal(t, []string{"completion_shared b R"}, about(got, "completion", "completion_shared"),
		"unless the request is its own: then it may have been a lock")
	for range 64 {
		*claims = nil
		for _, n := range read(t, own).deliver(l, p, false) {
			p.Remove(n)
		}
	}
	assert.Contains(t, *claims, "completion b R", "which it would be known for by now")
}

func TestAPauseOfTheWholeProgramIsNoSleep(t *testing.T) {
	l, p, claims := newLinker()
	// Thread 99, which does no I/O, ends a pause of threads 2 to 4 on one word.
	pause := "2<A 3<B 4<C 2h3/e0 2h4/e0 2h2/e0 3>B 4>C 2>A "
	got := collect(t, l, p, claims, pause+"1<R 2>a 2<a 3h2/e0 2>R")
	assert.Equal(t, []string{"reply a R"}, about(got, "reply"))

	l, p, claims = newLinker()
	got = collect(t, l, p, claims, pause+"1<R 2>a 2<a 3h2/f0 2>R")
	assert.Empty(t, about(got, "reply"), "another word is something else")

	l, p, claims = newLinker()
	got = collect(t, l, p, claims, "2<A 3<B 4<C 2w3/e0 3w4/e0 4w2/e0 3>B 4>C 2>A 1<R 2>a 2<a 3h2/e0 2>R")
	assert.Empty(t, about(got, "reply"), "and so is one that threads with I/O wake")
}

func TestCompletionsThatThreadsRefuteAreNotBelievedAnyMore(t *testing.T) {
	l, p, claims := newLinker()
	// Thread 1 serves R and calls for it; it wakes thread 2, which waits for a lock.
	refuted := "1<R 2<S 1>a 1<a 1w2/a0 2>S 1>R"
	for i := range 25 {
		nodes := map[string]*window.Node{}
		*claims = nil
		for _, n := range read(t, refuted).deliver(l, p, false) {
			nodes[n.Ref.(string)] = n
		}
		if i == 0 {
			assert.Contains(t, *claims, "completion a S")
		}
		a := nodes["a"]
		a.State, a.Parent, a.Kind = window.Linked, nodes["R"], link.Thread
		a.Claims = []window.Claim{{Parent: nodes["S"], Kind: link.Finish}}
		l.Decided(a)
		for _, n := range nodes {
			p.Remove(n)
		}
	}
	got := collect(t, l, p, claims, "1<R 2>a 2<a 2w1/b0 1>R")
	assert.Empty(t, about(got, "completion"))
	const inside = "1<R 1>b 1<b 2>a 2<a 2w1/b0 1>c 1<c 1>R"
	got = collect(t, l, p, claims, inside)
	assert.Empty(t, about(got, "completion_inside"), "nor within a request")
	l, p, claims = newLinker()
	assert.Equal(t, []string{"completion_inside a R"}, about(collect(t, l, p, claims, inside), "completion_inside"))
}

func TestACloneCountsWhereThreadsAreMadeForTasks(t *testing.T) {
	trust := func(first, later int) window.Trust {
		p := window.New()
		var last window.Claim
		l := link.New(p, func(_ *window.Node, c window.Claim) {
			if c.Kind == link.Clone {
				last = c
			}
		})
		makeThreads(l, first, later)
		for _, n := range read(t, "1<R 1c2 2>a 2<a 1>R").deliver(l, p, false) {
			if !n.Server {
				l.Ripe(n, false)
			}
		}
		return last.Trust
	}
	assert.Equal(t, window.Support, trust(0, 0), "not known yet")
	assert.Equal(t, window.Support, trust(64, 0), "a pool may have as many threads")
	assert.Equal(t, window.Likely, trust(200, 100), "a thread for each task, with one or two calls")
	assert.Equal(t, window.Support, trust(130, 5000), "a large pool")
}

// makeThreads has l learn calls that are the first thing that their thread does, and others.
func makeThreads(l *link.Linker, first, later int) {
	for i := range first + later {
		e := evidence.Exchange{Request: evidence.Message{Start: 1, Point: evidence.Point{TID: 9, IO: 1}}}
		if i >= first {
			e.Request.IO = 2
		}
		l.Learn(window.NewNode(&e, false, 2))
	}
}

func TestAThreadThatWasMadeForOneRequestCompletesNoOtherOne(t *testing.T) {
	const forgotten = "1<R 1c2 1>R 3<S 2>a 2<a 2w3/b0 3>S"
	l, p, claims := newLinker()
	assert.Equal(t, []string{"completion a S"}, about(collect(t, l, p, claims, forgotten), "completion"), "a pool may have made it")

	l, p, claims = newLinker()
	makeThreads(l, 200, 100)
	assert.Empty(t, about(collect(t, l, p, claims, forgotten), "completion"))
	const awaited = "1<R 1c2 2>a 2<a 2w1/b0 1>R"
	assert.Equal(t, []string{"completion a R"}, about(collect(t, l, p, claims, awaited), "completion"))
}

func TestAThreadThatWasMadeForATaskIsSubmittedNoOtherOne(t *testing.T) {
	const locked = "1<R 1c2 3<S 3w2/a 2>a 2<a 1>R 3>S"
	l, p, claims := newLinker()
	assert.Equal(t, []string{"submit a S"}, about(collect(t, l, p, claims, locked), "submit"), "a pool may have made it")
	l, p, claims = newLinker()
	makeThreads(l, 200, 100)
	assert.Empty(t, about(collect(t, l, p, claims, locked), "submit"))
}

func TestNeighboursInGoAreWorthWhatTheyProved(t *testing.T) {
	score := func(right, wrong int) float64 {
		p := window.New()
		var last window.Claim
		l := link.New(p, func(_ *window.Node, c window.Claim) {
			if c.Kind == link.Adjacent {
				last = c
			}
		})
		text := "1g7 1<R 5g9 5<S 1g8 1>a 1tick 1g8 1<a 1g7 1>R 5g9 5>S"
		for i := range right + wrong {
			nodes := map[string]*window.Node{}
			for _, n := range read(t, text).deliver(l, p, false) {
				nodes[n.Ref.(string)] = n
			}
			a := nodes["a"]
			a.State, a.Kind, a.Parent = window.Linked, link.Reply, nodes["R"]
			if i >= right {
				a.Parent = nodes["S"]
			}
			l.Decided(a)
			l.Advance(a.End + 1)
			for _, n := range nodes {
				p.Remove(n)
			}
		}
		for _, n := range read(t, text).deliver(l, p, false) {
			if !n.Server {
				l.Ripe(n, false)
			}
		}
		return last.Score
	}
	assert.InDelta(t, 0.98, score(0, 0), 1e-9)
	assert.Greater(t, score(100, 0), 0.97)
	assert.Zero(t, score(90, 10))
}

func TestTheFirstCallOnANewConnectionOfGoIsNobodysNeighbour(t *testing.T) {
	fresh := func(text string) []string {
		s := read(t, text)
		s.spans["a"].exchange.Ordinal = 0
		return about(s.links(false), "adjacent", "next")
	}
	assert.Empty(t, fresh("1g7 1<R 1g8 1>a 1g9 1<a 1g7 1>R"))
	assert.Equal(t, []string{"adjacent a R"}, fresh("1<R 1>a 1<a 2>R"), "a thread dials itself")
}

func TestAGoroutineThatServesIsNobodysNeighbour(t *testing.T) {
	// Thread 1 reads the reply of a call, and then another goroutine writes one.
	const after = "1g7 1<R 1>a 1<a 1g9 1>c 1<c "
	assert.Equal(t, []string{"next c ~a"}, about(read(t, after+"1g7 1>R").links(true), "next"))
	assert.Empty(t, about(read(t, after+"2g9 2<S 2>S 1g7 1>R").links(true), "next"), "goroutine 9 calls for its own request")
}

func TestALockThatIsBusyDoesNotHideTheCompletion(t *testing.T) {
	l, p, claims := newLinker()
	for i := range 40 {
		l.Learn(wake(uint32(51+i%4), uint32(51+(i+1)%4), 0x7000))
	}
	got := collect(t, l, p, claims, "1<R 2>a 2<a 2w1/9000 51<S 51w1/7000 1>R 51>S")
	assert.Equal(t, []string{"completion a R"}, about(got, "completion", "completion_earlier"))
}
