package link

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// Operations of what a conductor plays.
const (
	opRequest = 1 + iota // a request
	opCall               // a call that is made for it
	opOther
)

// conductor plays turns of an event loop, in which what is due is written, and counts what is claimed
// of it.
type conductor struct {
	t            *testing.T
	l            *Linker
	c            cadence
	random       *rand.Rand
	tick         uint32
	due          map[uint32][]*window.Node
	of           map[*window.Node]*window.Node // what each output came of
	right, wrong int
}

func conduct(t *testing.T) *conductor {
	t.Helper()
	p := &conductor{t: t, random: rand.New(rand.NewPCG(1, 2)), tick: 100, due: map[uint32][]*window.Node{}, of: map[*window.Node]*window.Node{}}
	p.c.beats.limit = maxBeats
	p.l = New(window.New(), func(call *window.Node, claim window.Claim) {
		want, got := p.of[call], claim.Parent
		if claim.Sibling != nil {
			got = claim.Sibling
		}
		if claim.Kind == CadenceReply {
			want, got = p.of[claim.Parent], call
		}
		if got == want && want != nil {
			p.right++
		} else {
			p.wrong++
		}
	})
	return p
}

func (p *conductor) node(server bool, operation uint64) *window.Node {
	return &window.Node{Server: server, Operation: operation, Process: p.l.p, ConnID: p.random.Uint64()}
}

// read has the loop read a request in this turn, or the reply of a call.
func (p *conductor) read(server bool, operation uint64) *window.Node {
	n := p.node(server, operation)
	p.c.read(p.tick, n)
	return n
}

// later has the loop write what comes of it so many turns later.
func (p *conductor) later(turns uint32, of, out *window.Node) {
	p.of[out] = of
	p.due[p.tick+turns] = append(p.due[p.tick+turns], out)
}

// turn ends the turn: what is due in it is written.
func (p *conductor) turn() {
	for _, n := range p.due[p.tick] {
		p.c.output(&event{node: n, message: &n.Request})
	}
	p.c.turn(p.l, p.tick)
	delete(p.due, p.tick)
	p.tick++
}

// play plays so many turns.
func (p *conductor) play(turns int, each func()) {
	for range turns {
		each()
		p.turn()
	}
}

// call reads a request in some of the turns, which leads to a call so many turns later.
func (p *conductor) call(chance float64, turns uint32) {
	if p.random.Float64() < chance {
		p.later(turns, p.read(true, opRequest), p.node(false, opCall))
	}
}

func TestACadenceIsFoundOut(t *testing.T) {
	for _, turns := range []uint32{1, 3, maxCadence} {
		p := conduct(t)
		p.play(1000, func() { p.call(0.2, turns) })
		assert.Greater(t, p.right, 140, "%d turns", turns)
		assert.Zero(t, p.wrong, "%d turns", turns)
	}
}

func TestWhatHasNoCadenceIsNotClaimed(t *testing.T) {
	for name, each := range map[string]func(p *conductor){
		"it takes as long as something else takes": func(p *conductor) { p.call(0.2, 1+p.random.Uint32N(10)) },
		"it comes in the same turn":                func(p *conductor) { p.call(0.2, 0) },
		"it takes too many turns":                  func(p *conductor) { p.call(0.2, maxCadence+1) },
		"a timer makes one of five":                func(p *conductor) { p.call(0.2, 3); p.timer(0.05) },
		"there is one in each turn":                func(p *conductor) { p.call(1, 3) },
		"nothing is read":                          func(p *conductor) { p.timer(0.2) },
	} {
		p := conduct(t)
		p.play(3000, func() { each(p) })
		assert.Zero(t, p.right+p.wrong, name)
	}
}

// timer has a timer make a call in some of the turns.
func (p *conductor) timer(chance float64) {
	if p.random.Float64() < chance {
		p.later(0, nil, p.node(false, opCall))
	}
}

func TestABusyLoopReadsAsMuchAsItWrites(t *testing.T) {
	p := conduct(t)
	p.play(300, func() {
		for range 4 + p.random.IntN(12) {
			p.call(1, 3)
		}
	})
	assert.Greater(t, p.right, 2000)
	assert.Zero(t, p.wrong, "in order, too")
}

func TestThereMayBeSeveralWays(t *testing.T) {
	p := conduct(t)
	p.play(3000, func() { p.call(0.15, 1+2*p.random.Uint32N(2)) })
	assert.Greater(t, p.right, 150)
	assert.Zero(t, p.wrong, "of two that were read either may have led to it")
}

func TestARequestWithoutCallsHasItsOwnReply(t *testing.T) {
	p := conduct(t)
	p.play(3000, func() {
		if p.random.Float64() < 0.1 {
			r := p.read(true, opRequest)
			p.later(1, r, r)
		}
		if p.random.Float64() < 0.1 {
			p.later(2, p.read(false, opCall), p.node(true, opRequest))
		}
	})
	assert.Greater(t, p.right, 150)
	assert.Zero(t, p.wrong)
}

func TestWhoIsAnsweredMayAskForTheNextThing(t *testing.T) {
	// The client sends the next request two turns after it has got its reply.
	play := func(answer bool) *conductor {
		p := conduct(t)
		next := map[uint32]int{}
		p.play(2000, func() {
			for range next[p.tick] {
				p.call(1, 3)
			}
			if p.random.Float64() < 0.2 {
				reply := p.read(false, opCall)
				if answer {
					p.later(1, reply, p.node(true, opRequest))
				}
				next[p.tick+3]++
			}
		})
		return p
	}
	p := play(true)
	assert.Greater(t, p.right, 600)
	assert.Zero(t, p.wrong, "the call is not of the request before")
	assert.Zero(t, play(false).right, "else it might be of either")
}

