package blind

import (
	"cmp"
	"slices"
)

// Link says that a server span caused a client span.
type Link struct {
	Client, Server string
	Confidence     float64 // 0 to 1
}

// Linker finds the server span of each client span. It is given the spans once,
// in the order of their ends, and hands out links when it likes, at most one for
// each client span. A client span without a link is an abstention.
type Linker interface {
	Add(s *Span) error
	// Close says that no more spans come. All links are out when it returns.
	Close() error
}

// NewLinker makes a linker that hands its links to emit.
type NewLinker func(emit func(Link)) Linker

// service is the spans of one service, as the baselines below want them: all at
// once. They look at the whole file, which a streaming linker must not.
type service struct {
	requests []Span
	calls    map[hop][]Span
}

// hop is a kind of call.
type hop struct{ service, name string }

type batch struct {
	emit     func(Link)
	link     func(s *service, emit func(Link))
	names    []string
	services map[string]*service
}

func (b *batch) Add(s *Span) error {
	svc := b.services[s.Service]
	if svc == nil {
		svc = &service{calls: map[hop][]Span{}}
		b.services[s.Service] = svc
		b.names = append(b.names, s.Service)
	}
	if s.Kind == "server" {
		svc.requests = append(svc.requests, *s)
		return nil
	}
	h := hop{s.PeerService, s.Name}
	svc.calls[h] = append(svc.calls[h], *s)
	return nil
}

func (b *batch) Close() error {
	for _, name := range b.names {
		s := b.services[name]
		byStart(s.requests)
		for _, calls := range s.calls {
			byStart(calls)
		}
		b.link(s, b.emit)
	}
	return nil
}

func byStart(spans []Span) {
	slices.SortStableFunc(spans, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
}

// hops returns the kinds of call of s in the order of their first occurrence.
func (s *service) hops() []hop {
	var out []hop
	for h := range s.calls {
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b hop) int {
		return cmp.Or(cmp.Compare(s.calls[a][0].Start, s.calls[b][0].Start),
			cmp.Compare(a.service, b.service), cmp.Compare(a.name, b.name))
	})
	return out
}

// FCFS links the n-th call of each kind to the n-th request.
func FCFS(emit func(Link)) Linker {
	return &batch{emit: emit, services: map[string]*service{}, link: func(s *service, emit func(Link)) {
		for _, h := range s.hops() {
			pair(s.requests, s.calls[h], emit)
		}
	}}
}

func pair(requests, calls []Span, emit func(Link)) {
	for i := range min(len(requests), len(calls)) {
		emit(Link{Client: calls[i].ID, Server: requests[i].ID, Confidence: 1})
	}
}

// Arrival is the artifact's "arrival order": the calls of the second kind and of
// those that follow are permuted by the order in which the calls of the kind
// before them ended, and then given to the requests in turn.
func Arrival(emit func(Link)) Linker {
	return &batch{emit: emit, services: map[string]*service{}, link: func(s *service, emit func(Link)) {
		var before []Span
		for i, h := range s.hops() {
			calls := s.calls[h]
			if i > 0 {
				calls = permuted(calls, endOrder(before))
			}
			pair(s.requests, calls, emit)
			before = calls
		}
	}}
}

// endOrder returns the places of spans in the order of their ends.
func endOrder(spans []Span) []int {
	out := make([]int, len(spans))
	for i := range out {
		out[i] = i
	}
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(spans[a].End, spans[b].End) })
	return out
}

func permuted(spans []Span, order []int) []Span {
	out := make([]Span, 0, len(order))
	for _, at := range order {
		if at < len(spans) {
			out = append(out, spans[at])
		}
	}
	return out
}

// Chain is what "arrival order" would be if it followed its idea: the n-th call
// of a kind to begin belongs to the request whose call of the kind before was
// the n-th to end.
func Chain(emit func(Link)) Linker {
	return &batch{emit: emit, services: map[string]*service{}, link: func(s *service, emit func(Link)) {
		owners := s.requests
		for _, h := range s.hops() {
			calls := s.calls[h]
			n := min(len(owners), len(calls))
			pair(owners, calls, emit)
			owners = permuted(owners[:n], endOrder(calls[:n]))
		}
	}}
}
