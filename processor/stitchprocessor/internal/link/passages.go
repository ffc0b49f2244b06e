package link

import (
	"slices"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// passage is a message that was read and the write that it led to, which did not come right
// after it.
type passage struct{ read, write *window.Message }

// across is the end of a passage that is on the other side of m: the write if m was read.
func (p passage) across(m *window.Message) *window.Message {
	if m.Reads() {
		return p.write
	}
	return p.read
}

// stretch is what lies between two passages, of which the ends on the other side of a message
// that is between them are next to each other, as far as passages around it are known.
type stretch struct{ from, to passage }

const (
	// maxAside bounds the messages of a thread that are looked at on either side of one,
	// maxPassages those of them that are known to be of a passage.
	maxAside, maxPassages = 32, 4
	// maxStretch is how far apart the other ends may be, in I/O of their thread.
	maxStretch = 32
)

// stretches returns those around m: one for each thread that its neighbours' other ends are on,
// or two if that thread has gone on since.
func (l *Linker) stretches(m *window.Message) (out []stretch) {
	before, after := l.passages(m, l.p.Before), l.passages(m, l.p.After)
	for _, from := range before {
		to, ok := nextAcross(from.across(m), after, m)
		if !ok {
			continue
		}
		if nearer, ok := nextAcross(from.across(m), before, m); ok && nearer.across(m).IO < to.across(m).IO {
			continue
		}
		out = append(out, stretch{from, to})
	}
	return out
}

// nextAcross returns the passage of which the end on the other side of m comes next after
// another one, not too far away.
func nextAcross(after *window.Message, among []passage, m *window.Message) (first passage, ok bool) {
	for _, p := range among {
		x := p.across(m)
		if x.TID == after.TID && x.IO > after.IO && x.IO-after.IO <= maxStretch && (!ok || x.IO < first.across(m).IO) {
			first, ok = p, true
		}
	}
	return first, ok
}

// passages returns the nearest ones that the messages on one side of m are ends of, if these
// are read or written as m is.
func (l *Linker) passages(m *window.Message, step func(*window.Message) *window.Message) (out []passage) {
	for x, i := step(m), 0; x != nil && i < maxAside && len(out) < maxPassages; x, i = step(x), i+1 {
		if x.Reads() != m.Reads() {
			continue
		}
		if p, ok := passageOf(x); ok && l.p.Before(p.write) != p.read {
			out = append(out, p)
		}
	}
	return out
}

// passageOf returns what m led to, or followed, if its request is known and nothing else of
// that was under way.
func passageOf(m *window.Message) (passage, bool) {
	if m.Reads() {
		return passageFrom(m)
	}
	return passageTo(m)
}

// passageTo is what the request of a write had read last before.
func passageTo(w *window.Message) (passage, bool) {
	r := requestFor(w)
	if r == nil {
		return passage{}, false
	}
	last := &r.Request
	for _, x := range r.Made() {
		switch {
		case x == w.Node || x.Parent != r || x.Start() >= w.At():
		case !x.HasResponse() || x.Response.At() > w.At():
			return passage{}, false
		case x.Response.At() > last.At():
			last = &x.Response
		}
	}
	return passage{last, w}, true
}

// passageFrom is what a request wrote next after it had read m.
func passageFrom(m *window.Message) (passage, bool) {
	r := requestFor(m)
	if r == nil || !r.HasResponse() {
		return passage{}, false
	}
	first := &r.Response
	for _, x := range r.Made() {
		switch {
		case x == m.Node || x.Parent != r || x.End <= m.At():
		case x.Start() < m.At():
			return passage{}, false
		case x.Start() < first.At():
			first = &x.Request
		}
	}
	return passage{m, first}, true
}

// counterpart returns the message of a stretch that m led to, or followed, if as much was read
// there as was written, and what is known of it is in order.
func (l *Linker) counterpart(s stretch, m *window.Message) *window.Message {
	read, whole := l.along(s.from.read, s.to.read)
	written, all := l.along(s.from.write, s.to.write)
	read = slices.DeleteFunc(read, func(x *window.Message) bool { return !x.Reads() || !l.waitedTurn(x) })
	written = slices.DeleteFunc(written, func(x *window.Message) bool { return x.Reads() || !l.waitedTurn(x) })
	if !whole || !all || len(read) != len(written) {
		return nil
	}
	for i, x := range read {
		from, to := requestFor(x), requestFor(written[i])
		if x != m && written[i] != m && !x.Node.Server && from != nil && to != nil && from != to {
			return nil
		}
	}
	if i := slices.Index(read, m); i >= 0 {
		return written[i]
	}
	if i := slices.Index(written, m); i >= 0 {
		return read[i]
	}
	return nil
}

// along returns what a thread did between two of its messages, and whether nothing is missing.
func (l *Linker) along(from, to *window.Message) (out []*window.Message, whole bool) {
	for m := l.p.After(from); m != nil && m.IO < to.IO; m = l.p.After(m) {
		out = append(out, m)
		from = m
	}
	return out, l.p.After(from) == to
}

// waitedTurn reports whether a write did not come right after something that was read, or what was
// read had nothing written right after it.
func (l *Linker) waitedTurn(m *window.Message) bool {
	if m.Reads() {
		after := l.p.After(m)
		return after != nil && (after.Reads() || after.Waited&slept != 0)
	}
	before := l.p.Before(m)
	return m.Waited&slept != 0 || before != nil && !before.Reads()
}

// requestFor is the request that a message was read or written for, or nil if it is not
// known.
func requestFor(m *window.Message) *window.Node {
	if m.Node.Server {
		return m.Node
	}
	if r := m.Node.Parent; r != nil && r.Process != nil {
		return r
	}
	return nil
}
