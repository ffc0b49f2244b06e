package window_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// at describes a message: thread, ordinal of its point, number of I/O.
type at struct{ tid, io, ops uint32 }

func node(server bool, start, end int64, request, response at) *window.Node {
	e := evidence.Exchange{
		Request:  evidence.Message{Start: start, End: start + 1, Ops: request.ops, Point: evidence.Point{TID: request.tid, IO: request.io}},
		Response: evidence.Message{Start: end - 1, End: end, Ops: response.ops, Point: evidence.Point{TID: response.tid, IO: response.io}},
	}
	return window.NewNode(&e, server, end)
}

func server(start, end int64) *window.Node { return node(true, start, end, at{}, at{}) }
func call(start, end int64) *window.Node   { return node(false, start, end, at{}, at{}) }

func fill(nodes ...*window.Node) *window.Process {
	p := window.New()
	for _, n := range nodes {
		p.Add(n)
	}
	return p
}

func TestNeighboursOnAThread(t *testing.T) {
	for name, tt := range map[string]struct {
		first, second at // the request of a server span, that of a call
		adjacent      bool
	}{
		"ordinals that differ by one are neighbours":                   {at{1, 5, 1}, at{1, 6, 1}, true},
		"a hole is never bridged":                                      {at{1, 5, 1}, at{1, 7, 1}, false},
		"other threads do not matter":                                  {at{1, 5, 1}, at{2, 6, 1}, false},
		"a request read in three goes ends at its point":               {at{1, 5, 3}, at{1, 6, 1}, true},
		"a call written in three goes begins at its point":             {at{1, 5, 1}, at{1, 6, 3}, true},
		"no ordinal means no place":                                    {at{1, 0, 1}, at{1, 1, 1}, false},
		"ordinals do not wrap":                                         {at{1, 1<<32 - 1, 1}, at{1, 0, 1}, false},
		"a message of more I/O than is plausible has only its point":   {at{1, 5, 1}, at{1, 6, 1 << 30}, true},
		"a request of more I/O than came before has only its point":    {at{1, 2, 60}, at{1, 3, 1}, true},
		"the thread zero does not exist":                               {at{0, 5, 1}, at{0, 6, 1}, false},
		"the same ordinal twice is not next to itself":                 {at{1, 5, 1}, at{1, 5, 1}, false},
		"a hole within a message that was read in two goes is its own": {at{1, 5, 1}, at{1, 6, 2}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r, c := node(true, 10, 90, tt.first, at{}), node(false, 20, 30, tt.second, at{})
			p := fill(r, c)
			if tt.adjacent {
				assert.Same(t, &r.Request, p.Before(&c.Request))
				assert.Same(t, &c.Request, p.After(&r.Request))
			} else {
				assert.NotSame(t, &r.Request, p.Before(&c.Request))
				assert.NotSame(t, &c.Request, p.After(&r.Request))
			}
		})
	}
}

func TestTheResponseOfALossySpanIsItsOwnOnlyIfNothingIsMissing(t *testing.T) {
	between := node(false, 20, 30, at{1, 6, 1}, at{1, 8, 2})
	for name, tt := range map[string]struct {
		lossy, own        bool
		request, response at
	}{
		"the next I/O of the thread":               {true, true, at{2, 5, 1}, at{2, 6, 1}},
		"all between is known":                     {true, true, at{1, 5, 1}, at{1, 9, 1}},
		"in several goes":                          {true, true, at{1, 5, 3}, at{1, 9, 4}},
		"something between is missing":             {true, false, at{1, 4, 1}, at{1, 9, 1}},
		"another thread has moved it":              {true, false, at{1, 5, 1}, at{2, 6, 1}},
		"it came before the request":               {true, false, at{2, 5, 1}, at{2, 4, 1}},
		"it begins in the middle of another one's": {true, false, at{1, 5, 1}, at{1, 8, 1}},
		"too far away":                             {true, false, at{2, 5, 1}, at{2, 1 << 31, 1}},
		"no ordinals":                              {true, false, at{2, 0, 1}, at{2, 1, 1}},
		"what is not lossy is not doubted":         {false, true, at{1, 5, 1}, at{2, 60, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			p := fill(between)
			n := node(true, 10, 90, tt.request, tt.response)
			n.Lossy = tt.lossy
			p.Add(n)
			assert.True(t, n.HasResponse())
			assert.EqualValues(t, 89, n.Answered(), "the times are left")
			if tt.own {
				assert.Equal(t, tt.response.tid, n.Response.TID)
				assert.Same(t, &n.Response, p.Exact(tt.response.tid, tt.response.io))
			} else {
				assert.Zero(t, n.Response.TID)
				assert.Zero(t, n.Response.IO)
				assert.NotSame(t, &n.Response, p.Exact(tt.response.tid, tt.response.io))
			}
		})
	}
}

