package link

import (
	"slices"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// dials knows when connections of a Go program's pools became free. A pool dials for
// one caller, but gives that caller a connection which becomes free meanwhile, and
// the new one to somebody else. If none did, the new one is for whom it was dialled.
type dials struct {
	freed table[uint64, moments]
}

// moments are the last times of something, in the order of their arrival.
type moments struct {
	at [256]int64 // Unix ns
	n  int
}

func (d *dials) observe(c *window.Node) {
	if c.Server || !c.Response.Goroutine() {
		return
	}
	if m := d.freed.meet(c.Peer); m != nil {
		m.at[m.n%len(m.at)] = c.Response.End
		m.n++
	}
}

// undisturbed reports whether no connection to the peer of c is known to have become
// free while that of c was being opened.
func (d *dials) undisturbed(c *window.Node) bool {
	m := d.freed.get(c.Peer)
	if m == nil {
		return len(d.freed.of) < d.freed.most() // else it may have found no place
	}
	known := m.at[:min(m.n, len(m.at))]
	if m.n > len(known) && slices.Min(known) > c.Connect.Time {
		return false
	}
	return !slices.ContainsFunc(known, func(t int64) bool { return c.Connect.Time <= t && t <= c.Start() })
}
