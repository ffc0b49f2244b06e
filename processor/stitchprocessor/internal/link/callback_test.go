package link_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/link"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// sleepy is n requests whose call a timer makes, one turn later, after whatever was
// read last there.
func sleepy(n int) string {
	var b strings.Builder
	for i := range n {
		r, c := string(rune('A'+i)), string(rune('a'+i))
		fmt.Fprintf(&b, "1tick 1<%s 1tick 1<%s 1>%s 1tick 1<%s 1>%s ", r, "Z", c, c, r)
	}
	return b.String()
}

func TestWhatComesBeforeAnotherReadIsNoTimers(t *testing.T) {
	claims := func(text string) []string { return about(read(t, text).links(false), "tick") }
	assert.Contains(t, claims(sleepy(20)+"1tick 1<W 1>w 1<Y 1tick 1<w 1tick 1>W"), "tick w W",
		"though timers have made all other calls")
	assert.NotContains(t, claims(sleepy(20)+"1tick 1<Y 1<W 1>w 1tick 1<w 1tick 1>W"), "tick w W",
		"and this one maybe, too")
}

func TestCallsOfOneReadAreConfirmedByTheLastOne(t *testing.T) {
	var calm strings.Builder
	for i := range 8 {
		calm.WriteString(round(i+6, false))
	}
	text := calm.String() + "1tick 1<R 1>a 1>b 1tick %s 1tick 1<Z"
	both := about(read(t, fmt.Sprintf(text, "1<a 1tick 1<b 1>R")).links(false), "tick_order")
	assert.Subset(t, both, []string{"tick_order a R", "tick_order b R"})
	first := about(read(t, fmt.Sprintf(text, "1<b 1tick 1<a 1>R")).links(false), "tick_order")
	assert.Contains(t, first, "tick_order a R")
	assert.NotContains(t, first, "tick_order b R", "which came after it and may be a timer's")
}

func TestTheLastTurnIsOverWhenTheProcessRests(t *testing.T) {
	var calm strings.Builder
	for i := range 8 {
		calm.WriteString(round(i, false))
	}
	s := read(t, calm.String()+"1tick 1<R 1>r 1tick 1<r 1>R")
	p, found := window.New(), ""
	l := link.New(p, func(c *window.Node, claim window.Claim) {
		if c.Ref == "r" && claim.Kind == link.TickOrder {
			found = claim.Parent.Ref.(string)
		}
	})
	s.deliver(l, p, false)
	l.Advance(s.now + step)
	l.Rest(s.now + 19e6)
	assert.Empty(t, found, "more may follow")
	l.Rest(s.now + 21e6)
	assert.Equal(t, "R", found)
}
