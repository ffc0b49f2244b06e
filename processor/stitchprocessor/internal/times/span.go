package times

// Span is one end of an exchange, as its service saw it.
type Span struct {
	Ref    any    // the caller's handle
	Server bool   // a request that was served; else a call that was made
	Kind   string // requests: the operation; calls: callee and operation
	Start  int64  // Unix ns, of one clock for all spans of an engine
	End    int64
}

// Cause says why a call got no request.
type Cause uint8

// Causes. The call belongs to no request that was seen; too many requests were open
// to tell; the service has more kinds of call than are told apart; the window was full.
const (
	NoCause Cause = iota
	NoRequest
	Crowded
	Kinds
	Full
	Causes
)

// String returns the cause as metrics name it.
func (c Cause) String() string {
	return [...]string{"", "no_request", "crowded", "kinds", "full"}[c]
}

// Decision is what was found about one call.
type Decision struct {
	Call        any     // Ref of the call
	Request     any     // Ref of the request, or nil
	Probability float64 // that this is the request, 0 to 1
	Cause       Cause   // if there is no request
}

// Config bounds an engine. Durations are in ns.
type Config struct {
	MaxRequests int    // undecided ones; beyond, the oldest is given up
	MaxCalls    int    // likewise
	MaxRivals   int    // requests that a call may belong to; beyond, it is not asked about
	MaxWait     int64  // from the end of a span to its decision
	Seed        uint64 // of the random numbers: with the same, the same spans give the same decisions
}

// DefaultConfig returns what suits one service.
func DefaultConfig() Config {
	return Config{MaxRequests: 2000, MaxCalls: 10_000, MaxRivals: 100, MaxWait: 10e9}
}

// Counts is what happened.
type Counts struct {
	Abstained [Causes]int
	Requests  int // given up because the window was full
}

// slack is how far a call may reach beyond its request, for clocks that are not read at once.
const slack = int64(300e3)

// request is a request in the window.
type request struct {
	ref        any
	id         uint64
	start, end int64
	class      *class

	calls      []*call // that it has now, by start
	candidates []*call // that it may have
	now        eval

	before, after *request // of the same class, by start
	place         int      // among the requests of the window
	behind        int64    // ns after before
	octave        int      // of that
	alone         bool     // no call that it may have can be another's
	decided       bool
	tally         []tuple
}

// call is a call in the window.
type call struct {
	ref        any
	id         uint64
	start, end int64
	kind       uint8

	owner      *request
	candidates []*request
	alone      float64 // log density of belonging to no request here
	crowded    bool
	gone       bool
}

// tuple is a set of calls that a request had in some of the samples.
type tuple struct {
	hash  uint64
	count int // of the samples from which the probability is taken
	votes int // of these and the sharper ones before
	calls []*call
}

// class is the requests of one operation.
type class struct {
	records []record // a ring
	at      int
	model   *model
	kinds   *kinds
	fresh   int        // records since the model was learned
	recent  []*request // decided, by start; neighbours of those that come
}

// kinds is what is known of the kinds of call of a service.
type kinds struct {
	index map[string]uint8
	tail  [maxKinds]int64   // how long after the end of its request a call may begin; 0: it must not even end later
	count [maxKinds]float64 // calls since
	since int64
	most  [maxKinds]uint8   // calls of one request
	alone [maxKinds]float64 // share of calls without a request
}
