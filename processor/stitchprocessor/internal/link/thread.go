package link

import (
	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// threadKind (E1x): one thread read the request and wrote the reply, did not return
// to an event loop between, and every I/O between is accounted for and none
// belongs to another request. Then all that it wrote between belongs to this one.
// Measured: 8,260 right, 0 wrong.
var threadKind = Kind{Name: "thread", Class: Owner, Trust: window.Decisive, Precision: measured(8260, 0)}

// threadGapKind: the same, but less is known. Either there is I/O between that no
// exchange accounts for, such as a log stream, on a thread without an event loop in a
// process whose threads have been seen to serve one request at a time and nothing
// else; or it is not known whether the thread had another request open. It waits
// for everything that could contradict. Not measured apart; taken as ten times less
// sure.
var threadGapKind = Kind{Name: "thread_gap", Class: Owner, Trust: window.Likely, Precision: 0.999}

// maxInterval is the longest run of I/O of one request that is walked.
const maxInterval = 4096

// serial counts, for threads without an event loop, how often all the I/O between
// request and reply was the request's own, and how often it was not.
type serial struct{ alone, mixed int }

func (s *serial) observe(mixed bool) {
	if s.alone+s.mixed >= 1024 {
		s.alone, s.mixed = s.alone/2, s.mixed/2
	}
	if mixed {
		s.mixed++
	} else {
		s.alone++
	}
}

// proven: enough was seen, and nothing to the contrary in recent memory.
func (s *serial) proven() bool { return s.alone >= 20 && s.mixed == 0 }

func owns(l *Linker, r *window.Node) {
	in, out := &r.Request, &r.Response
	if !r.HasResponse() || in.TID != out.TID || in.Tick != out.Tick || in.Goroutine() || out.IO <= in.IO {
		return
	}
	w := walk(l, r)
	if in.Tick == 0 && !w.gap {
		l.serial.observe(w.mixed)
	}
	switch {
	case w.mixed:
	case !w.gap && (in.Tick != 0 || l.alone(in)):
		l.shapes.add(r, w.calls)
		l.claimAll(r, w.calls, Thread)
	case w.gap && in.Tick == 0 && !r.Lossy && l.serial.proven():
		l.claimAll(r, w.calls, ThreadGap)
	}
}

// alone reports whether the thread certainly had no other request open when it read
// one: what it did before is known, and threads of this process do not serve several
// requests at a time. A request that is still open is a hole.
func (l *Linker) alone(in *window.Message) bool {
	if l.serial.mixed > 0 {
		return false
	}
	return in.First() == 1 || l.p.Before(in) != nil
}

// maxBack bounds how far back the owner of a call is looked for.
const maxBack = 256

// ownedAfterAll is for the calls of a thread which owned a request, but was not known
// to when that arrived: now every request is known which the thread may have had open.
func ownedAfterAll(l *Linker, c *window.Node) {
	if c.Request.Tick != 0 || c.Request.Goroutine() {
		return
	}
	m := l.before(c)
	for range maxBack {
		if m == nil || m.Node.Server {
			break
		}
		m = l.p.Before(m)
	}
	if m == nil || m.Kind != evidence.ServerRead {
		return
	}
	r := m.Node
	out := &r.Response
	if !r.HasResponse() || out.TID != m.TID || out.Tick != 0 || r.Note.Walks == maxWalks {
		return
	}
	r.Note.Walks++
	if w := walk(l, r); !w.mixed && !w.gap && l.soleOn(r) {
		l.claimAll(r, w.calls, ThreadGap)
		if unconnected(c) && c.Connect.IO < out.First() {
			l.toParent(c, r, ThreadGap)
		}
	}
}

// unconnected reports whether c is a connect that failed: no I/O belongs to it, but
// it is known after which one of its thread it came.
func unconnected(c *window.Node) bool { return c.Request.IO == 0 && c.Connect != nil }

// before returns the message that the thread of a call moved right before it.
func (l *Linker) before(c *window.Node) *window.Message {
	if unconnected(c) {
		return l.p.Message(c.Connect.TID, c.Connect.IO)
	}
	return l.p.Before(&c.Request)
}

// maxWalks bounds how often the I/O of one request is walked for that.
const maxWalks = 4

func (l *Linker) claimAll(r *window.Node, messages []*window.Message, k window.Kind) {
	for _, m := range messages {
		l.toParent(m.Node, r, k)
		if k == Thread {
			finishedInside(l, m, r)
		}
	}
}

// interval is what a thread did between reading a request and writing its reply.
type interval struct {
	calls []*window.Message // requests of calls written, last one first
	mixed bool              // there is I/O of another request
	gap   bool              // there is I/O that nothing accounts for
}

func walk(l *Linker, r *window.Node) interval {
	var w interval
	first, last := r.Request.IO, r.Response.IO
	if last-first > maxInterval {
		w.gap = true
		first = last - maxInterval
	}
	awaited := 0
	for io := last - 1; io > first; io-- {
		m := l.p.Message(r.Request.TID, io)
		switch {
		case m == nil && !inside(l, r, io):
			w.gap = true
			if awaited < 4 { // the call may be late
				l.p.Await(r.Request.TID, io, r)
				awaited++
			}
		case m == nil || m.Node == r:
		case m.Node.Server:
			w.mixed = true
			return w
		case m.Kind == evidence.ClientWrite && m.IO == io:
			w.calls = append(w.calls, m)
		}
	}
	return w
}

// inside reports whether an I/O without a message is a middle segment of one, or a
// segment of the request or of the reply of r itself.
func inside(l *Linker, r *window.Node, io uint32) bool {
	tid := r.Request.TID
	for back := uint32(1); back <= window.MaxOps && back < io; back++ {
		if m := l.p.Message(tid, io-back); m != nil {
			return m.First() <= io && io <= m.Last()
		}
	}
	return false
}
