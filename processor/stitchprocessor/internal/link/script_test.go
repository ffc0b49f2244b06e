package link_test

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/link"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A script tells what threads do, one step after the other, 10 µs apart:
//
//	1<R   thread 1 reads request R (upper case)     1>R   writes its reply
//	1>c   writes call c (lower case)                1<c   reads its reply
//	1@c   connects for call c                       1!c   tries to, in vain
//	1tick returns from epoll_wait                   1hole does I/O that nothing accounts for
//	1wait, 1poll, 1sleep                            sleeps on a futex, in poll, in nanosleep
//	1w2/a wakes thread 2 on futex word a (hex)      1p2   writes to the wake fd of thread 2
//	1c2   creates thread 2                          1g7   runs goroutine 7 from now on, 1g7/5 created by 5
//	1h2/a the same as 1w2/a through another thread that does no I/O
//	R=xy  R carried trace x, span y on the wire     zzz   50 ms pass
//	R=xyz span z is the parent of y; 0 is none      R=xy,vw  and an alias
//	R#id  R carried a request id
//	b%7   operation 7 is asked for
//	b~a   call b goes out on the connection of a, after it
var stepOf = regexp.MustCompile(`^(\d+)(?:([<>@!])(\w)|(tick|hole|wait|poll|sleep)|([wpch])(\d+)(?:/(\w+))?|g(\d+)(?:/(\d+))?)$`)

type thread struct {
	io, tick     uint32
	goid, parent uint64
	waited       evidence.Waited
	handoffs     []evidence.Handoff
	last         evidence.Handoff
}

// backend is the other end of all connections.
var backend = netip.MustParseAddrPort("127.0.0.1:9000")

// span is a span to be.
type span struct {
	name     string
	exchange evidence.Exchange
	end      int64
	context  string
	id       string
	asked    uint64 // operation
}

// contexts are the contexts that a span carried.
func (x *span) contexts() (list []window.Context) {
	for text := range strings.SplitSeq(x.context, ",") {
		if len(text) < 2 {
			continue
		}
		c := window.Context{Trace: [16]byte{text[0]}}
		for i, to := range []*[8]byte{&c.Caller, &c.Above} {
			if len(text) > i+1 && text[i+1] != '0' {
				*to = [8]byte{text[i+1]}
			}
		}
		list = append(list, c)
	}
	return list
}

type script struct {
	t       testing.TB
	now     int64
	threads map[uint32]*thread
	spans   map[string]*span
	order   []string
}

const step = int64(10_000)

func read(t testing.TB, text string) *script {
	s := &script{t: t, now: 1_000_000, threads: map[uint32]*thread{}, spans: map[string]*span{}}
	for _, word := range strings.Fields(text) {
		s.now += step
		if word == "zzz" {
			s.now += 50e6
			continue
		}
		if name, context, ok := strings.Cut(word, "="); ok {
			s.span(name).context = context
			continue
		}
		if name, id, ok := strings.Cut(word, "#"); ok {
			s.span(name).id = id
			continue
		}
		if name, what, ok := strings.Cut(word, "%"); ok {
			var err error
			s.span(name).asked, err = strconv.ParseUint(what, 10, 64)
			require.NoError(t, err)
			continue
		}
		if name, on, ok := strings.Cut(word, "~"); ok {
			e := &s.span(name).exchange
			e.ConnID, e.Ordinal = s.span(on).exchange.ConnID, s.span(on).exchange.Ordinal+1
			continue
		}
		m := stepOf.FindStringSubmatch(word)
		require.NotNil(t, m, "step %q", word)
		s.do(m)
	}
	return s
}

func (s *script) thread(id string) (*thread, uint32) {
	n, err := strconv.Atoi(id)
	require.NoError(s.t, err)
	if s.threads[uint32(n)] == nil {
		s.threads[uint32(n)] = &thread{}
	}
	return s.threads[uint32(n)], uint32(n)
}

func (s *script) span(name string) *span {
	if s.spans[name] == nil {
		s.spans[name] = &span{name: name, exchange: evidence.Exchange{ConnID: uint64(name[0]), Ordinal: 1, Peer: backend}}
		s.order = append(s.order, name)
	}
	return s.spans[name]
}

