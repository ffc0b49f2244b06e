package link_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMessagesBetweenLoops(t *testing.T) {
	for _, tt := range []ruleCase{
		{"a loop that is told of a request writes the call", "1tick 1<R 1p2 2tick 2>a 2tick 2<a 2p1 1tick 1>R", "loop_post loop_wake",
			"loop_post a R, loop_wake a R"},
		{"what it writes after that may be anybody's", "1tick 1<R 1p2 2tick 2>a 2>b 2tick 2<a 2<b 1tick 1>R", "loop_post", "loop_post a R"},
		{"told of two it is not known whose turn it is", "1tick 1<R 1p2 3tick 3<S 3p2 2tick 2>a 2tick 2<a 1>R 3>S", "loop_post", ""},
		{"told by one that had read a reply it is nobody's", "1tick 1<R 1>a 1tick 1<a 1p2 2tick 2>b 2tick 2<b 1>R", "loop_post", ""},
		{"a request that was answered before is not meant", "1tick 1<R 2tick 1>R 1p2 2>a 2tick 2<a", "loop_post", ""},
		{"what the loop read meanwhile comes first", "1tick 1<R 1p2 2tick 2<S 2>a 2tick 2<a 2>S 1>R", "loop_post", ""},
		{"of two that have finished it is not known which", "1tick 1<R 1<S 2tick 2>a 3tick 3>b 2tick 2<a 2p1 3tick 3<b 3p1 1tick 1>R 1>S", "loop_wake", ""},
	} {
		t.Run(tt.name, tt.check)
	}
}

func TestABusyLoopMayHaveFoundTheMessageBeforeItWasWoken(t *testing.T) {
	s := read(t, "2tick 2<Q 2>q 1tick 1<R 1p2 2tick 2>a 2tick 2<a 2<q 2>Q 1tick 1>R")
	assert.Equal(t, []string{"loop_post a R"}, about(s.links(false), "loop_post"))
	// It wrote q after it had been told, and heard of it only now: R's call may be q.
	s.spans["a"].exchange.Request.Handoffs[0].Time = s.spans["q"].exchange.Request.Start - 1
	assert.Empty(t, about(s.links(false), "loop_post"))
}
