package link_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// pool is n requests to a loop whose pool has one connection: all are read, then each
// reply of a call lets the next one go out. order says whose turn it is.
func pool(n int, order func(waiting []int) int) string {
	var b strings.Builder
	name := func(i int) (r, c string) { return string(rune('A' + i)), string(rune('a' + i)) }
	b.WriteString("1tick 1<A 1>a ")
	var waiting []int
	for i := 1; i < n; i++ {
		r, _ := name(i)
		fmt.Fprintf(&b, "1tick 1<%s ", r)
		waiting = append(waiting, i)
	}
	last := 0
	for len(waiting) > 0 {
		at := order(waiting)
		next := waiting[at]
		waiting = slices.Delete(waiting, at, at+1)
		r, c := name(last)
		_, following := name(next)
		fmt.Fprintf(&b, "1tick 1<%s %s~%s 1>%s 1>%s ", c, following, c, following, r)
		last = next
	}
	r, c := name(last)
	fmt.Fprintf(&b, "1tick 1<%s 1>%s 1tick 1<Z", c, r)
	return b.String()
}

func fifo([]int) int { return 0 }

func TestAFullPoolServesInOrder(t *testing.T) {
	claims := about(read(t, pool(12, fifo)).links(false), "tick_order", "tick")
	assert.Contains(t, claims, "tick_order l L")
	assert.Contains(t, claims, "tick_order f F")
	assert.NotContains(t, claims, "tick_order b B", "nothing had confirmed the order yet")
	for _, c := range claims {
		assert.True(t, strings.EqualFold(c[len(c)-3:len(c)-2], c[len(c)-1:]), c)
	}
}

func TestAPoolThatServesInAnotherOrderIsNotBelieved(t *testing.T) {
	lifo := func(waiting []int) int { return len(waiting) - 1 }
	assert.Empty(t, about(read(t, pool(20, lifo)).links(false), "tick_order"))
}

func TestARequestThatDoesNotWaitForThePoolPutsItAstray(t *testing.T) {
	// The sixth request waits for a timer instead: from there on everybody would be
	// taken for the one before.
	turn := 0
	late := func(waiting []int) int {
		if turn++; turn >= 6 && len(waiting) > 1 {
			return 1
		}
		return 0
	}
	claims := about(read(t, pool(20, late)).links(false), "tick_order")
	assert.Contains(t, claims, "tick_order f F")
	for _, c := range claims {
		assert.Less(t, c[len(c)-1:], "G", c)
	}
}

func TestWhatIsReadAtOnceLeadsToOutputsInItsOrder(t *testing.T) {
	one := func(order string) []string {
		var calm strings.Builder
		for i := range 8 {
			calm.WriteString(round(i+6, false))
		}
		s := read(t, calm.String()+"1tick 1<R 1>a 1tick 1<S 1>b b~a 1tick 1<a 1<b "+order)
		s.spans["b"].exchange.Response.IO = s.spans["a"].exchange.Response.IO // two replies in one I/O
		for _, name := range []string{"R", "S"} {
			s.spans[name].exchange.Response.IO--
		}
		return about(s.links(false), "tick_order")
	}
	assert.Subset(t, one("1>R 1>S"), []string{"tick_order a R", "tick_order b S"})
	for _, c := range one("1>S 1>R") {
		assert.NotContains(t, []string{"tick_order a S", "tick_order b R"}, c)
	}
}

func TestAnOpaqueConnectionIsGreetedByWhoOpenedIt(t *testing.T) {
	// S waits, and R's connection greets first: b is R's.
	s := read(t, "1tick 1<R 1@a 1tick 1<S 1tick 1>a 1tick 1<a b~a 1>b 1tick 1<b 1>R 1tick 1>S")
	s.spans["a"].exchange.Opaque = true
	for _, c := range about(s.links(false), "tick", "tick_order") {
		assert.NotContains(t, c, "b S")
	}
}
