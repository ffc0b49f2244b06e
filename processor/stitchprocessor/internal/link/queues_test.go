package link

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// queueCase is an event loop, thread 1, that reads requests, hands them to threads which
// call for them, and replies.
type queueCase struct {
	l    *Linker
	hb   *habit
	read uint32            // requests
	ios  map[uint32]uint32 // of the other threads
}

func newQueueCase() *queueCase {
	q := &queueCase{l: New(window.New(), func(*window.Node, window.Claim) {}), ios: map[uint32]uint32{}}
	q.hb = q.l.habits.calls.meet(0)
	q.hb.landing.queueing = queueing{in: record{agree: enough}, out: record{agree: enough}}
	return q
}

// request is the next one that the loop reads. It replies to them in this order, each
// time in another turn.
func (q *queueCase) request(read, reply int64) *window.Node {
	q.read++
	return q.add(true, q.message(1, q.read, read), q.message(1, 1000+q.read, reply))
}

// call is the next thing that a thread does, which was at something else until free.
func (q *queueCase) call(thread uint32, free, start, end int64) *window.Node {
	q.ios[thread] += 2
	c := q.add(false, q.message(thread, q.ios[thread]-1, start), q.message(thread, q.ios[thread], end))
	c.Note.Free = free
	return c
}

func (q *queueCase) message(thread, io uint32, at int64) evidence.Message {
	m := evidence.Message{Start: at, End: at, Point: evidence.Point{TID: thread, IO: io}}
	if thread == 1 {
		m.Tick = io
	}
	return m
}

func (q *queueCase) add(server bool, request, response evidence.Message) *window.Node {
	n := window.NewNode(&evidence.Exchange{Request: request, Response: response}, server, response.End)
	q.l.p.Add(n)
	return n
}

// disorder of c and rival, of which r and other are the requests.
func (q *queueCase) disorder(c, r, rival, other *window.Node) float64 {
	return q.l.disorder(q.hb, c, r, rival, other)
}

func TestAQueueGivesInTheOrderInWhichItWasGiven(t *testing.T) {
	q := newQueueCase()
	r, s := q.request(10, 500), q.request(20, 600)
	a, b := q.call(2, 5, 30, 200), q.call(3, 35, 40, 300)
	assert.InDelta(t, never, q.disorder(b, r, a, s), 0, "b came out after a, and r went in before s")
	assert.Zero(t, q.disorder(a, r, b, s))
	b.Note.Free = 1
	assert.Zero(t, q.disorder(b, r, a, s), "b may have come out first and have been held up")
	b.Note.Free = 25
	assert.InDelta(t, math.Log(12), q.disorder(b, r, a, s), 0.1, "but not if it was free after a")
	assert.Equal(t, q.disorder(b, r, a, s), q.disorder(a, s, b, r), "whichever is looked at")
	q.hb.landing.likely = record{agree: 100, disagree: 99}
	assert.InDelta(t, 0, q.disorder(b, r, a, s), 0.2, "which says nothing in this program")

	b.Note.Free = 35
	q.hb.landing.queueing = queueing{}
	assert.Zero(t, q.disorder(b, r, a, s), "it is not known to be a queue")
}

func TestALoopRepliesInTheOrderInWhichItIsTold(t *testing.T) {
	q := newQueueCase()
	r, s := q.request(10, 500), q.request(20, 600)
	a, b := q.call(2, 0, 30, 200), q.call(3, 0, 40, 300)
	q.call(2, 0, 290, 900)
	assert.InDelta(t, never, q.disorder(b, r, a, s), 0, "a's thread had gone on when b was done, and r was replied to first")
	assert.Zero(t, q.disorder(a, r, b, s))
	q.hb.landing.out = record{agree: enough, disagree: enough}
	assert.Zero(t, q.disorder(b, r, a, s), "threads of this program go on before they tell")
}

func TestWhatEndsFirstAndGoesOnFirstMostlyWasToldFirst(t *testing.T) {
	q := newQueueCase()
	q.hb.landing.in = record{}
	r, s := q.request(10, 500), q.request(20, 600)
	a, b := q.call(2, 0, 30, 200), q.call(3, 0, 40, 300)
	assert.Zero(t, q.disorder(b, r, a, s), "it is not known when they went on")
	q.call(2, 0, 400, 900)
	q.call(3, 0, 450, 900)
	assert.InDelta(t, math.Log(12), q.disorder(b, r, a, s), 0.1)
	assert.Zero(t, q.disorder(a, r, b, s))
	q.l.tellAt(b, 350)
	assert.Zero(t, q.disorder(b, r, a, s), "the loop slept until it was told of b")
	assert.InDelta(t, otherTold, q.disorder(a, r, b, s), 0, "so it is a that was later")
	q.l.tellAt(a, 290)
	assert.InDelta(t, never, q.disorder(b, r, a, s), 0, "unless it had been told of a already")
}

