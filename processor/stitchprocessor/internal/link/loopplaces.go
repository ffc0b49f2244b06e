package link

import (
	"slices"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// placing is by how much the places of calls that a reply may be due to differ from that of
// the request: as they were numbered, and as they may be, since what comes first out of a
// queue is not always first on the wire.
type placing struct{ exact, allowed []int32 }

// vote remembers how the place of r differs from those of the calls that its reply may
// be due to. One of them is right, and always the same; the others vary.
func (w *wakes) vote(fits []*window.Node, r *window.Node) {
	v := &w.votes[w.n%anchors]
	v.exact, v.allowed = v.exact[:0], v.allowed[:0]
	for _, c := range fits[max(0, len(fits)-maxVotes):] {
		if c.Ref == nil {
			continue
		}
		v.exact = append(v.exact, c.Note.Place-r.Note.Place)
		first, last := w.places(c)
		for place := first; place <= last; place++ {
			v.allowed = append(v.allowed, place-r.Note.Place)
		}
	}
	w.n++
}

// places are those that c may have had in the queue.
func (w *wakes) places(c *window.Node) (first, last int32) {
	first, last = c.Note.Place, c.Note.Place
	for d := int32(1); d <= overtake; d++ {
		if x := w.numbered[uint32(c.Note.Place-d)%maxNumbered]; x != nil && x.Note.Place == c.Note.Place-d && !apart(x, c) {
			first--
		}
		if x := w.numbered[uint32(c.Note.Place+d)%maxNumbered]; x != nil && x.Note.Place == c.Note.Place+d && !apart(c, x) {
			last++
		}
	}
	return first, last
}

// shift is how the places of calls and of their requests differ, by most of the last
// replies and nearly all of the latest. On a busy machine many calls overtake others: then
// half of them are enough if nearly all the others allow for it. A message that was lost moves it: then it is
// not known for a while.
func (w *wakes) shift() (int32, bool) {
	n := min(w.n, anchors)
	if n < enoughAnchors {
		return 0, false
	}
	for i := 1; i <= latestAnchors; i++ {
		for _, s := range w.votes[(w.n-i)%anchors].exact {
			exact, allowed := w.supports(s, n)
			if exact*4 < n*3 && (exact*2 < n || allowed < n-1) {
				continue
			}
			if _, allowed := w.supports(s, latestAnchors); allowed >= latestAnchors-1 {
				return s, true
			}
		}
	}
	return 0, false
}

// supports counts the last n replies that say s, and those that allow it.
func (w *wakes) supports(s int32, n int) (exact, allowed int) {
	for i := 1; i <= n; i++ {
		v := &w.votes[(w.n-i+anchors)%anchors]
		if slices.Contains(v.exact, s) {
			exact++
		}
		if slices.Contains(v.allowed, s) {
			allowed++
		}
	}
	return exact, allowed
}

// inPlace returns the call whose place in the queue is that of the request. Several may
// have it: then it is the one that the loop was told of first, since it replies in this
// order, or the one that is in place as they were numbered and finished first. Where
// these are not the same, nothing is sure.
func (w *wakes) inPlace(fits []*window.Node, e *occasion, shift int32) (*window.Node, float64) {
	place := e.node.Note.Place + shift
	w.finished = slices.DeleteFunc(w.finished, func(x *window.Node) bool {
		return x.Ref != nil && x.Note.Place < place-behind
	})
	var some []*window.Node
	for _, c := range fits {
		if from, to := w.places(c); c.Ref != nil && from <= place && place <= to {
			some = append(some, c)
		}
	}
	if len(some) == 0 {
		return nil, 0
	}
	first, sure := firstTold(some)
	switch numbered := some[0].Note.Place == place; {
	case sure || first.Note.Place == place:
		return first, loopWakeKind.Precision
	case numbered:
		return some[0], finishedFirst
	}
	for _, c := range some {
		c.Note.Swapped = true
	}
	return first, 0
}

// firstTold returns the call that the loop was told of first, of those in the order in
// which their replies were read. It is sure if it had been told when the next was read.
func firstTold(calls []*window.Node) (first *window.Node, sure bool) {
	first, sure = calls[0], true
	for _, c := range calls[1:] {
		if toldFirst(c, first) {
			first, sure = c, false
		} else {
			sure = sure && first.Note.ToldAt != 0 && first.Note.ToldAt <= c.Response.End
		}
	}
	return first, sure
}

// toldFirst reports whether the loop was told of c before x, of which the reply was read
// first.
func toldFirst(c, x *window.Node) bool {
	return c.Note.ToldAt != 0 && x.Note.ToldAt > c.Note.ToldAt
}

// apart reports whether one of two calls had begun when the thread of the other one was
// not free yet: then they came out of the queue in this order.
func apart(x, c *window.Node) bool {
	first, second := x, c
	if c.Start() < x.Start() {
		first, second = c, x
	}
	free := second.Note.Free
	return free < second.Start() && first.Start() <= max(free, second.Start()-longTask)
}
