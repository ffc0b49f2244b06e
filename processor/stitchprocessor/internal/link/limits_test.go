package link

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

func quietLinker() *Linker { return New(window.New(), func(*window.Node, window.Claim) {}) }

// replied returns a call of a thread with a reply.
func replied(at int64) *window.Node {
	return window.NewNode(&evidence.Exchange{
		Request: evidence.Message{Start: at}, Response: evidence.Message{Start: at, End: at},
	}, false, at)
}

func TestWhatATableHasNoRoomForIsCounted(t *testing.T) {
	const over = 5
	request := &window.Node{Server: true}
	linked := func(operation uint64) *window.Node {
		return &window.Node{Operation: operation, Parent: request, Kind: Finish, State: window.Linked}
	}
	for name, tt := range map[string]struct {
		limit int
		put   func(l *Linker, i uint64)
		want  Drops
	}{
		"kinds of evidence about endpoints": {maxEndpoints, func(l *Linker, i uint64) {
			l.trust.endpoints.note(endpoint(int(i)), Submit, true)
		}, Drops{Endpoints: over}},
		"peers that are called": {maxPeers, func(l *Linker, i uint64) {
			l.quiet.observe(l, &window.Node{Peer: endpoint(int(i))})
		}, Drops{Endpoints: over}},
		"peers of which connections became free": {maxPeers, func(l *Linker, i uint64) {
			c := asks(1)
			c.Peer, c.Response.Goid = endpoint(int(i)), 1
			l.dials.observe(c)
		}, Drops{Endpoints: over}},
		"pairs of calls": {maxSequels, func(l *Linker, i uint64) {
			l.trust.sequels.note(asks(i), asks(i), true)
		}, Drops{Operations: over}},
		"pairs of request and call": {maxErrands, func(l *Linker, i uint64) {
			l.repeats.learn(&window.Node{Operation: i, Parent: request})
		}, Drops{Operations: over}},
		"what threads do for requests": {maxShapes, func(l *Linker, i uint64) {
			l.shapes.add(&window.Node{Operation: i}, nil)
		}, Drops{Operations: over}},
		"ledgers": {maxKinds, func(l *Linker, i uint64) {
			l.ledgers.observe(&window.Node{Operation: i})
		}, Drops{Operations: over}},
		"what ledgers are about": {maxKinds, func(l *Linker, i uint64) {
			l.ledgers.observe(&window.Node{Operation: i, Server: true})
		}, Drops{Operations: over}},
		"habits of calls": {maxOperations, func(l *Linker, i uint64) {
			l.habits.observe(l.p, &window.Node{Operation: i}, 0)
		}, Drops{Operations: over}},
		"habits of requests": {maxOperations, func(l *Linker, i uint64) {
			l.habits.observe(l.p, &window.Node{Operation: i, Server: true}, 0)
		}, Drops{Operations: over}},
		"requests that make a kind of call": {maxParents, func(l *Linker, i uint64) {
			l.habits.calls.meet(7)
			l.habits.learn(&window.Node{Operation: 7, Kind: Thread, Parent: &window.Node{Operation: i}})
		}, Drops{Operations: over}},
		"landmarks of a kind of call": {maxLandmarks, func(l *Linker, i uint64) {
			hb := l.habits.calls.meet(7)
			hb.before.limit = maxLandmarks
			l.habits.measure(hb, request, linked(7), landmark{markSibling, i}, 0, 0)
		}, Drops{Operations: over}},
		"kinds of late calls": {maxDebts, func(l *Linker, i uint64) {
			l.debts.of.meet(0)
			l.debts.learn(&window.Node{Operation: i, End: 1, Parent: &window.Node{Server: true}}, 1)
		}, Drops{Operations: over}},
		"calls of a request": {maxMade, func(l *Linker, i uint64) {
			l.habits.learn(linked(i))
		}, Drops{Made: over}},
		"connections": {maxFollowed, func(l *Linker, i uint64) {
			l.habits.lost.observe(&window.Node{ConnID: i + 1})
		}, Drops{Connections: over}},
		"threads that complete requests": {maxWorkers, func(l *Linker, i uint64) {
			l.habits.wokenBy(&window.Node{}, uint32(i+1), 1)
		}, Drops{Threads: over}},
		"threads that wait for a word": {maxUsers, func(l *Linker, i uint64) {
			l.locks.observe(&evidence.Handoff{Address: 0xa0, WakerTID: 1}, uint32(i+1))
		}, Drops{Threads: over}},
		"calls that pool threads make for loops": {maxFinished, func(l *Linker, i uint64) {
			l.loops.wakes.watch(replied(int64(i + 1)))
		}, Drops{Queues: over}},
		"calls that a loop was told of and that are lost": {maxFinished, func(l *Linker, i uint64) {
			l.loops.wakes.lost(l.p, 1, 1, &evidence.Handoff{SourceTID: 9, SourceIO: uint32(i + 1)})
		}, Drops{Queues: over}},
		"what waits for a connection of a loop": {maxWaiting, func(l *Linker, _ uint64) {
			l.loops.get(1).callbacks.queue.add(&replied(1).Response)
			l.Advance(1)
		}, Drops{Queues: over}},
		"peers whose queue is astray, and their backlogs": {maxLeads, func(l *Linker, i uint64) {
			l.loops.get(1).callbacks.queue.wrong(&window.Node{Peer: endpoint(int(i)), Note: window.Note{Waited: true}})
			l.Advance(1)
		}, Drops{Queues: over + maxLeads + over - maxBacklogs}},
		"what leads to a call in a loop": {maxLeads / 2, func(l *Linker, i uint64) {
			c := replied(1)
			c.Peer = endpoint(int(i))
			l.loops.get(1).callbacks.queue.learn(&c.Response, endpoint(0))
			l.Advance(1)
		}, Drops{Queues: 2 * over}},
		"reads of a turn": {maxPerTurn, func(l *Linker, _ uint64) {
			l.loops.get(1).lags[1].read(&request.Request)
			l.Advance(1)
		}, Drops{Queues: over}},
		"outputs of a turn": {maxPerTurn, func(l *Linker, _ uint64) {
			l.loops.get(1).lags[1].output1(&event{})
			l.Advance(1)
		}, Drops{Queues: over}},
		"links to learn from": {maxReview, func(l *Linker, _ uint64) {
			l.trust.samples = thereupon - 1
			l.Decided(linked(7))
		}, Drops{Samples: over, Made: maxReview + over - maxMade}},
		"links to learn orders from": {maxReview, func(l *Linker, _ uint64) {
			l.learnOrder(linked(7))
		}, Drops{Samples: over}},
		"messages that a node waits for": {12, func(l *Linker, i uint64) {
			if i == 0 {
				l.p.Add(request)
			}
			l.p.Await(9, uint32(i+1), request)
			l.p.Await(9, 1, request) // again
		}, Drops{Awaited: over}},
	} {
		t.Run(name, func(t *testing.T) {
			l := quietLinker()
			*request = window.Node{Server: true}
			for i := range uint64(tt.limit) {
				tt.put(l, i)
			}
			dropped := l.Dropped()
			for i := range uint64(over) {
				tt.put(l, uint64(tt.limit)+i)
			}
			dropped.Add(l.Dropped())
			assert.Equal(t, tt.want, dropped)
			assert.Zero(t, l.Dropped())
		})
	}
}