func TestAMessageInSeveralGoesHasNeighboursAtBothEnds(t *testing.T) {
	r := node(true, 10, 90, at{1, 4, 1}, at{1, 12, 1})
	c := node(false, 20, 30, at{1, 5, 3}, at{1, 11, 4}) // writes 5 to 7, reads 8 to 11
	p := fill(r, c)
	assert.Same(t, &c.Response, p.Before(&r.Response))
	assert.Same(t, &c.Request, p.Before(&c.Response))
	assert.Same(t, &c.Response, p.After(&c.Request))
	assert.Same(t, &r.Request, p.Before(&c.Request))
	assert.Same(t, &c.Request, p.Message(1, 7), "its last I/O names it, too")
	assert.Nil(t, p.Exact(1, 7), "but is not its point")
	assert.Same(t, &c.Request, p.Exact(1, 5))
	assert.Nil(t, p.Message(1, 6), "what is between is not indexed")
}

func TestAPointWinsOverTheEndOfAnotherMessage(t *testing.T) {
	for _, first := range []bool{true, false} {
		c, other := node(false, 20, 30, at{1, 5, 3}, at{}), node(false, 25, 35, at{1, 7, 1}, at{})
		p := fill(c, other)
		if first {
			p = fill(other, c)
		}
		assert.Same(t, &other.Request, p.Message(1, 7))
		p.Remove(c)
		assert.Same(t, &other.Request, p.Message(1, 7))
		p.Remove(other)
		assert.Nil(t, p.Message(1, 7))
	}
}

func TestAwaitedMessagesAwaken(t *testing.T) {
	r, second := node(true, 10, 90, at{1, 1, 1}, at{1, 9, 1}), node(true, 11, 91, at{2, 1, 1}, at{2, 2, 1})
	p := fill(r, second)
	p.Await(1, 8, r)
	p.Await(1, 8, r)
	p.Await(1, 8, second)
	p.Await(0, 8, r)
	assert.Empty(t, p.Add(node(false, 20, 30, at{1, 5, 1}, at{1, 6, 1})))
	assert.Equal(t, []*window.Node{r, second}, p.Add(node(false, 20, 30, at{1, 7, 1}, at{1, 8, 1})))
	assert.Empty(t, p.Add(node(false, 20, 30, at{}, at{1, 8, 1})), "once")
	p.Await(1, 20, r)
	p.Remove(r)
	assert.Empty(t, p.Add(node(false, 20, 30, at{}, at{1, 20, 1})), "not after it has left")
	p.Await(1, 21, r)
	assert.Empty(t, p.Add(node(false, 20, 30, at{}, at{1, 21, 1})), "nor then")
}

func TestANodeAwaitsABoundedNumberOfMessages(t *testing.T) {
	r := server(10, 90)
	p := fill(r)
	for io := range uint32(1000) {
		p.Await(1, io+1, r)
	}
	awakened := 0
	for io := range uint32(1000) {
		awakened += len(p.Add(node(false, 20, 30, at{1, io + 1, 1}, at{})))
	}
	assert.Equal(t, 12, awakened)
}

func TestOverlapping(t *testing.T) {
	for name, tt := range map[string]struct {
		servers  [][2]int64 // start and end; answered one before the end
		from, to int64
		limit    int
		want     []int // indices, latest start first
		all      bool
	}{
		"nothing is open in an empty window":           {nil, 5, 5, 8, nil, true},
		"what began before and ended after is open":    {[][2]int64{{1, 11}}, 5, 5, 8, []int{0}, true},
		"what was answered before is not":              {[][2]int64{{1, 5}}, 5, 5, 8, nil, true},
		"what was answered just then is":               {[][2]int64{{1, 6}}, 5, 5, 8, []int{0}, true},
		"what began after is not":                      {[][2]int64{{6, 11}}, 5, 5, 8, nil, true},
		"a span of time meets all that touch it":       {[][2]int64{{1, 4}, {2, 7}, {5, 9}, {8, 20}}, 5, 8, 8, []int{3, 2, 1}, true},
		"short ones do not hide a long one":            {[][2]int64{{1, 50}, {2, 4}, {5, 7}, {8, 10}}, 30, 30, 8, []int{0}, true},
		"more than the limit are too many":             {[][2]int64{{1, 50}, {2, 50}, {3, 50}}, 30, 30, 2, []int{2, 1}, false},
		"as many as the limit are not":                 {[][2]int64{{1, 50}, {2, 50}}, 30, 30, 2, []int{1, 0}, true},
		"the order of arrival does not matter":         {[][2]int64{{9, 50}, {1, 60}, {5, 55}}, 30, 30, 8, []int{0, 2, 1}, true},
		"a request without a reply is open to its end": {[][2]int64{{1, 9}}, 8, 8, 8, []int{0}, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := window.New()
			var nodes []*window.Node
			for _, s := range tt.servers {
				n := server(s[0], s[1])
				nodes = append(nodes, n)
				p.Add(n)
			}
			got, all := p.Overlapping(nil, tt.from, tt.to, tt.limit)
			assert.Equal(t, tt.all, all)
			var want []*window.Node
			for _, i := range tt.want {
				want = append(want, nodes[i])
			}
			assert.Equal(t, want, got)
		})
	}
	t.Run("the search is bounded", func(t *testing.T) {
		p := fill(server(0, 100_000))
		for i := range int64(1000) {
			p.Add(server(i+1, i+3))
		}
		_, all := p.Overlapping(nil, 5000, 5000, 64)
		assert.False(t, all)
	})
}