func TestAThreadIsFreeWhenItHasToldTheLoop(t *testing.T) {
	q := newQueueCase()
	a := q.call(2, 0, 30, 200)
	next := q.call(2, 200, 400, 900)
	q.l.habits.observe(q.l.p, a, 2)
	q.l.habits.observe(q.l.p, next, 2)
	assert.Equal(t, int64(200), next.Note.Free)
	assert.Equal(t, int64(400), q.hb.ends.other(200))
	q.l.tellAt(a, 250)
	assert.Equal(t, int64(250), next.Note.Free)
	assert.Equal(t, int64(250), q.hb.ends.other(200), "its reply was in the queue by then")
	assert.Equal(t, int64(250), q.hb.starts.other(400))
	q.l.tellAt(a, 300)
	assert.Equal(t, int64(250), a.Note.ToldAt, "the first time counts")

	last := q.call(2, 0, 950, 990)
	q.l.tellAt(next, 920)
	q.l.habits.observe(q.l.p, last, 2)
	assert.Equal(t, int64(920), last.Note.Free, "also if that is known before")
}

func TestAThreadThatSleptIsFreeWhenItIsHandedSomething(t *testing.T) {
	const before, start = int64(1e9), int64(2e9)
	for name, tt := range map[string]struct {
		waited   evidence.Waited
		handoffs []evidence.Handoff
		free     int64
	}{
		"it was woken":                     {evidence.WaitedFutex, []evidence.Handoff{{Time: 1.9e9}}, 1.9e9},
		"several times":                    {evidence.WaitedFutex, []evidence.Handoff{{Time: 1.9e9}, {Time: 1.8e9, Hops: 0}, {Time: 1.85e9, Hops: 2}}, 1.8e9},
		"it did not sleep":                 {0, []evidence.Handoff{{Time: 1.9e9}}, before},
		"not for long":                     {evidence.WaitedFutex, []evidence.Handoff{{Time: before + longSleep - 1}}, before},
		"by one that had nothing itself":   {evidence.WaitedFutex, []evidence.Handoff{{Time: 1.9e9}, {Time: 1.8e9, Hops: 1}}, before},
		"it is not known by whom":          {evidence.WaitedFutex, nil, before},
		"before it did what it did before": {evidence.WaitedFutex, []evidence.Handoff{{Time: 0.9e9}}, before},
	} {
		m := &window.NewNode(&evidence.Exchange{Request: evidence.Message{Start: start, Waited: tt.waited, Handoffs: tt.handoffs}}, false, start).Request
		assert.Equal(t, tt.free, freeSince(before, m), name)
	}
}

func TestWhatIsKnownOfNeighboursBindsTheOthers(t *testing.T) {
	q := newQueueCase()
	r, s, x := q.request(10, 500), q.request(20, 600), q.request(30, 700)
	known := q.call(2, 5, 60, 200)
	s.Led().Made, s.Children = []*window.Node{known}, 1
	early, late := q.call(3, 5, 50, 150), q.call(4, 65, 70, 250)
	assert.True(t, q.l.inOrder(q.hb, r, early))
	assert.False(t, q.l.inOrder(q.hb, r, late), "r went in before s, late came out after s's")
	assert.True(t, q.l.inOrder(q.hb, x, late))
	known.Note.Free = 55
	assert.False(t, q.l.inOrder(q.hb, x, early), "x went in after s, early came out before s's")
	q.call(3, 0, 160, 900)
	q.hb.landing.in = record{}
	assert.False(t, q.l.inOrder(q.hb, x, early), "nor was it told of after s's")
	s.Children = 2
	assert.True(t, q.l.inOrder(q.hb, x, early), "one of several calls says nothing")
}

func TestQueuesShowWhetherTheyKeepTheOrder(t *testing.T) {
	q := newQueueCase()
	q.hb.landing.queueing = queueing{}
	learn := func(start, free int64) {
		r := q.request(start, start+100)
		c := q.call(2, free, start+10, start+50)
		r.Led().Made, r.Children, c.Parent = []*window.Node{c}, 1, r
		q.l.queued(c, r)
	}
	for i := range int64(enough + 1) {
		learn(1000*(i+1), 1000*(i+1)+5)
	}
	assert.True(t, keeps(q.hb.landing.in))
	assert.True(t, keeps(q.hb.landing.out))
	last := q.request(90_000, 90_100)
	before := q.call(9, 80_000, 90_000, 90_050)
	before.Note.Free = 91_500 // comes out after that of the next request
	last.Led().Made, last.Children = []*window.Node{before}, 1
	learn(91_000, 0)
	assert.False(t, keeps(q.hb.landing.in), "not in one case of twenty")
	assert.True(t, q.hb.landing.keepOrder(), "but the replies")
}

func TestWhatCannotBeIsNoAlternative(t *testing.T) {
	q := newQueueCase()
	columns := []*window.Node{q.request(10, 500), q.request(20, 600)}
	c, rival := q.call(2, 5, 30, 200), q.call(3, 35, 40, 300)
	l := q.l
	l.rivals = []*window.Node{rival}
	l.problem.Reset(2, 2, aloneCost)
	for row := range 2 {
		for column := range 2 {
			l.problem.Set(row, column, 1)
		}
	}
	_, margin := l.problem.Best(0)
	assert.Zero(t, margin, "either way is as likely")
	best, margin := l.ordered(q.hb, c, columns)
	assert.Equal(t, 0, best)
	assert.Greater(t, margin, float64(landMargin))
}
