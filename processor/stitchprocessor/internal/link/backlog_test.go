package link

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// backlogCase is a queue in order, in which some waited before anything was seen.
type backlogCase struct {
	backlog
	p        *window.Process
	requests []*window.Node
}

func newBacklogCase(unseen int) *backlogCase {
	b := &backlogCase{p: window.New()}
	for range unseen {
		b.requests = append(b.requests, nil)
	}
	return b
}

func (b *backlogCase) request() *window.Node {
	r := &window.Node{Server: true, Process: b.p}
	r.Request.Node = r
	b.arrive(&r.Request)
	b.requests = append(b.requests, r)
	return r
}

// call is the next one that is taken. It returns that and whose it is.
func (b *backlogCase) call() (call, request *window.Node) {
	request = b.requests[0]
	b.requests = b.requests[1:]
	call = &window.Node{Process: b.p}
	b.take(call)
	return call, request
}

func TestHowManyWaitedBeforeIsWhatExplainsTheReplies(t *testing.T) {
	b := newBacklogCase(3)
	for range explained + 3 {
		b.request()
		assert.False(t, b.known())
		if c, r := b.call(); r != nil {
			b.replied(c, r)
		}
	}
	assert.True(t, b.known())
	assert.Equal(t, []int64{3}, b.shifts)
	r := b.request()
	for b.requests[0] != r {
		b.call()
	}
	c := &window.Node{Process: b.p}
	assert.Same(t, &r.Request, b.take(c))
	assert.False(t, b.replied(c, &window.Node{Server: true}))
	assert.False(t, b.known(), "a reply that it does not explain")
}

func TestTwoShiftsThatExplainTheSameAreNotBelieved(t *testing.T) {
	b := newBacklogCase(0)
	for range 2 * explained {
		r := b.request()
		b.arrive(&r.Request) // it waits twice
		b.requests = append(b.requests, r)
		b.call()
		c, _ := b.call()
		b.replied(c, r)
	}
	assert.Equal(t, []int64{0, 1}, b.shifts)
	assert.False(t, b.known())
}

func TestABacklogIsFollowedThroughAChainOfCalls(t *testing.T) {
	b := newBacklogCase(0)
	r := b.request()
	first, _ := b.call()
	first.Response.Node = first
	b.arrive(&first.Response)
	second := &window.Node{Process: b.p}
	b.take(second)
	third := &window.Node{Process: b.p}
	third.Turned().Previous[0] = second // without a wait
	got, depends := b.backlog.request(third, 0)
	assert.Same(t, r, got)
	assert.True(t, depends)
	other := &window.Node{Process: b.p, Note: window.Note{Turn: &window.Turn{Labels: [2]*window.Node{r}, Taken: 77}}}
	_, depends = b.backlog.request(other, 0)
	assert.False(t, depends, "it has not waited")
}

func TestWhatWaitedTooLongAgoIsNotKnown(t *testing.T) {
	b := newBacklogCase(0)
	b.request()
	c, _ := b.call()
	assert.NotNil(t, b.source(c, 0))
	for range maxBacklog {
		b.request()
	}
	assert.Nil(t, b.source(c, 0))
	assert.True(t, b.has(c))
	for range maxBacklog {
		b.call()
	}
	assert.False(t, b.has(c))
	assert.Nil(t, b.source(c, 1), "before anything was seen")
}

func TestAHoleInALoopMakesBacklogsBeginAnew(t *testing.T) {
	l := quietLinker()
	lp := l.loops.get(1)
	b := lp.callbacks.queue.backlog.meet(endpoint(1))
	b.shifts, b.run = []int64{3}, explained
	assert.True(t, b.known())
	lp.broken()
	assert.False(t, b.known())
}

func TestABacklogCountsOnForYears(t *testing.T) {
	var b backlog
	b.came, b.took = math.MaxInt32, math.MaxInt32
	call := &window.Node{}
	for range 2 {
		b.arrive(&window.Message{Node: &window.Node{Server: true}})
		assert.NotPanics(t, func() { b.take(call) })
	}
	assert.True(t, b.has(call))
}
