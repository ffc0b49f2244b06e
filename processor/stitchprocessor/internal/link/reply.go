package link

import (
	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// replyKind (E2): a thread read the reply of a call and the very next thing that it
// did, without sleeping between, was to write the reply of the request. Measured:
// 61,337 right, 8 wrong.
var replyKind = Kind{Name: "reply", Class: After, Trust: window.Decisive, Precision: measured(61337, 8)}

// goReply is the precision in Go programs, where another goroutine that was runnable
// may have had its turn between: with seven habits 14,598 right, 19 wrong, with others 86,381
// right, 64 wrong.
var goReply = measured(14598, 19)

func repliesAfterRead(l *Linker, r *window.Node) {
	out := &r.Response
	if !r.HasResponse() || out.IO == 0 {
		return
	}
	if !l.awake(out) {
		if drowsy(r) {
			l.replies.observe(true)
		}
		return
	}
	before := l.p.Before(out)
	if before == nil {
		l.p.Await(out.TID, out.First()-1, r)
		return
	}
	if before.Kind != evidence.ClientRead || before.Tick != out.Tick || posted(l, out) || l.loops.defers(out) {
		return
	}
	l.replies.observe(false)
	c := before.Node
	if !out.Goroutine() {
		l.toParent(c, r, Reply)
		return
	}
	rival, known := l.rival(c, r)
	if !known {
		l.p.Await(c.Request.TID, c.Request.First()-1, r)
		return
	}
	ended, missing := l.endedRun(c, r)
	if missing != 0 {
		l.p.Await(out.TID, missing, r)
		return
	}
	l.claimReply(c, r, rival || ended)
}

// repliedAfterAll says the same of a call when all is known of the request that it looked
// like one of.
func repliedAfterAll(l *Linker, c *window.Node) {
	r := l.repliedTo(c)
	if r == nil {
		return
	}
	rival, _ := l.rival(c, r)
	ended, _ := l.endedRun(c, r)
	l.claimReply(c, r, rival || ended)
}

// claimReply claims that r was replied to by a goroutine that went on with the reply of c.
func (l *Linker) claimReply(c, r *window.Node, rival bool) {
	l.claim(c, unlessRival(rival, window.Claim{Parent: r, Kind: Reply, Score: goReply, Trust: replyKind.Trust}))
}

// endedRun reports whether the reply of r, which a goroutine wrote after its thread had read that
// of c, was the last thing that this thread did before it slept, and may be about another call
// instead. In the same run of I/O it had read the reply of that one, of which no request is
// known, and gone on with the next job: who waited for it had to go to the end of the queue,
// and the queue was empty in the end. missing is the I/O that is not here yet and may change the answer, or
// zero.
func (l *Linker) endedRun(c, r *window.Node) (ended bool, missing uint32) {
	out := &r.Response
	after := l.p.After(out)
	if after != nil && after.Waited&slept == 0 {
		return false, 0
	}
	for m, i := &c.Response, 0; i < maxBurst && m.Waited&slept == 0 && m.First() > 1; i++ {
		before := l.p.Before(m)
		if before == nil {
			return false, m.First() - 1
		}
		if before.Kind == evidence.ClientRead && m.Kind == evidence.ClientWrite &&
			before.Node.State != window.Linked && !l.continued(before.Node) {
			if after == nil {
				missing = out.Last() + 1
			}
			return true, missing
		}
		m = before
	}
	return false, 0
}

// replyWaitedKind: the same, but the thread slept on a futex between, which may have
// been a lock or a pause of the whole program. A pool thread may as well have
// waited for its next task: so this counts only for a thread that has not read the
// request, in a program in which two of three such replies come without a sleep.
// Measured: 728 right, 0 wrong.
var replyWaitedKind = Kind{Name: "reply_waited", Class: After, Trust: window.Likely, Precision: measured(728, 0)}

func repliedAfterWait(l *Linker, c *window.Node) {
	if r := replyAfter(l, c); r != nil && l.replies.habit() {
		l.toParent(c, r, ReplyWaited)
	}
}

// replyAfter is the request whose reply the thread that read c's wrote next, after it
// had slept on a futex. That may have turned out to be a lock since.
func replyAfter(l *Linker, c *window.Node) *window.Node {
	if !c.HasResponse() {
		return nil
	}
	next := l.p.After(&c.Response)
	if next == nil || next.Kind != evidence.ServerWrite || !drowsy(next.Node) {
		return nil
	}
	return next.Node
}

// drowsy reports whether a thread that had not read r wrote its reply after a sleep on
// a futex.
func drowsy(r *window.Node) bool {
	out := &r.Response
	return out.Waited&slept == evidence.WaitedFutex && !out.Loop() && !out.Goroutine() && r.Request.TID != out.TID
}

// replies counts replies of pool threads by whether the thread slept before.
type replies struct{ awake, slept int }

func (c *replies) observe(slept bool) {
	if c.awake+c.slept >= memory {
		c.awake, c.slept = c.awake/2, c.slept/2
	}
	if slept {
		c.slept++
	} else {
		c.awake++
	}
}

// habit reports whether the threads that reply go on without a sleep, as a rule.
func (c *replies) habit() bool { return c.awake >= enough && c.slept*2 <= c.awake }

// awake reports whether the thread did not sleep before m, or slept only for a
// lock, as every thread of a program with a global one does after each I/O, or because
// the whole program was paused.
func (l *Linker) awake(m *window.Message) bool {
	if m.Waited&slept == 0 {
		return true
	}
	if m.Waited&slept != evidence.WaitedFutex || m.Loop() || m.Goroutine() {
		return false
	}
	locks := 0
	for i := range m.Handoffs {
		if h := &m.Handoffs[i]; !l.locks.of(h) && !l.locks.barrier(h) {
			return false
		}
		locks++
	}
	return locks > 0
}

// maxTurn bounds the I/O of one turn of an event loop that is looked at.
const maxTurn = 32

// posted reports whether other threads posted work to the event loop in the turn
// that m belongs to: what it writes then may be theirs.
func posted(l *Linker, m *window.Message) bool {
	if !m.Loop() {
		return false
	}
	tick := m.Tick
	for range maxTurn {
		if postedBy(m) {
			return true
		}
		if m = l.p.Before(m); m == nil || m.Tick != tick {
			return false
		}
	}
	return true
}

// postedBy reports whether another thread of the process, which does socket I/O,
// wrote to a wake fd of this one before m.
func postedBy(m *window.Message) bool {
	for i := range m.Handoffs {
		h := &m.Handoffs[i]
		if (h.Edge == evidence.FD || h.Edge == evidence.FDRead) && h.SourceTID != m.TID {
			return true
		}
	}
	return false
}

// burstKind (E2g): Go only. In the run of I/O that a thread of a Go program did
// without sleeping before it wrote the reply, exactly one reply of a call is not
// accounted for by another reply. The next job's call came between, since a worker
// goroutine goes on before the handler does: but not a call that follows such a one as a
// rule. Measured: 6,293 right, 13 wrong.
var burstKind = Kind{Name: "burst", Class: After, Trust: window.Likely, Precision: measured(6293, 13)}

// maxBurst bounds the run of I/O.
const maxBurst = 8

func repliedInBurst(l *Linker, c *window.Node) {
	if r := l.burstOf(c); r != nil {
		rival, _ := l.rival(c, r)
		l.claim(c, unlessRival(rival, window.Claim{Parent: r, Kind: Burst, Score: burstKind.Precision, Trust: burstKind.Trust}))
	}
}

// burstOf is the request that a burst says c is of, or nil.
func (l *Linker) burstOf(c *window.Node) *window.Node {
	if !c.Response.Goroutine() {
		return nil
	}
	r := l.afterBurst(c)
	if r == nil || !l.soleRead(c) || l.continued(c) || l.repeats.exceeds(r, c) {
		return nil
	}
	return r
}

// afterBurst is the request that the thread which read c's reply replied to after it had
// written another call, or nil. If it wrote one more reply then, several handlers
// were waiting for their turn, and the first one for longest.
func (l *Linker) afterBurst(c *window.Node) *window.Node {
	job := l.next(&c.Response, evidence.ClientWrite)
	if job == nil {
		return nil
	}
	reply := l.next(job, evidence.ServerWrite)
	if reply == nil || l.next(reply, evidence.ServerWrite) != nil {
		return nil
	}
	return reply.Node
}

// soleRead reports whether the thread that read c's reply had not read another one just
// before, which may be what a request was waiting for.
func (l *Linker) soleRead(c *window.Node) bool {
	m := &c.Response
	for range maxBurst {
		if m.Waited&slept != 0 {
			return true
		}
		m = l.p.Before(m)
		if m == nil || m.Kind == evidence.ClientRead {
			return false
		}
		if m.Node.Server {
			return true
		}
	}
	return true
}
