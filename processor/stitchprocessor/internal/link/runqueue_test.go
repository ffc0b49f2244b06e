package link

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// busy is a Go program in which thread 1 reads and thread 2 writes what that leads to.
// Requests are named by letters. Each makes call 1 and then call 2, unless it is not
// named among what was written at all; what is neither read by thread 1 nor written by
// thread 2 is done by other threads.
type busy struct {
	l        *Linker
	requests map[byte]*window.Node
	calls    map[byte]*window.Node // that are not linked
}

// play takes what thread 1 reads and what thread 2 writes then, in order:
//
//	a   the request itself     A   the reply of its first call    A?  of one that is not linked
//	A   its reply              A+  its second call                A?  likewise
func play(t *testing.T, read, written string) *busy {
	t.Helper()
	b := &busy{l: New(window.New(), nil), requests: map[byte]*window.Node{}, calls: map[byte]*window.Node{}}
	reads, writes := strings.Fields(read), strings.Fields(written)
	names := slices.Concat(reads, writes)
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToUpper(a[:1]), strings.ToUpper(b[:1])) })
	names = slices.CompactFunc(names, func(a, b string) bool { return strings.EqualFold(a[:1], b[:1]) })
	for i, n := range names {
		b.add(t, uint32(i), strings.ToUpper(n)[0], reads, writes)
	}
	return b
}

// place is the I/O of a thread that names a request first, from 1, and what it says.
func place(words []string, names ...string) (io uint32, word string) {
	i := slices.IndexFunc(words, func(w string) bool { return slices.Contains(names, w) })
	if i < 0 {
		return 0, ""
	}
	return uint32(i) + 1, words[i]
}

func (b *busy) add(t *testing.T, i uint32, name byte, reads, writes []string) {
	t.Helper()
	upper, lower := string(name), strings.ToLower(string(name))
	at := func(tid, io uint32, when int64) evidence.Message {
		return evidence.Message{Start: when, End: when, Point: evidence.Point{TID: tid, IO: io, Goid: 100 + uint64(i)}}
	}
	elsewhere := func(tid uint32, when int64) evidence.Message { return at(10*(i+1)+tid, 1, when) }
	in, out := elsewhere(1, 100), elsewhere(2, 9000)
	if io, word := place(reads, lower); word != "" {
		in = at(1, io, 1000+int64(io))
	}
	if io, word := place(writes, upper); word != "" {
		out = at(2, io, 5000+int64(io))
	}
	r := b.node(true, 0, in, out)
	b.requests[name] = r
	if io, word := place(reads, upper, upper+"?"); word != "" {
		c := b.node(false, 1, elsewhere(3, 500), at(1, io, 1000+int64(io)))
		b.linked(c, r, name, word)
	}
	if io, word := place(writes, upper+"+", upper+"?"); word != "" {
		op := uint64(2)
		if lowerRead, _ := place(reads, lower); lowerRead > 0 {
			op = 1
		}
		c := b.node(false, op, at(2, io, 5000+int64(io)), elsewhere(4, 7000))
		b.linked(c, r, name, word)
	}
}

func (b *busy) node(server bool, operation uint64, request, response evidence.Message) *window.Node {
	n := window.NewNode(&evidence.Exchange{Ordinal: 1, Request: request, Response: response}, server, response.End)
	n.Operation = operation
	b.l.p.Add(n)
	return n
}

func (b *busy) linked(c, r *window.Node, name byte, word string) {
	if strings.HasSuffix(word, "?") {
		b.calls[name] = c
		return
	}
	c.State, c.Parent, c.Kind = window.Linked, r, Reply
	led := r.Led()
	led.Made = append(led.Made, c)
}

// found tells for each call that is not linked which request it is found to be of.
func (b *busy) found(by ...way) string {
	var found []string
	for name, c := range b.calls {
		for _, w := range by {
			r := w.find(b.l, c)
			for of, candidate := range b.requests {
				if r == candidate {
					found = append(found, string(name)+string(of))
				}
			}
		}
	}
	slices.Sort(found)
	return strings.Join(found, " ")
}

