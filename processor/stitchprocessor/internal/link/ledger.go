package link

import (
	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// ledgers are the accounts of a process: what was read against what was called.
type ledgers struct {
	of      map[uint64]*ledger // by operation of the call
	sources map[source]*timeline
	latest  int64 // read of all, Unix ns
}

// source is what may lead to calls: requests, or the replies of other calls.
type source struct {
	operation uint64
	reply     bool
}

func sourceOf(n *window.Node) source { return source{n.Operation, !n.Server} }

const (
	// maxKinds bounds the kinds of calls, and those of sources: the first half of these is
	// counted from the start, others when a wake names them.
	maxKinds = 32
	// ballots is how many of the latest samples of a kind are kept.
	ballots = 64
)

// ledger is the account of one kind of call.
type ledger struct {
	calls   timeline
	votes   [ballots]vote
	n       int
	elected vote // source and level; known if settled
	settled bool
	// agree and differ compare balance and wakes since the election.
	agree, differ int
	// From the read and from the wake to a call by a thread that was woken, and from the
	// read to the wake.
	whole, woken, queued extreme
	longest              int64 // of such calls, lately
	idle                 idleness
}

// vote is what a wake says: that calls follow a source, and by how many such calls
// and sources, counted since they were seen first, differ.
type vote struct {
	from  source
	level int32
}

// observe takes what is read into account.
func (b *ledgers) observe(n *window.Node) {
	if b.of == nil {
		b.of, b.sources = map[uint64]*ledger{}, map[source]*timeline{}
	}
	if n.Request.Goroutine() {
		return
	}
	if !n.Server && !n.Request.Loop() {
		b.called(n)
	}
	if !n.Server && !n.HasResponse() {
		return
	}
	b.latest = max(b.latest, read(n))
	s := b.sources[sourceOf(n)]
	if s == nil && len(b.sources) < maxKinds/2 {
		s = &timeline{at: read}
		b.sources[sourceOf(n)] = s
	}
	if s != nil && read(n) > s.since {
		s.add(n)
	}
}

func (b *ledgers) called(c *window.Node) {
	led := b.of[c.Operation]
	if led == nil {
		if len(b.of) == maxKinds {
			return
		}
		led = &ledger{calls: timeline{at: (*window.Node).Start}}
		b.of[c.Operation] = led
	}
	led.calls.add(c)
	led.longest = max(led.longest-led.longest/256, c.End-c.Start())
}

// vote takes what a wake says of such calls.
func (b *ledgers) vote(led *ledger, c, waker *window.Node) {
	key := sourceOf(waker)
	s := b.sources[key]
	if s == nil && len(b.sources) < maxKinds {
		s = &timeline{at: read, since: b.latest}
		b.sources[key] = s
	}
	if s == nil || !s.has(waker) || !led.calls.has(c) {
		return
	}
	led.votes[led.n%ballots] = vote{key, s.rank(read(waker)) - led.calls.rank(c.Start())}
	if led.n++; led.n >= enough && led.n%(enough/4) == 0 {
		led.elect()
	}
}

// elect takes what at least half of the latest votes say.
func (led *ledger) elect() {
	votes := led.votes[:min(led.n, ballots)]
	var best vote
	most := 0
	for i, v := range votes {
		count := 0
		for _, other := range votes[i:] {
			if other == v {
				count++
			}
		}
		if count > most {
			best, most = v, count
		}
	}
	led.settled = most*2 >= len(votes)
	if led.settled && led.elected != best {
		led.elected, led.agree, led.differ = best, 0, 0
	}
}

// compare compares what balance and a wake say of a call.
func (led *ledger) compare(from, waker *window.Node) {
	if led.agree+led.differ >= memory {
		led.agree, led.differ = led.agree/2, led.differ/2
	}
	if from != waker {
		led.differ++
		return
	}
	led.agree++
}

// time learns how long such a call takes to come, whoever it is of.
func (led *ledger) time(c, waker *window.Node) {
	if !sleptFor(c) {
		return
	}
	led.whole.add(c.Start() - read(waker))
	if woke := waker.Note.Woke; woke != 0 {
		led.woken.add(c.Start() - woke)
		led.queued.add(woke - read(waker))
	}
}

// sleptFor reports whether the thread of a call was idle before.
func sleptFor(c *window.Node) bool { return c.Request.Waited&evidence.WaitedFutex != 0 }

// believed: wakes confirm it.
func (led *ledger) believed() bool {
	return led.settled && led.agree >= enough && led.differ*10 <= led.agree
}
