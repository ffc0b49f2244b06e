package link_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/link"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

func TestLoopRulesWithoutLag(t *testing.T) {
	for _, tt := range []ruleCase{
		{"an output belongs to the last read of the turn", "1tick 1<R 1<S 1>a 1tick 1<a 1>S 1>R", "tick", "tick a S"},
		{"and so do several", "1tick 1<R 1>a 1>b 1tick 1<a 1tick 1<b 1>R", "tick", "tick a R, tick b R"},
		{"not in another turn, if that is not the next", "1tick 1<R 1tick 1tick 1>a 1tick 1<a 1>R", "tick", ""},
		{"not after a hole", "1tick 1<R 1hole 1>a 1tick 1<a 1>R", "tick", ""},
		{"a hole before the read does not matter", "1tick 1<S 1hole 1<R 1>a 1tick 1<a 1>R 1>S", "tick", "tick a R"},
		{"a call after the reply of another belongs with it", "1tick 1<R 1>a 1tick 1<a 1>b 1tick 1<b 1>R", "tick", "tick a R, tick b ~a"},
		{"a reply uses the read up", "1tick 1<R 1>R 1>a 1tick 1<a", "tick", ""},
		{"a connect is what the request led to, the first write is not", "1tick 1<R 1@a 1tick 1<S 1>a 1tick 1<a 1>R 1tick 1>S", "tick", "tick a R"},
		{"a new connection whose connect was made elsewhere tells nothing", "1tick 2<Q 2@a 1<R 1>a 1tick 1<a 1>R", "tick", ""},
		{"another's reply that comes late tells nothing about calls", "1tick 1<Q 1tick 1<R 1>Q 1<S 1tick 1<T 1>a 1<U 1tick 1<a 1tick 1>T", "tick", "tick a T"},
		{"what other threads posted may be theirs", "2<Q 2p1 1tick 1<R 1>a 1tick 1<a 1>R", "tick", ""},
	} {
		t.Run(tt.name, tt.check)
	}
}

func TestACallOnTheConnectionThatBecameFreeNeedsConfirmation(t *testing.T) {
	// b goes out on a's connection, right after a's reply: it is a's request's next
	// call, or another request's that waited for the connection.
	on := func(text string) []string {
		s := read(t, text)
		s.spans["b"].exchange.ConnID, s.spans["b"].exchange.Ordinal = s.spans["a"].exchange.ConnID, 2
		return about(s.links(false), "tick", "tick_order")
	}
	assert.Equal(t, []string{"tick a R"}, on("1tick 1<R 1>a 1tick 1<a 1>b 1tick 1<b 1>R"))
	var calm strings.Builder
	for i := range 8 {
		calm.WriteString(round(i+2, false))
	}
	assert.Subset(t, on(calm.String()+"1tick 1<R 1>a 1tick 1<a 1>b 1tick 1<b 1>R"), []string{"tick_order a R", "tick_order b R"},
		"which the reply gives")
}

func TestLoopRulesWithALag(t *testing.T) {
	for _, tt := range []ruleCase{
		{"outputs follow in the order of the reads", "1tick 1<R 1<S 1tick 1>a 1>b 1tick 1<a 1<b 1tick 1>R 1>S 1tick 1<T", "tick tick_reply",
			"tick a R, tick b S, tick_reply a R, tick_reply b S"},
		{"not if there are more outputs than reads", "1tick 1<R 1<S 1tick 1>a 1>b 1>c 1tick 1<T", "tick", ""},
		{"nor fewer", "1tick 1<R 1<S 1tick 1>a 1tick 1<T", "tick", ""},
		{"nor with a hole among the reads", "1tick 1<R 1hole 1<S 1tick 1>a 1>b 1tick 1<T", "tick", ""},
		{"nor among the outputs", "1tick 1<R 1<S 1tick 1>a 1hole 1>b 1tick 1<T", "tick", ""},
		{"nor with a turn between", "1tick 1<R 1tick 1tick 1>a 1tick 1<T", "tick", ""},
		{"nor if the output follows a read in its turn", "1tick 1<R 1tick 1<S 1>a 1tick 1<T", "tick", "tick a S"},
		{"several connects are taken in the order of their times", "1tick 1<R 1<S 1tick 1@b 1@a 1tick 1>a 1>b 1tick 1<a 1<b 1tick 1<T", "tick", "tick a S, tick b R"},
		{"a turn that nothing follows is over after a while", "1tick 1<R 1tick 1>a zzz 2<Z 2>Z", "tick", "tick a R"},
	} {
		t.Run(tt.name, tt.check)
	}
}