func TestOverlappingAgreesWithLookingAtAll(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		p := window.New()
		var nodes []*window.Node
		for range 60 {
			start := r.Int64N(100)
			n := server(start, start+1+r.Int64N(20))
			p.Add(n)
			nodes = append(nodes, n)
			if len(nodes) > 20 && r.IntN(3) == 0 {
				p.Remove(nodes[0])
				nodes = nodes[1:]
			}
		}
		from := r.Int64N(100)
		to := from + r.Int64N(10)
		got, all := p.Overlapping(nil, from, to, 1000)
		require.True(t, all)
		var want []*window.Node
		for _, n := range nodes {
			if n.Start() <= to && n.Answered() >= from {
				want = append(want, n)
			}
		}
		require.ElementsMatch(t, want, got)
	}
}

func TestUndecidedCalls(t *testing.T) {
	a, b, c := call(10, 40), call(20, 30), call(30, 90)
	p := fill(a, b, c, server(5, 95))
	assert.Same(t, b, p.FirstUndecided(15, 25))
	assert.Nil(t, p.FirstUndecided(21, 29))
	assert.Same(t, a, p.FirstUndecided(0, 100))
	assert.Equal(t, 2, p.Undecided(0, 30))
	assert.Equal(t, 0, p.Undecided(50, 30))
	assert.True(t, p.SoleUndecided(b, 15, 29))
	assert.False(t, p.SoleUndecided(b, 15, 30))
	assert.False(t, p.SoleUndecided(b, 5, 25))

	assert.Nil(t, p.Ripe(30), "nothing ended before 30")
	assert.Same(t, b, p.Ripe(31))
	p.Postpone(b, 60)
	assert.Same(t, a, p.Ripe(50))
	p.Resolve(a)
	p.Resolve(a)
	assert.Nil(t, p.Ripe(60))
	assert.Same(t, b, p.Ripe(61))
	p.Remove(b)
	p.Postpone(b, 5)
	assert.Same(t, c, p.Ripe(1000))
	assert.Same(t, c, p.FirstUndecided(0, 1000))
}

func TestLastRequests(t *testing.T) {
	a, b := server(10, 20), server(15, 90)
	p := fill(b, a)
	last, previous := p.LastRequests(16)
	assert.Same(t, b, last)
	assert.Same(t, a, previous)
	last, previous = p.LastRequests(15)
	assert.Same(t, a, last)
	assert.Nil(t, previous)
	last, _ = p.LastRequests(10)
	assert.Nil(t, last)
}

func TestGoroutinesAndTraces(t *testing.T) {
	r := server(10, 90)
	r.Request.Goid, r.Response.Goid, r.Carried = 7, 8, &window.Carried{Contexts: []window.Context{{Trace: [16]byte{1}}}}
	c := call(20, 30)
	c.Request.Goid, c.Carried = 7, r.Carried
	p := fill(r, c, server(1, 2))
	assert.Equal(t, []*window.Node{r}, p.ServersOf(7))
	assert.Equal(t, []*window.Node{r}, p.ServersOf(8))
	assert.Equal(t, []*window.Node{c}, p.CallsOf(7))
	assert.Empty(t, p.ServersOf(0))
	assert.Equal(t, []*window.Node{r, c}, p.OfTrace([16]byte{1}))
	assert.Empty(t, p.OfTrace([16]byte{}))
	p.Remove(r)
	assert.Empty(t, p.ServersOf(7))
	assert.Empty(t, p.ServersOf(8))
	assert.Equal(t, []*window.Node{c}, p.OfTrace([16]byte{1}))
}

