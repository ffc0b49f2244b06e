package link

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// asks returns a call of a goroutine.
func asks(operation uint64) *window.Node {
	n := &window.Node{Operation: operation}
	n.Request.Goid = 1
	return n
}

func TestWhatFollowsInGoIsJudgedByWhatIsAskedFor(t *testing.T) {
	var r reputations
	request, other := &window.Node{Server: true}, &window.Node{Server: true}
	learn := func(first, second uint64, agree bool) {
		c, before := asks(second), asks(first)
		c.State, c.Parent, c.Kind = window.Linked, request, Reply
		if before.Parent = request; !agree {
			before.Parent = other
		}
		r.judge(c, window.Claim{Sibling: before, Kind: Next})
	}
	for range enough {
		_, known := r.sequel(asks(1), asks(2))
		assert.False(t, known)
		learn(1, 2, true)
		learn(1, 1, false)
	}
	score, known := r.sequel(asks(1), asks(2))
	assert.True(t, known)
	assert.Greater(t, score, 0.9)
	score, known = r.sequel(asks(1), asks(1))
	assert.True(t, known)
	assert.Zero(t, score)
	_, known = r.sequel(asks(2), asks(1))
	assert.False(t, known, "the order matters")
	score, _ = r.sequel(asks(1), &window.Node{Operation: 2})
	assert.Zero(t, score, "other programs have one reputation for all")
}

func TestWhichRequestsMakeACall(t *testing.T) {
	var h habits
	c := &window.Node{Operation: 7}
	often, seldom, never := &window.Node{Operation: 1}, &window.Node{Operation: 2}, &window.Node{Operation: 3}
	assert.True(t, h.mayMake(never, c), "nothing is known")
	assert.False(t, h.every(c))
	*h.calls.meet(7) = habit{calls: 100, links: 100, parents: shares{{1, 99}, {2, 1}}}
	for operation, n := range map[uint64]int{1: 100, 2: 500, 3: 500} {
		h.requests.meet(operation).n = n
	}
	assert.True(t, h.mayMake(often, c))
	assert.False(t, h.mayMake(seldom, c))
	assert.False(t, h.mayMake(never, c))
	assert.True(t, h.every(c), "those that make one seldom do not count")
	h.requests.get(1).n = 150
	assert.False(t, h.every(c))
}

func TestABurstIsNotACallThatAnotherFollowedAsARule(t *testing.T) {
	p := window.New()
	l := New(p, func(*window.Node, window.Claim) {})
	message := func(n *window.Node, io uint32, m *window.Message) {
		m.Goid, m.TID, m.IO = 1, 1, io
		m.Start, m.End = int64(io), int64(io)
		n.End = max(n.End, m.End)
	}
	call := func(operation uint64, wrote, read uint32) *window.Node {
		e := evidence.Exchange{Response: evidence.Message{Start: 1}}
		n := window.NewNode(&e, false, 0)
		n.Operation = operation
		message(n, wrote, &n.Request)
		message(n, read, &n.Response)
		p.Add(n)
		return n
	}
	first, second := call(1, 1, 2), call(2, 3, 9)
	assert.False(t, l.continued(first), "nothing is known")
	for range enough {
		l.trust.sequels.note(first, second, true)
	}
	assert.True(t, l.continued(first))
	assert.False(t, l.continued(second), "nothing followed")
	for range enough {
		l.trust.sequels.note(first, second, false)
	}
	assert.False(t, l.continued(first))
}

func TestACallWhoseNextOneIsKnownWaitsForNoOther(t *testing.T) {
	l := New(window.New(), nil)
	*l.habits.calls.meet(1) = habit{calls: 100, links: 100, parents: shares{{9, 100}}}
	l.habits.requests.meet(9).n = 100
	at := func(tid, io uint32, when int64) evidence.Message {
		return evidence.Message{Start: when, End: when, Point: evidence.Point{TID: tid, IO: io, Goid: 7}}
	}
	call := func(operation uint64, request, response evidence.Message) *window.Node {
		n := window.NewNode(&evidence.Exchange{Ordinal: 1, Request: request, Response: response}, false, response.End)
		n.Operation = operation
		l.p.Add(n)
		return n
	}
	c := call(1, at(2, 1, 100), at(3, 1, 200))
	next := call(2, at(3, 2, 210), at(4, 1, 300))
	r := window.NewNode(&evidence.Exchange{Request: at(5, 1, 50), Response: at(4, 2, 310)}, true, 310)
	l.p.Add(r)
	for range enough {
		l.trust.sequels.note(c, next, true)
	}
	require.NotNil(t, l.habits.each(c))
	assert.Positive(t, l.waitForRest(c, 1000), "others may leave fewer ways")
	next.State, next.Parent, next.Kind = window.Linked, r, Reply
	assert.Zero(t, l.waitForRest(c, 1000), "it says whose it is, and others wait for that")
}
