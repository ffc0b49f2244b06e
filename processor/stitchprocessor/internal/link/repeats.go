package link

import "github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"

// repeats know whether requests of a kind make several calls of a kind. Where threads run
// many goroutines what one of them did next is often another one's: where evidence of that
// sort gives a further call of a kind to a request, and does so seldom, it is not meant.
type repeats struct{ of table[errand, tally] }

// errand is what is asked of the process, and what it asks others for that.
type errand struct{ request, call uint64 }

// tally counts links, and how often a further one was seen or would have been made.
type tally struct{ links, more int }

const (
	// maxErrands bounds the table.
	maxErrands = 256
	// seldom is one further call in how many.
	seldom = 10
)

// made counts the other calls like c that are of r.
func made(r, c *window.Node) int {
	n := 0
	for _, x := range r.Made() {
		if x != c && x.Operation == c.Operation && x.Parent == r {
			n++
		}
	}
	return n
}

// learn takes a link that is in the notes of its request.
func (p *repeats) learn(c *window.Node) {
	t := p.of.meet(errand{c.Parent.Operation, c.Operation})
	if t == nil {
		return
	}
	if t.links == memory {
		t.links, t.more = t.links/2, t.more/2
	}
	t.links++
	if made(c.Parent, c) > 0 {
		t.more++
	}
}

// exceeds takes weak evidence that c is of r, and reports whether r would make a further
// call like it, as requests of its kind do not.
func (p *repeats) exceeds(r, c *window.Node) bool {
	if made(r, c) == 0 {
		return false
	}
	t := p.of.meet(errand{r.Operation, c.Operation})
	if t == nil {
		return false
	}
	t.more++
	return t.links >= enough && t.more*seldom < t.links
}