func TestARemovedNodeKeepsNothingAlive(t *testing.T) {
	r, c := server(10, 90), call(20, 30)
	p := fill(r, c)
	c.Parent, c.Claims, c.Ref = r, []window.Claim{{Parent: r}}, "x"
	c.Block(r)
	c.Turned().Previous[0], c.Turned().Labels[1] = c, r
	p.Remove(c)
	p.Remove(c)
	assert.Nil(t, c.Process)
	assert.Nil(t, c.Parent)
	assert.Nil(t, c.Ref)
	assert.Empty(t, c.Claims)
	assert.Empty(t, c.Unblock())
	assert.Equal(t, window.Note{}, c.Note)
	assert.Equal(t, 1, p.Len())
}

func TestNodesAreFoundInOrderWhateverTheOrderOfArrival(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	p := window.New()
	var left []*window.Node
	for i := range 5000 {
		n := call(int64(i)+r.Int64N(50), int64(i)+100)
		p.Add(n)
		left = append(left, n)
		if len(left) > 100 {
			k := r.IntN(30) // mostly the oldest, as in life
			p.Remove(left[k])
			left = slices.Delete(left, k, k+1)
		}
	}
	slices.SortStableFunc(left, func(a, b *window.Node) int { return int(a.Start() - b.Start()) })
	for _, want := range left {
		got := p.FirstUndecided(0, 1<<40)
		require.Equal(t, want.Start(), got.Start())
		p.Resolve(got)
	}
	assert.Nil(t, p.FirstUndecided(0, 1<<40))
}

func BenchmarkAddRemove(b *testing.B) {
	p := window.New()
	var queue []*window.Node
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		t, io := int64(i)*1000, uint32(i*2+1)
		n := node(i%2 == 0, t, t+50_000, at{uint32(1 + i%64), io, 1}, at{uint32(1 + i%64), io + 1, 1})
		p.Add(n)
		if queue = append(queue, n); len(queue) > 10_000 {
			p.Remove(queue[0])
			queue = queue[1:]
		}
	}
}

func TestContexts(t *testing.T) {
	carrying := func(n *window.Node, all ...window.Context) *window.Node {
		n.Carried = &window.Carried{Contexts: all}
		return n
	}
	context := func(trace, format byte) window.Context { return window.Context{Trace: [16]byte{trace}, Format: format} }
	for name, tt := range map[string]struct {
		call, request []window.Context
		contradict    bool
	}{
		"another trace in the same format contradicts":         {[]window.Context{context(1, 1)}, []window.Context{context(2, 1)}, true},
		"one in another format says nothing":                   {[]window.Context{context(1, 1)}, []window.Context{context(2, 2)}, false},
		"the same trace in another format does not":            {[]window.Context{context(1, 1)}, []window.Context{context(1, 2)}, false},
		"a common alias settles it":                            {[]window.Context{context(1, 1), context(3, 2)}, []window.Context{context(2, 1), context(3, 2)}, false},
		"an alias contradicts like any other":                  {[]window.Context{context(1, 1), context(3, 2)}, []window.Context{context(4, 2)}, true},
		"nothing on one side contradicts nothing":              {[]window.Context{context(1, 1)}, nil, false},
		"nothing on both sides has nothing to contradict, too": {nil, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := carrying(call(20, 30), tt.call...)
			r := carrying(server(10, 90), tt.request...)
			assert.Equal(t, tt.contradict, c.Contradicts(r))
			assert.Equal(t, tt.contradict, r.Contradicts(c))
		})
	}
	t.Run("a node is found by each of its traces, and by its request id, until it leaves", func(t *testing.T) {
		n := carrying(server(10, 90), context(1, 1), context(1, 2), context(3, 3))
		n.Carried.RequestID = "id"
		p := fill(n)
		assert.Equal(t, []*window.Node{n}, p.OfTrace([16]byte{1}))
		assert.Equal(t, []*window.Node{n}, p.OfTrace([16]byte{3}))
		assert.Equal(t, []*window.Node{n}, p.WithID("id"))
		p.Remove(n)
		assert.Empty(t, p.OfTrace([16]byte{1}))
		assert.Empty(t, p.OfTrace([16]byte{3}))
		assert.Empty(t, p.WithID("id"))
	})
}

func TestCoveringLooksAtSoManyRequestsAtMost(t *testing.T) {
	nodes := []*window.Node{server(1, 1000)}
	for i := range int64(99) {
		nodes = append(nodes, server(2+i, 3+i))
	}
	p := fill(nodes...)
	got, all := p.Covering(nil, 500, 600, 100)
	assert.True(t, all)
	assert.Equal(t, nodes[:1], got)
	_, all = p.Covering(nil, 500, 600, 99)
	assert.False(t, all, "the one that was open would have been the next")
}
