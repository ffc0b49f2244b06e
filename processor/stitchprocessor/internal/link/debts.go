package link

import (
	"slices"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// debts are the calls that requests make as a rule when they have been answered already:
// work that was handed to others and goes on. A request that lacks some of its own is not
// done, though nothing of it is to be seen.
type debts struct {
	of   operations[debtor] // of requests
	full int                // late calls of a kind that found no room
}

// debtor is requests of one kind.
type debtor struct {
	n     int
	calls map[uint64]*debt // by operation of the call
}

// debt is the late calls of one kind.
type debt struct {
	links int
	// longest is from the end of the request to the decision on such a call, lately: it
	// decays slowly. ns.
	longest int64
}

const (
	// debtMemory is after how many requests of a kind the counts are halved.
	debtMemory = 256
	// maxDebts bounds the kinds of late calls of a kind of requests. Those that come up no
	// more make room when counts are halved.
	maxDebts = 16
)

func (d *debts) observe(r *window.Node) {
	if !r.Server {
		return
	}
	of := d.of.meet(r.Operation)
	if of == nil {
		return
	}
	if of.n++; of.n >= debtMemory {
		of.n /= 2
		for op, debt := range of.calls {
			if debt.links /= 2; debt.links == 0 {
				delete(of.calls, op)
			}
		}
	}
}

// learn takes a call that was linked when the watermark had come to a time.
func (d *debts) learn(c *window.Node, watermark int64) {
	of := d.of.get(c.Parent.Operation)
	if of == nil || c.End <= c.Parent.End {
		return
	}
	owed := of.calls[c.Operation]
	if owed == nil {
		if len(of.calls) == maxDebts {
			d.full++
			return
		}
		if of.calls == nil {
			of.calls = map[uint64]*debt{}
		}
		owed = &debt{}
		of.calls[c.Operation] = owed
	}
	if led := c.Parent.Led(); !slices.Contains(led.Late, c.Operation) {
		led.Late = append(led.Late, c.Operation)
	}
	owed.links++
	owed.longest = max(owed.longest-owed.longest/64, watermark-c.Parent.End)
}

// Owes reports whether a request that has been answered is yet to make late calls that at
// least half of its kind make. It is given the time that these take at most and half of
// that again, which at tells, Unix ns: one may never come, or be nobody's for certain.
func (l *Linker) Owes(r *window.Node, at int64) bool {
	of := l.debts.of.get(r.Operation)
	if of == nil || of.n < enough {
		return false
	}
	for op, owed := range of.calls {
		if owed.links*2 >= of.n && !slices.Contains(r.Late(), op) &&
			at < r.End+owed.longest+owed.longest/2 {
			return true
		}
	}
	return false
}