func TestALedgerIsKeptOfCallsThatComeUpAfterManyOthers(t *testing.T) {
	l := quietLinker()
	at := int64(0)
	observe := func(operation uint64) (r, c *window.Node) {
		at += 10
		r, c = requestReadAt(at), window.NewNode(&evidence.Exchange{Request: evidence.Message{Start: at + 1}}, false, at+2)
		r.Operation, c.Operation = operation, operation
		l.ledgers.observe(r)
		l.ledgers.observe(c)
		return r, c
	}
	for op := range uint64(4 * maxKinds) { // they are there first
		observe(1000 + op)
	}
	for i := range uint64(2 * rested) {
		r, c := observe(1)
		observe(1e6 + i) // never comes up again
		if led := l.ledgers.of.get(1); led != nil {
			l.ledgers.vote(led, c, r)
		}
	}
	led := l.ledgers.of.get(1)
	require.NotNil(t, led)
	assert.True(t, led.settled)
	assert.Equal(t, source{operation: 1}, l.ledgers.supply(led).of)
	assert.LessOrEqual(t, len(l.ledgers.of.of), maxKinds)
	assert.LessOrEqual(t, len(l.ledgers.sources.of), maxKinds)
	assert.Positive(t, l.Dropped().Operations)
}

func TestALedgerDoesNotTrustCountsThatBeganAnew(t *testing.T) {
	l := quietLinker()
	led := l.ledgers.of.meet(7)
	r := requestReadAt(10)
	l.ledgers.observe(r)
	led.settled, led.n, led.elected = true, enough, vote{from: l.ledgers.sources.get(sourceOf(r))}
	require.NotNil(t, l.ledgers.supply(led))
	l.ledgers.sources.forget(sourceOf(r)) // has made room
	assert.Nil(t, l.ledgers.supply(led))
	assert.False(t, led.settled)
	led.settled = true
	l.ledgers.observe(requestReadAt(20)) // and come back
	assert.Nil(t, l.ledgers.supply(led))
}

func TestALockThatIsNotUsedMakesRoom(t *testing.T) {
	l := newLocks()
	lock := func(address uint64) {
		for i := range uint32(40) {
			l.observe(&evidence.Handoff{Address: address, WakerTID: i % 4}, (i+1)%4)
		}
	}
	for i := range uint64(maxLocks) {
		lock((i + 1) << 12)
	}
	require.Len(t, l.known, maxLocks)
	lock(1 << 40)
	assert.False(t, l.is(1<<40), "all are in use")
	assert.Positive(t, l.dropped)
	for i := range uint64(maxWords) { // of futures
		l.observe(&evidence.Handoff{Address: 1<<41 + i<<12, WakerTID: 1}, 2)
	}
	lock(1 << 40)
	assert.True(t, l.is(1<<40))
	assert.False(t, l.is(1<<12), "the first one has made room")
	assert.Len(t, l.known, maxLocks)
}

func TestWhoseConnectionBecameFreeIsNotKnownWhenThereAreTooManyPeers(t *testing.T) {
	var d dials
	d.freed.limit = maxPeers
	c := asks(1)
	c.Connect = &window.Connect{}
	assert.True(t, d.undisturbed(c))
	for i := range maxPeers {
		other := asks(1)
		other.Peer, other.Response.Goid = endpoint(i), 1
		d.observe(other)
	}
	assert.False(t, d.undisturbed(c))
}

func TestAStageThatWasVotedOnInVainMakesRoom(t *testing.T) {
	var h habits
	hb := h.calls.meet(1)
	st := h.stageTo(hb, 2)
	assert.Same(t, st, h.stageTo(hb, 3), "it has not been voted on")
	for i := range int32(voters) {
		st.take(places{i, i})
		st.voters++
	}
	st.count()
	assert.Same(t, st, h.stageTo(hb, 2))
	assert.EqualValues(t, 3, h.stageTo(hb, 3).next)
	assert.Equal(t, 1, h.full)
}
