package link

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

func TestFurtherCallsOfAKindAreBelievedWhereTheyAreUsual(t *testing.T) {
	var p repeats
	link := func(r *window.Node) *window.Node {
		c := &window.Node{Operation: 7, Parent: r}
		r.Led().Made = append(r.Led().Made, c)
		p.learn(c)
		return c
	}
	request := func() *window.Node { return &window.Node{Operation: 1} }
	one, other := request(), &window.Node{Operation: 7}
	link(one)
	assert.False(t, p.exceeds(one, other), "too few were seen to say so")
	for range 4 * enough {
		link(request())
	}
	assert.True(t, p.exceeds(one, other))
	assert.False(t, p.exceeds(one, one.Made()[0]), "the one that it has made is no other one")
	assert.False(t, p.exceeds(request(), other))
	assert.False(t, p.exceeds(one, &window.Node{Operation: 8}), "calls of another kind do not count")
	for range enough {
		p.exceeds(one, other)
	}
	assert.False(t, p.exceeds(one, other), "it is no exception")
}

func TestLinksByErrandAreForgotten(t *testing.T) {
	var p repeats
	r := &window.Node{Operation: 1}
	for range 2 * memory {
		p.learn(&window.Node{Operation: 7, Parent: r})
	}
	assert.LessOrEqual(t, p.of.get(errand{1, 7}).links, memory)
}
