package link

import (
	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// ledgers are the accounts of a process: what was read against what was called.
type ledgers struct {
	of      operations[ledger] // of calls
	sources table[source, supply]
}

func newLedgers() ledgers {
	return ledgers{of: operations[ledger]{limit: maxKinds}, sources: table[source, supply]{limit: maxKinds}}
}

// source is what may lead to calls: requests, or the replies of other calls.
type source struct {
	operation uint64
	reply     bool
}

func sourceOf(n *window.Node) source { return source{n.Operation, !n.Server} }

// supply is what was read of one kind of source.
type supply struct {
	timeline
	of source
}

const (
	// maxKinds bounds the kinds of calls, and those of sources.
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
	// late and awaited count such calls by whether the request whose reading woke their thread
	// had been answered when they ended.
	late, awaited int
	// From the read and from the wake to a call by a thread that was woken, and from the
	// read to the wake.
	whole, woken, queued extreme
	longest              int64 // of such calls, lately
	idle                 idleness
}

// vote is what a wake says: that calls follow what is read of one kind, and by how many the
// two differ, counted since they were seen first.
type vote struct {
	from  *supply
	level int32
}

// observe takes what is read into account.
func (b *ledgers) observe(n *window.Node) {
	if n.Request.Goroutine() {
		return
	}
	if !n.Server && !n.Request.Loop() {
		b.called(n)
	}
	if !n.Server && !n.HasResponse() {
		return
	}
	if s := b.sources.meet(sourceOf(n)); s != nil {
		s.of, s.at = sourceOf(n), read
		s.add(n)
	}
}

func (b *ledgers) called(c *window.Node) {
	led := b.of.meet(c.Operation)
	if led == nil {
		return
	}
	led.calls.at = (*window.Node).Start
	led.calls.add(c)
	led.longest = max(led.longest-led.longest/256, c.End-c.Start())
}

// vote takes what a wake says of such calls.
func (b *ledgers) vote(led *ledger, c, waker *window.Node) {
	s := b.sources.get(sourceOf(waker))
	if s == nil || !s.has(waker) || !led.calls.has(c) {
		return
	}
	led.votes[led.n%ballots] = vote{s, s.rank(read(waker)) - led.calls.rank(c.Start())}
	if led.n++; led.n >= enough && led.n%(enough/4) == 0 {
		led.elect()
	}
}

// supply returns what such calls follow, or nil if that is not known. It is not if that has made
// room meanwhile: then the counts begin anew.
func (b *ledgers) supply(led *ledger) *supply {
	if !led.settled {
		return nil
	}
	if s := led.elected.from; b.sources.get(s.of) == s {
		return s
	}
	led.settled, led.n = false, 0
	return nil
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

// reply notes whether a call ended after the answer to the request that it is of, as a wake says.
func (led *ledger) reply(c, waker *window.Node) {
	if led.late+led.awaited >= memory {
		led.late, led.awaited = led.late/2, led.awaited/2
	}
	if waker.Server && waker.Answered() < c.End {
		led.late++
	} else {
		led.awaited++
	}
}

// forgotten reports whether requests do not wait for such calls, nearly without exception.
func (led *ledger) forgotten() bool { return led.awaited*16 <= led.late }

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