func TestWhatARunQueueLeaves(t *testing.T) {
	begun, ended := []way{afterRequest, afterReply}, []way{toReply}
	for name, tt := range map[string]struct {
		by                  []way
		read, written, want string
	}{
		"one call between two replies":             {begun, "A B C", "A B? C", "BB"},
		"between calls that are known":             {begun, "A B C", "A+ B? C+", "BB"},
		"two calls, in order":                      {begun, "A B C D", "A B? C? D", "BB CC"},
		"the only request that was read":           {begun, "A b C", "A+ B? C+", "BB"},
		"of two requests any may be first":         {begun, "A b c D", "A+ B? C? D", ""},
		"a reply among requests":                   {begun, "A b C d E", "A B+ C? D+ E", "CC"},
		"not what went on otherwise":               {begun, "A B C D", "A C D B?", ""},
		"not if something is missing":              {begun, "A B C", "A B?", ""},
		"nor if it is not known what was read":     {begun, "A B C? D", "A B? D", ""},
		"what is known to be out of order":         {begun, "A B C D E", "A D C? B E", ""},
		"the reply of the request":                 {ended, "A B? C", "A B C", "BB"},
		"its next call":                            {ended, "A B? C", "A B+ C", "BB"},
		"two replies in order":                     {ended, "A B? C? D", "A B C+ D", "BB CC"},
		"one reply and one request":                {ended, "A B? c D", "A B C+ D", "BB"},
		"not if one was read that led nowhere yet": {ended, "A B? C? D", "A B D", ""},
		"nor if they are not in order":             {ended, "A B C? D E", "A C D B E", ""},
	} {
		assert.Equal(t, tt.want, play(t, tt.read, tt.written).found(tt.by...), name)
	}
}

func TestNeighboursCountIfTheirOtherEndsAreCloseTogether(t *testing.T) {
	at := func(tid, io uint32) *window.Message {
		return &window.Message{TID: tid, IO: io}
	}
	write := &window.Message{Kind: evidence.ClientWrite}
	among := []passage{{read: at(1, 11)}, {read: at(1, 10)}, {read: at(1, 9)}, {read: at(2, 10)}}
	first, ok := nextAcross(at(1, 9), among, write)
	require.True(t, ok)
	assert.Equal(t, uint32(10), first.read.IO, "the next one of that thread")
	_, ok = nextAcross(at(1, 11), among, write)
	assert.False(t, ok, "none comes after it")
	_, ok = nextAcross(at(1, 1), []passage{{read: at(1, 1+maxStretch)}}, write)
	assert.True(t, ok)
	_, ok = nextAcross(at(1, 1), []passage{{read: at(1, 2+maxStretch)}}, write)
	assert.False(t, ok, "it is too far away")
}

func TestARunQueueIsBelievedOfCallsThatAreMadeOneAfterTheOther(t *testing.T) {
	b := play(t, "A B C", "A+ B+ C")
	c := b.requests['B'].Made()[1]
	q := &b.l.runs
	assert.False(t, q.proven(c, afterReply), "nothing is known")
	for range enough {
		q.learn(c)
	}
	assert.True(t, q.proven(c, afterReply))

	for range tooMany {
		b.l.compareTurn(c)
	}
	require.Equal(t, record{agree: tooMany}, q.get(c.Operation).agreed[afterReply], "the neighbours say so as well")
	c.Parent = b.requests['A']
	for range tooMany {
		b.l.compareTurn(c)
	}
	assert.False(t, q.proven(c, afterReply), "certain links contradict")
	assert.True(t, q.proven(c, toReply), "of the other way nothing was said")

	c.Parent = b.requests['B']
	first := c.Parent.Made()[0]
	first.Response.Start, first.End = c.End, c.End
	for range enough {
		q.learn(first)
		q.learn(c)
	}
	assert.False(t, q.proven(c, toReply), "two are open at a time")
}
