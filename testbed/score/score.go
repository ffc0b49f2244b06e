package score

import (
	"cmp"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// maxAncestors bounds the walk from a span to the request above it, against
// parents that form a ring.
const maxAncestors = 64

// Options restrict and name a score.
type Options struct {
	Scenario, Load, Linker string
	// Only, if not nil, are the tokens that count: those of the run without the
	// warm-up. The other spans still show which trace they are in.
	Only map[truth.Token]bool
}

// Result is the score of one linker on one run.
type Result struct {
	Scenario string `json:"scenario,omitempty"`
	Load     string `json:"load,omitempty"`
	Linker   string `json:"linker,omitempty"`

	Requests int `json:"requests"` // that count: in Options.Only, else in the recording
	Unseen   int `json:"unseen"`   // of them, those whose incoming span is not in the recording

	Spans     int `json:"spans"`     // with a token that counts
	Unowned   int `json:"unowned"`   // calls whose request is not in the recording: not judged
	Ambiguous int `json:"ambiguous"` // spans with several tokens: not judged

	Calls     Count `json:"calls"` // outgoing calls to the request that caused them
	Recall    Share `json:"recall"`
	WrongRate Share `json:"wrong_rate"`

	Joins Count `json:"joins"` // incoming requests to the call at the other end

	Traces      int   `json:"traces"`
	TracesRight int   `json:"traces_right"` // every call, every join, one trace, nothing else in it
	TraceRate   Share `json:"trace_rate"`
	Misplaced   int   `json:"misplaced"` // spans in a trace that is mostly of another request

	Methods     map[string]Count `json:"methods,omitempty"`     // calls by stitch.method
	Calibration []Bin            `json:"calibration,omitempty"` // links with a confidence
	Claims      map[string][]Bin `json:"claims,omitempty"`      // the same by stitch.method, in the bins of Edges
	Release     *Release         `json:"release,omitempty"`     // if release times are known
}

// Release tells the time from the end of a trace's last span to the release of
// its last span.
type Release struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
}

type verdict uint8

const (
	right verdict = iota
	wrong
	orphan
)

// scorer holds the indexes of one scoring.
type scorer struct {
	spans  []Span
	only   map[truth.Token]bool
	byID   map[pcommon.SpanID]int
	owner  map[ownerKey]bool // there is an incoming span of this token in this process
	dialed map[peerKey]int   // outgoing span by connection and token
	tokens map[truth.Token]*request
}

type ownerKey struct {
	Instance
	truth.Token
}

type peerKey struct {
	local, peer string
	truth.Token
}

// request gathers what is known of one token.
type request struct {
	spans    []int
	bad      bool
	incoming bool
}

// Score judges spans as they were released.
func Score(spans []Span, o Options) *Result {
	s := &scorer{
		spans: spans, only: o.Only,
		byID: make(map[pcommon.SpanID]int, len(spans)), owner: map[ownerKey]bool{},
		dialed: map[peerKey]int{}, tokens: map[truth.Token]*request{},
	}
	s.index()
	r := &Result{Scenario: o.Scenario, Load: o.Load, Linker: o.Linker, Methods: map[string]Count{}}
	c := &claims{bins: make([]Bin, Bins), byMethod: map[string][]Bin{}}
	for i := range spans {
		s.judge(i, r, c)
	}
	s.traces(r)
	s.release(r)
	r.Recall, r.WrongRate, r.TraceRate = r.Calls.Recall(), r.Calls.WrongShare(), NewShare(r.TracesRight, r.Traces)
	r.Calibration, r.Claims = c.finish()
	return r
}

func (s *scorer) index() {
	for i := range s.spans {
		sp := &s.spans[i]
		s.byID[sp.ID] = i
		if sp.Token == 0 {
			continue
		}
		req := s.tokens[sp.Token]
		if req == nil {
			req = &request{}
			s.tokens[sp.Token] = req
		}
		req.spans = append(req.spans, i)
		switch {
		case sp.Incoming():
			s.owner[ownerKey{sp.Instance, sp.Token}] = true
			req.incoming = true
		case sp.Outgoing():
			s.dialed[peerKey{sp.Local.String(), sp.Peer.String(), sp.Token}] = i
		}
	}
}

func (s *scorer) counts(t truth.Token) bool { return t != 0 && (s.only == nil || s.only[t]) }