func (s *script) do(m []string) {
	t, tid := s.thread(m[1])
	switch {
	case m[2] == "@":
		e := &s.span(m[3]).exchange
		e.ConnectTime, e.Connect, e.Ordinal = s.now, t.point(tid), 0
	case m[2] == "!":
		x := s.span(m[3])
		e := &x.exchange
		e.ConnectTime, e.Connect, e.Ordinal = s.now, t.point(tid), 0
		e.Request = evidence.Message{Start: s.now, End: s.now, Point: e.Connect}
		e.Request.IO, x.end = 0, s.now+step/2
	case m[2] != "":
		s.message(t, tid, m[2] == "<", m[3])
	case m[4] != "":
		t.rest(m[4])
	case m[5] != "":
		s.hand(t, tid, m[5], m[6], m[7])
	default:
		t.goid, _ = strconv.ParseUint(m[8], 10, 64)
		t.parent, _ = strconv.ParseUint("0"+m[9], 10, 64)
	}
}

func (t *thread) point(tid uint32) evidence.Point {
	return evidence.Point{TID: tid, IO: t.io, Tick: t.tick, Goid: t.goid, GoidParent: t.parent}
}

func (t *thread) rest(what string) {
	switch what {
	case "tick":
		t.tick++
		t.waited |= evidence.WaitedEpoll
	case "hole":
		t.io++
	case "wait":
		t.waited |= evidence.WaitedFutex
	case "poll":
		t.waited |= evidence.WaitedPoll
	case "sleep":
		t.waited |= evidence.WaitedSleep
	}
}

func (s *script) hand(from *thread, tid uint32, how, to, address string) {
	other, _ := s.thread(to)
	h := from.last
	h.WakerTID, h.Time = tid, s.now
	h.Address, _ = strconv.ParseUint("0"+address, 16, 64)
	switch how {
	case "w":
		h.Edge = evidence.Futex
		other.waited |= evidence.WaitedFutex
	case "h":
		h.Edge, h.Hops, h.WakerTID = evidence.Futex, 1, 99
		other.waited |= evidence.WaitedFutex
	case "p":
		h.Edge, h.Address = evidence.FDRead, 0xfd
	case "c":
		h.Edge = evidence.Clone
	}
	if h.Source != evidence.None {
		other.handoffs = append(other.handoffs, h)
	}
}

func (s *script) message(t *thread, tid uint32, reads bool, name string) {
	x := s.span(name)
	t.io++
	m := evidence.Message{
		Start: s.now, End: s.now + 1000, Point: t.point(tid), Waited: t.waited, Handoffs: t.handoffs,
	}
	if reads {
		m.Start = m.End
	}
	t.waited, t.handoffs = 0, nil
	server := strings.ToUpper(name) == name
	kind := map[[2]bool]evidence.Kind{
		{true, true}: evidence.ServerRead, {true, false}: evidence.ServerWrite,
		{false, true}: evidence.ClientRead, {false, false}: evidence.ClientWrite,
	}[[2]bool{server, reads}]
	t.last = evidence.Handoff{Source: kind, SourceTID: tid, SourceIO: t.io}
	if x.exchange.Request.Start == 0 {
		x.exchange.Request = m
	} else {
		x.exchange.Response = m
	}
	x.end = m.End
}

// links plays the script and returns the claims as "kind call request", or, for a
// claim that two calls belong together, "kind call ~call", sorted; those that are
// worth nothing are left out. reverse delivers the spans in the opposite order.
func (s *script) links(reverse bool) []string {
	p := window.New()
	found := map[string]bool{}
	l := link.New(p, func(c *window.Node, claim window.Claim) {
		if claim.Score == 0 {
			return
		}
		to := "~"
		if claim.Parent != nil {
			to = claim.Parent.Ref.(string)
		} else {
			to += claim.Sibling.Ref.(string)
		}
		found[fmt.Sprintf("%s %s %s", link.Describe(claim.Kind).Name, c.Ref, to)] = true
	})
	nodes := s.deliver(l, p, reverse)
	p.Watermark = s.now + 1e9
	l.Advance(p.Watermark)
	for _, n := range nodes {
		if !n.Server {
			l.Ripe(n, true)
		}
	}
	var all []string
	for f := range found {
		all = append(all, f)
	}
	slices.Sort(all)
	return all
}

func (s *script) deliver(l *link.Linker, p *window.Process, reverse bool) []*window.Node {
	slices.SortStableFunc(s.order, func(a, b string) int { return int(s.spans[a].end - s.spans[b].end) })
	if reverse {
		slices.Reverse(s.order)
	}
	var nodes []*window.Node
	for _, name := range s.order {
		x := s.spans[name]
		n := window.NewNode(&x.exchange, strings.ToUpper(name) == name, x.end)
		n.Ref, n.Operation = name, x.asked
		n.Carried = &window.Carried{RequestID: x.id, Contexts: x.contexts()}
		again := p.Add(n)
		l.Learn(n)
		l.Arrived(n)
		for _, a := range again {
			l.Again(a)
		}
		nodes = append(nodes, n)
	}
	return nodes
}