// round is one request to a loop without lag that makes one call.
func round(i int, wrong bool) string {
	r, c := string(rune('A'+i%26)), string(rune('a'+i%26))
	if wrong {
		return fmt.Sprintf("1tick 1<%s 1>%s 1tick 1<%s 1>%s ", r, c, c, "Z")
	}
	return fmt.Sprintf("1tick 1<%s 1>%s 1tick 1<%s 1>%s ", r, c, c, r)
}

func TestALoopModelEarnsAndLosesItsTrust(t *testing.T) {
	claims := func(text string) []string { return about(read(t, text).links(false), "tick_order") }
	var calm strings.Builder
	for i := range 20 {
		calm.WriteString(round(i, false))
	}
	got := claims(calm.String())
	assert.Len(t, got, 17, "the first three are too few to believe")
	assert.Contains(t, got, "tick_order t T")
}

func TestAModelThatIsOftenWrongIsSilent(t *testing.T) {
	// Each reply goes to the request before: whatever the calls claim is wrong.
	var text strings.Builder
	text.WriteString("1tick 1<A ")
	for i := range 22 {
		r, c, next := string(rune('A'+i)), string(rune('a'+i)), string(rune('A'+i+1))
		fmt.Fprintf(&text, "1tick 1<%s 1>%s 1tick 1<%s 1>%s ", next, c, c, r)
	}
	claims := read(t, text.String()).links(false)
	assert.Empty(t, about(claims, "tick_order"))
	assert.LessOrEqual(t, len(about(claims, "tick")), 3, "until the first replies contradicted")
}

func TestLoopWakes(t *testing.T) {
	for _, tt := range []ruleCase{
		{"the reply after a finished call was posted is due to it", "1tick 1<R 2>a 2<a 2p1 1tick 1>R", "loop_wake", "loop_wake a R"},
		{"of several it is not known which", "1tick 1<R 1<S 2>a 3>b 2<a 2p1 3<b 3p1 1tick 1>R 1>S", "loop_wake", ""},
		{"a request that began after the call is not meant", "1tick 2>a 2<a 2p1 1tick 1<R 1tick 1>R", "loop_wake", ""},
		{"a call that has not finished is not meant", "1tick 1<R 2>a 3>b 3<b 3p1 1tick 1>R 2<a 2p1", "loop_wake", "loop_wake b R"},
		{"nothing is, where no thread tells the loop", "1tick 1<R 2>a 2<a 1tick 1>R", "loop_wake", ""},
		{"a request that was posted is none", "1tick 1<R 2<S 2p1 1tick 1>R 2>S", "loop_wake", ""},
		{"where messages are missing, only what was told just now counts", "1tick 1<Q 1>Q 1tick 1<R 1hole 1tick 1<S 2>a 2<a 2p1 1tick 1>R 1>S", "loop_wake", "loop_wake a R"},
		{"and not what was told long ago", "1tick 1<Q 1>Q 1tick 1<R 2>a 2<a 2p1 1tick 1<S 1hole 1tick 1tick 1tick 1tick 1tick 1>R 1>S", "loop_wake", ""},
	} {
		t.Run(tt.name, tt.check)
	}
}

// posted is n requests to a loop, one after the other, whose calls thread 2 makes.
func posted(n int) string {
	var b strings.Builder
	for i := range n {
		r, c := string(rune('A'+i)), string(rune('a'+i))
		fmt.Fprintf(&b, "1tick 1<%s 2>%s 2<%s 2p1 1tick 1>%s ", r, c, c, r)
	}
	return b.String()
}

func TestThePlaceInTheQueueTellsFinishedCallsApart(t *testing.T) {
	wakes := func(text string) []string { return about(read(t, text).links(false), "loop_wake") }
	both := "1tick 1<X 1<Y 2>x 3>y 2<x 2p1 3<y 3p1 1tick 1>X 1>Y"
	assert.Subset(t, wakes(posted(8)+both), []string{"loop_wake x X", "loop_wake y Y"})
	assert.NotContains(t, wakes(posted(4)+both), "loop_wake x X", "not before it is known how the places differ")

	swapped := "1tick 1<X 1<Y 2>y 3>x 2<y 2p1 3<x 3p1 1tick 1>Y 1>X"
	got := wakes(posted(8) + swapped)
	assert.NotContains(t, got, "loop_wake y X")
	assert.NotContains(t, got, "loop_wake x Y", "calls that overtake each other are left alone")
}