func (s *scorer) judge(i int, r *Result, c *claims) {
	sp := &s.spans[i]
	if sp.Ambiguous {
		r.Ambiguous++
	}
	if !s.counts(sp.Token) {
		return
	}
	r.Spans++
	var v verdict
	switch {
	case sp.Outgoing():
		if !s.owner[ownerKey{sp.Instance, sp.Token}] {
			r.Unowned++
			return
		}
		v = s.call(i)
		r.Calls.add(v)
		method := sp.Method
		if v == orphan {
			method = ""
		}
		count := r.Methods[method]
		count.add(v)
		r.Methods[method] = count
		if v == orphan && !sp.Candidate.IsEmpty() {
			c.add(sp, s.candidate(i) == right)
		}
	case sp.Incoming():
		peer, ok := s.dialed[peerKey{sp.Peer.String(), sp.Local.String(), sp.Token}]
		if !ok || !sp.Local.IsValid() {
			return
		}
		v = s.join(i, peer)
		r.Joins.add(v)
	default:
		return
	}
	if v != right {
		s.tokens[sp.Token].bad = true
	}
	if sp.HasConfidence && v != orphan {
		c.add(sp, v == right)
	}
}

// parent returns the place of the parent of i. It is orphan if i claims none,
// and wrong if the one it claims is nowhere.
func (s *scorer) parent(i int) (int, verdict) {
	if s.spans[i].Parent.IsEmpty() {
		return 0, orphan
	}
	if p, ok := s.byID[s.spans[i].Parent]; ok {
		return p, right
	}
	return 0, wrong
}

// candidate judges the candidate of an outgoing span without a parent as if it were one.
func (s *scorer) candidate(i int) verdict {
	s.spans[i].Parent = s.spans[i].Candidate
	defer func() { s.spans[i].Parent = pcommon.SpanID{} }()
	return s.call(i)
}

// call judges an outgoing span. The nearest incoming span above it must be of
// the same process and token; between them may stand spans of an SDK, which may
// not know the token, but which then have a parent that does.
func (s *scorer) call(i int) verdict {
	self := &s.spans[i]
	for at, n := i, 0; n < maxAncestors; n++ {
		p, v := s.parent(at)
		if v != right {
			return v
		}
		up := &s.spans[p]
		same := up.Token == self.Token && up.Instance == self.Instance
		switch {
		case up.Incoming() && same:
			return right
		case up.Kind == ptrace.SpanKindInternal, up.Outgoing() && same, up.Token == 0 && !up.Parent.IsEmpty():
			// Go on above it.
		default:
			return wrong
		}
		at = p
	}
	return wrong
}

// join judges an incoming span: the outgoing span at the other end of its
// connection must be the nearest above it that is not of its own process.
func (s *scorer) join(i, peer int) verdict {
	for at, n := i, 0; n < maxAncestors; n++ {
		p, v := s.parent(at)
		if v != right {
			return v
		}
		if p == peer {
			return right
		}
		if up := &s.spans[p]; up.Token != s.spans[i].Token || up.Instance != s.spans[i].Instance {
			return wrong
		}
		at = p
	}
	return wrong
}

// traces judges whole traces.
func (s *scorer) traces(r *Result) {
	s.unseen(r)
	members := map[pcommon.TraceID]map[truth.Token]int{}
	for i := range s.spans {
		if sp := &s.spans[i]; sp.Token != 0 && !sp.Trace.IsEmpty() {
			if members[sp.Trace] == nil {
				members[sp.Trace] = map[truth.Token]int{}
			}
			members[sp.Trace][sp.Token]++
		}
	}
	for t, req := range s.tokens {
		if !s.counts(t) || !req.incoming {
			continue
		}
		r.Traces++
		whole := !req.bad
		for _, i := range req.spans {
			id := s.spans[i].Trace
			whole = whole && id == s.spans[req.spans[0]].Trace && len(members[id]) <= 1
			if !id.IsEmpty() && majority(members[id]) != t {
				r.Misplaced++
			}
		}
		if whole {
			r.TracesRight++
		}
	}
}

// unseen counts the requests that the recording does not hold.
func (s *scorer) unseen(r *Result) {
	for t := range s.only {
		if req := s.tokens[t]; req == nil || !req.incoming {
			r.Unseen++
		}
	}
	r.Requests = len(s.only)
	if s.only == nil {
		r.Requests = len(s.tokens)
	}
}

// majority returns the token with the most spans, the smallest among equals.
func majority(counts map[truth.Token]int) truth.Token {
	var best truth.Token
	for t, n := range counts {
		if n > counts[best] || n == counts[best] && t < best {
			best = t
		}
	}
	return best
}

func (s *scorer) release(r *Result) {
	var waits []time.Duration
	for t, req := range s.tokens {
		if !s.counts(t) {
			continue
		}
		var end, released int64
		for _, i := range req.spans {
			end, released = max(end, s.spans[i].End), max(released, s.spans[i].Released)
		}
		if released > 0 {
			waits = append(waits, time.Duration(released-end))
		}
	}
	if len(waits) == 0 {
		return
	}
	slices.SortFunc(waits, cmp.Compare[time.Duration])
	ms := func(q float64) float64 {
		return float64(waits[int(q*float64(len(waits)-1))].Microseconds()) / 1000
	}
	r.Release = &Release{P50: ms(0.5), P99: ms(0.99), Max: ms(1)}
}
