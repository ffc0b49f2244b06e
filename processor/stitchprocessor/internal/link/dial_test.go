package link_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/link"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// trustOf plays a script and returns how far each claim of a kind is trusted.
func trustOf(t *testing.T, kind window.Kind, text string) map[string]window.Trust {
	p, found := window.New(), map[string]window.Trust{}
	l := link.New(p, func(c *window.Node, claim window.Claim) {
		if claim.Kind == kind && claim.Parent != nil {
			found[c.Ref.(string)+" "+claim.Parent.Ref.(string)] = claim.Trust
		}
	})
	for _, n := range read(t, text).deliver(l, p, false) {
		if !n.Server {
			l.Ripe(n, false)
		}
	}
	return found
}

func TestANewConnectionIsForWhomItWasDialled(t *testing.T) {
	dialled := "1g7 1<R 1g8/7 1@a 1tick 1g9/8 1>a 1tick 1g6 1<a 1g7 1>R"
	assert.Equal(t, map[string]window.Trust{"a R": window.Likely}, trustOf(t, link.Creator, dialled))
	// While the connection was being opened, that of b became free: R may have got that.
	freed := "2g5 2<S 2g4 2>b 1g7 1<R 1g8/7 1@a 2tick 2g3 2<b 1tick 1g9/8 1>a 1tick 1g6 1<a 1g7 1>R 2g5 2>S"
	assert.Equal(t, map[string]window.Trust{"a R": window.Support}, trustOf(t, link.Creator, freed))
	before := "2g5 2<S 2g4 2>b 2tick 2g3 2<b 1g7 1<R 1g8/7 1@a 1tick 1g9/8 1>a 1tick 1g6 1<a 1g7 1>R 2g5 2>S"
	assert.Equal(t, window.Likely, trustOf(t, link.Creator, before)["a R"])
}

func TestACallBelongsWithTheOneThatFollowsIt(t *testing.T) {
	p := window.New()
	var last *window.Claim
	l := link.New(p, func(c *window.Node, claim window.Claim) {
		if claim.Kind == link.Next && c.Ref == "a" {
			last = &claim
		}
	})
	claim := func() *window.Claim {
		last = nil
		nodes := map[string]*window.Node{}
		for _, n := range read(t, "1<R 2>a 2<a 2>b 2<b 3>R").deliver(l, p, false) {
			nodes[n.Ref.(string)] = n
		}
		b := nodes["b"]
		b.State, b.Parent, b.Kind = window.Linked, nodes["R"], link.Finish
		l.Ripe(nodes["a"], false)
		for _, n := range nodes {
			p.Remove(n)
		}
		return last
	}
	assert.Nil(t, claim(), "not before that has been seen to be so")
	for range 20 {
		decide(t, l, p, true)
	}
	assert.NotNil(t, claim())
	for range 5 {
		decide(t, l, p, false)
	}
	assert.Nil(t, claim(), "nor once it was seen to be wrong")
}