func TestSeveralLoopsShareThoseWhoTellThem(t *testing.T) {
	const two = "1tick 9tick 1<Q 1>Q 9<O 9>O 1tick 9tick 1<R 9<S " // two loops, and a request each
	for _, tt := range []ruleCase{
		{"each reply is due to the call that woke its loop", two + "2>a 3>b 2<a 2p1 zzz 3<b 3p9 1tick 1>R 9tick 9>S", "loop_wake", "loop_wake a R, loop_wake b S"},
		{"also in the other order", two + "2>a 3>b 2<a 2p9 zzz 3<b 3p1 1tick 1>R 9tick 9>S", "loop_wake", "loop_wake a S, loop_wake b R"},
		{"a call that was done at the same time may have come first", two + "2>a 3>b 2<a 3<b 3p1 1tick 1>R 9tick 9>S", "loop_wake", ""},
		{"one that was done long before has not", two + "2>a 3>b 2<a zzz 3<b 3p1 1tick 1>R 9tick 9>S", "loop_wake", "loop_wake b R"},
		{"only the first thing that a loop does is due to who woke it", two + "1<P 3>b 3<b 3p1 1tick 1>R 1>P", "loop_wake", "loop_wake b R"},
		{"another wake of a loop is a lock", two + "2>a 2<a 2p1 2w1/a0 1tick 1>R 9>S", "completion", ""},
	} {
		t.Run(tt.name, tt.check)
	}
}

func TestAFinishedCallThatWasLostKeepsItsTurn(t *testing.T) {
	s := read(t, "1tick 1<R 1<S 2>a 3>b 2<a 2p1 3<b 3p1 1tick 1>R 1>S")
	delete(s.spans, "a")
	s.order = []string{"R", "S", "b"}
	assert.Empty(t, about(s.links(false), "loop_wake"), "b is not taken for R's")
}

func TestLoopsAreBoundedAndForgotten(t *testing.T) {
	p := window.New()
	l := link.New(p, func(*window.Node, window.Claim) {})
	for i := range 600 {
		s := read(t, "1tick 1<R 1>R")
		s.spans["R"].exchange.Request.TID, s.spans["R"].exchange.Response.TID = uint32(i+1), uint32(i+1)
		s.deliver(l, p, false)
	}
	loops := l.Dropped().Loops
	assert.Equal(t, 2*(600-512), loops, "both messages of those beyond the limit")
	l.Advance(2_000_000)
	l.Advance(1e15)
	s := read(t, "1tick 1<R 1>R")
	s.spans["R"].exchange.Request.TID, s.spans["R"].exchange.Response.TID = 9999, 9999
	s.deliver(l, p, false)
	loops = l.Dropped().Loops
	assert.Zero(t, loops, "idle ones have made room")
}

func TestWhereRepliesComeInTurnsOfTheirOwnOneAfterAReadIsChance(t *testing.T) {
	// f is F's call, g is G's. When the reply of g has been read the loop comes to what f's led to.
	const chance = "1tick 1<F 1tick 1>f 1tick 1<G 1tick 1>g 1tick 1<f 1tick 1<g 1>F 1tick 1>G"
	replies := func(habit string) []string {
		l, p, claims := newLinker()
		var text strings.Builder
		for _, r := range []string{"A", "B", "C", "D", "E"} {
			text.WriteString(strings.ReplaceAll(strings.ReplaceAll(habit, "R", r), "a", strings.ToLower(r)))
		}
		nodes := read(t, text.String()).deliver(l, p, false)
		l.Advance(2e9)
		for _, n := range nodes {
			p.Remove(n)
		}
		return about(collect(t, l, p, claims, chance), "reply")
	}
	assert.Equal(t, []string{"reply g F"}, replies("1tick 1<R 1>a 1tick 1<a 1>R "), "a loop does at once what a read leads to")
	assert.Empty(t, replies("1tick 1<R 1tick 1>a 1tick 1<a 1tick 1>R "))
}