func TestACallOnTheConnectionThatAReplyMadeFreeMayBeOfWhoeverWaited(t *testing.T) {
	play := func(connection func(reply *window.Node) uint64) *conductor {
		p := conduct(t)
		p.play(2000, func() {
			if p.random.Float64() < 0.2 {
				reply, c := p.read(false, opOther), p.node(false, opCall)
				c.ConnID = connection(reply)
				p.later(1, reply, c)
			}
		})
		return p
	}
	assert.Zero(t, play(func(reply *window.Node) uint64 { return reply.ConnID }).right)
	assert.Greater(t, play(func(*window.Node) uint64 { return 7 }).right, 300)
}

func TestTurnsThatAreNotWholeTellNothing(t *testing.T) {
	p := conduct(t)
	p.play(1000, func() { p.call(0.2, 3) })
	require.Positive(t, p.right)

	before := p.right
	p.c.broken(p.tick)
	p.play(maxCadence, func() { p.call(1, 3) })
	assert.Equal(t, before, p.right, "a read may be missing")
	p.play(20, func() { p.call(0.3, 3) })
	assert.Greater(t, p.right, before)

	before = p.right
	p.play(20, func() { p.call(0.3, 3); p.c.torn = true })
	assert.Equal(t, before, p.right, "other threads posted work")
	assert.Zero(t, p.wrong)
}

func TestACadenceThatIsOverIsForgotten(t *testing.T) {
	p := conduct(t)
	p.play(1000, func() { p.call(0.2, 3) })
	require.Positive(t, p.right)
	p.play(1000, func() { p.call(0.2, 1+p.random.Uint32N(10)) })
	wrong := p.wrong
	assert.Less(t, wrong, 10, "until it was looked at again")
	p.play(1000, func() { p.call(0.2, 1+p.random.Uint32N(10)) })
	assert.Equal(t, wrong, p.wrong)
}

func TestCallsWaitForTheTurnsThatTell(t *testing.T) {
	p := conduct(t)
	c := p.node(false, opCall)
	c.Request.TID, c.Request.Tick = 7, 1
	c.End = 5
	assert.Zero(t, p.l.waitForCadence(c), "nothing is known of the loop")
	lp := p.l.loops.get(7)
	assert.Zero(t, p.l.waitForCadence(c))
	p.play(1000, func() { p.call(0.2, 3) })
	lp.cadence = p.c
	assert.Equal(t, 5+cadenceGrace, p.l.waitForCadence(c), "of its beginning")

	reply := p.node(false, opOther)
	reply.Response.TID, reply.Response.Tick = 7, 1
	assert.Zero(t, p.l.waitForCadence(reply))
	p.play(1000, func() {
		if p.random.Float64() < 0.2 {
			p.later(1, p.read(false, opOther), p.node(true, opRequest))
		}
	})
	lp.cadence = p.c
	assert.Equal(t, cadenceGrace, p.l.waitForCadence(reply), "of what comes of it")
}

func TestWhereCallsHaveACadenceTheLastRequestMeansNothing(t *testing.T) {
	p := conduct(t)
	claimed := func() float64 {
		r, c := p.node(true, opRequest), p.node(false, opCall)
		r.Request.Start, r.Request.End = 5e9, 5e9
		c.Request.Start, c.Request.TID, c.Request.Tick, c.Request.IO = 5e9+1, 7, 1, 1
		r.Process, c.Process = nil, nil
		score := -1.0
		l := New(window.New(), func(_ *window.Node, claim window.Claim) { score = claim.Score })
		l.p.Add(r)
		l.loops.get(7).cadence = p.c
		isolated(l, c)
		return score
	}
	assert.Positive(t, claimed())
	p.play(1000, func() { p.call(0.2, 3) })
	assert.Zero(t, claimed(), "what it has not told was not plain")
}

func TestACadenceIsSilencedWhereBetterEvidenceContradicts(t *testing.T) {
	p := conduct(t)
	for range enough {
		c := p.node(false, opCall)
		c.Kind, c.Parent = TickOrder, p.node(true, opRequest)
		c.Claims = []window.Claim{{Parent: p.node(true, opRequest), Kind: Cadence}}
		p.l.compareCadence(c)
	}
	score := -1.0
	p.l.claim = func(_ *window.Node, claim window.Claim) { score = claim.Score }
	p.play(1000, func() { p.call(0.2, 3) })
	assert.Zero(t, score)
}

func TestWhatALoopDoesBeyondTheLimitsIsCounted(t *testing.T) {
	const over = 5
	for name, do := range map[string]func(p *conductor){
		"reads of one turn": func(p *conductor) {
			for range maxTurnReads + over {
				p.read(true, opRequest)
			}
		},
		"kinds of reads of one turn": func(p *conductor) {
			for i := range uint64(maxTraffic + over) {
				p.read(true, i)
			}
		},
		"outputs of one turn": func(p *conductor) {
			for range maxTurnReads + over {
				p.timer(1)
			}
			p.turn()
		},
		"guesses": func(p *conductor) {
			p.play(maxCadence+1, func() {
				for i := range uint64(6) {
					p.read(true, i)
				}
			})
			for range over {
				p.timer(1)
				p.turn()
			}
		},
		"kinds of outputs": func(p *conductor) {
			for i := range uint64(maxBeats + over) {
				p.later(0, nil, p.node(false, i))
			}
			p.turn()
		},
	} {
		p := conduct(t)
		do(p)
		assert.Equal(t, over, p.c.full+p.c.beats.dropped, name)
	}
}
