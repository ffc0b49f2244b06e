package join

import "slices"

// testify notes which request the evidence names for a call whose parent the program
// itself names. It does not decide over that, but over an SDK's span above it which
// has lost its context.
func (a *Assembler) testify(call, request *Span, method string, confidence float64, vague bool) {
	call.more().cause, call.method, call.confidence, call.vague = request, method, confidence, vague
	if !vague && !call.released && call.parent == nil && !a.hang(call, request) && call.Process.instrumented {
		a.ask(call, askApplication) // for the span that has lost its context
		a.applying.push(call, a.now+a.config.ApplicationWait)
	}
	a.answer(call, askLocal)
	a.heed(call)
}

// recant takes a testimony back, and what rests on it.
func (a *Assembler) recant(call *Span) {
	if call.rare().cause == nil {
		return
	}
	call.aside.cause, call.method, call.confidence = nil, "", 0
	root := a.sdk.began[call.WireTrace]
	if root == nil || root.released || root.parent == nil || !root.restored {
		return
	}
	a.aliases.drop(root.App.ref.trace)
	root.restored, root.method, root.confidence = false, "", 0
	a.uproot(root)
	a.restore(root)
}

// heed looks again at the root of the trace that a call carries on.
func (a *Assembler) heed(call *Span) {
	if call.Server || !call.explicit {
		return
	}
	root := a.sdk.began[call.WireTrace]
	switch {
	case root == nil || root.released || root.parent != nil || !call.of(root):
	case root.Server:
		a.enter(root)
	default:
		a.restore(root)
	}
}

// restoreConfidence is the least one for which a context counts as lost. The program has
// said that this is another trace: to overrule that takes more than to link a span of
// which nothing is said.
const restoreConfidence = 0.98

// testimony is what the calls below an SDK's root say of the request it belongs to.
type testimony struct {
	request    *Span
	method     string
	confidence float64
	vague      bool // none is sure enough
	open       bool // some are not decided yet
	disputed   bool // several requests are named
}

// hear asks the calls that carry the trace of an SDK's root on.
func (a *Assembler) hear(root *Span) (t testimony) {
	for _, call := range a.sdk.carried[root.App.ref.trace] {
		if !call.of(root) || call.Start < root.Start-clockSlack || call.Start > root.End+clockSlack {
			continue
		}
		t.open = t.open || !call.released && call.open&askLocal != 0
		cause := call.rare().cause
		switch {
		case cause == nil || call.vague && t.request != nil && !t.vague:
		case t.request != nil && t.request != cause && t.vague == call.vague:
			t.disputed = true
		case t.request == nil || t.vague && !call.vague || call.confidence > t.confidence:
			t.request, t.method, t.confidence, t.vague = cause, call.method, call.confidence, call.vague
		}
	}
	return t
}

// restore puts an SDK's root below the request which its calls belong to. That it
// began a trace of its own in a program that served a request means that its context was
// lost on the way, in a pool that passes none on.
func (a *Assembler) restore(root *Span) {
	if root.released || root.parent != nil || root.App.consumes {
		return
	}
	t := a.hear(root)
	if known := root.App.gaveUp || !t.open && a.seenAll(root); !known {
		return
	}
	switch {
	case t.disputed:
		a.Counts.Rejected[Ambiguous]++
	case t.request == nil:
	case t.request.rare().view == nil && t.request.Process.instrumented && !root.App.late:
		a.awaitView(root, t.request)
		return
	default:
		a.reattach(root, &t)
	}
	a.answer(root, askLocal)
}

// seenAll reports whether the kernel has told of everything up to the end of a span.
func (a *Assembler) seenAll(s *Span) bool {
	return !slices.ContainsFunc(s.App.Of, func(p *Process) bool { return p.watermark <= s.End+clockSlack })
}

// awaitView lets an SDK's root wait for the SDK's span of its request.
func (a *Assembler) awaitView(root, request *Span) {
	if root.App.awaits {
		return
	}
	root.App.awaits, root.more().seeks, request.more().lost = true, request.rare().lost, root
	a.applying.push(root, a.now+a.config.ApplicationWait)
}

// viewed puts the roots that waited for the SDK's span of a request below that.
func (a *Assembler) viewed(request *Span) {
	root := request.rare().lost
	if root == nil {
		return
	}
	request.aside.lost = nil
	for root != nil {
		next := root.rare().seeks
		root.more().seeks, root.App.awaits = nil, false
		a.restore(root)
		root = next
	}
}

// reattach puts an SDK's root below a request, or the SDK's span of that.
func (a *Assembler) reattach(root *Span, t *testimony) {
	above := t.request
	if view := above.rare().view; view != nil {
		above = view
	}
	switch g := a.checkLost(root, above, t.method); {
	case g != Guards:
		a.Counts.Rejected[g]++
		return
	case t.vague || t.confidence < restoreConfidence:
		a.suggest(root, above, t.method, t.confidence)
		return
	}
	trace := root.App.ref.trace
	a.Counts.Aliases += a.aliases.put(trace, a.aliases.of(above.finalWire()))
	a.replant(root)
	if !a.hang(root, above) {
		a.aliases.drop(trace)
		a.replant(root)
		return
	}
	root.method, root.confidence, root.restored = t.method, t.confidence, true
	a.Counts.Restored++
}

// checkLost returns why an SDK's root cannot be below a request, or Guards. Evidence of
// a reply that led to the request's reply is of work that the request waited for.
func (a *Assembler) checkLost(root, request *Span, method string) Guard {
	switch {
	case request.Start > root.Start+tight:
		return Clock
	case root.End > request.End && !a.config.Detached[method]:
		return Answered
	}
	return Guards
}
