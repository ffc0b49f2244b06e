package link

import "github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"

// goroutineKind: the goroutine that wrote the call had read the request, or wrote
// its reply, and the request was open. A goroutine does one thing after the other,
// so this is an identity. It sees database clients, which write from the caller's
// goroutine; net/http writes from one of its own. Measured: 11,980 right, 0 wrong.
var goroutineKind = Kind{Name: "goroutine", Class: Identity, Trust: window.Exact, Precision: 0.9999}

// maxPerGoroutine bounds the nodes of one goroutine that are looked at.
const maxPerGoroutine = 64

func goroutineOfRequest(l *Linker, r *window.Node) {
	match := func(goid uint64) {
		calls := l.p.CallsOf(goid)
		for i := len(calls) - 1; i >= 0 && i >= len(calls)-maxPerGoroutine; i-- {
			if during(calls[i], r) {
				l.toParent(calls[i], r, Goroutine)
			}
		}
	}
	if !r.Request.Goroutine() && !r.Response.Goroutine() {
		return
	}
	match(r.Request.Goid)
	if r.Response.Goid != r.Request.Goid {
		match(r.Response.Goid)
	}
}

func goroutineOfCall(l *Linker, c *window.Node) {
	if !c.Request.Goroutine() {
		return
	}
	requests := l.p.ServersOf(c.Request.Goid)
	for i := len(requests) - 1; i >= 0 && i >= len(requests)-maxPerGoroutine; i-- {
		if during(c, requests[i]) {
			l.toParent(c, requests[i], Goroutine)
		}
	}
}

// creatorKind: the goroutine that wrote the call, or that opened its connection,
// was created by the one that read the request. Supporting only, as a worker
// goroutine that one request brought about may serve another one, but for a new
// connection while none became free (see dials): measured 121 right, 0 wrong, and
// 157 right, 219 wrong of the others.
var creatorKind = Kind{Name: "creator", Class: Creation, Trust: window.Support, Precision: measured(121, 0)}

// disturbed is what a creator is worth otherwise, as one of two pieces of evidence.
const disturbed = 0.8

func createdBy(l *Linker, c *window.Node) {
	by := func(goid uint64, at int64, score float64, trust window.Trust) {
		requests := l.p.ServersOf(goid)
		for i := len(requests) - 1; goid != 0 && i >= 0 && i >= len(requests)-maxPerGoroutine; i-- {
			if r := requests[i]; r.Start() <= at && at <= r.Answered() {
				l.claim(c, window.Claim{Parent: r, Kind: Creator, Score: score, Trust: trust})
			}
		}
	}
	by(c.Request.GoidParent, c.Start(), disturbed, window.Support)
	if c.Connect == nil {
		return
	}
	score, trust := disturbed, window.Support
	if l.dials.undisturbed(c) {
		score, trust = creatorKind.Precision, window.Likely
	}
	by(c.Connect.Goid, c.Connect.Time, score, trust)
	by(c.Connect.GoidParent, c.Connect.Time, score, trust)
}
