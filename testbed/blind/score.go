package blind

import (
	"fmt"
	"syscall"
	"time"

	"github.com/otelcol-custom/otelcol-custom/testbed/score"
)

// sure is the confidence from which a link is counted as a sure one.
const sure = 0.9

// Result is the score of one linker on one file.
type Result struct {
	Linker string `json:"linker"`
	Spans  int    `json:"spans"`

	// A server span is right when all of its client spans are linked to it and
	// no others are; a trace is right when every counted server span of it is.
	Traces        int     `json:"traces"`
	TracesRight   int     `json:"traces_right"`
	TraceAccuracy float64 `json:"trace_accuracy"` // 0 to 1

	Links       score.Count `json:"links"` // orphan: abstained
	Recall      float64     `json:"link_recall"`
	WrongRate   float64     `json:"wrong_rate"`
	Abstentions float64     `json:"abstention_rate"`

	Sure      score.Count `json:"sure"` // links with a confidence of 0.9 or more; the rest as orphans
	SureWrong float64     `json:"sure_wrong_rate"`
	// The same two as above, of sure links alone.
	SureTraceAccuracy float64 `json:"sure_trace_accuracy"`
	SureAbstentions   float64 `json:"sure_abstention_rate"`

	Calibration []score.Bin `json:"calibration"`

	Seconds    float64 `json:"seconds"`     // from the first span to the last link
	CPUSeconds float64 `json:"cpu_seconds"` // of this process in that time
}

// Run gives spans to a linker and scores its links.
func Run(name string, spans []Span, truth []Truth, makeLinker NewLinker) (*Result, error) {
	claimed := make(map[string]Link, len(truth))
	twice := ""
	linker := makeLinker(func(l Link) {
		if _, ok := claimed[l.Client]; ok {
			twice = l.Client
		}
		claimed[l.Client] = l
	})
	began, cpu := time.Now(), cpuTime()
	for i := range spans {
		if err := linker.Add(&spans[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := linker.Close(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r := &Result{Linker: name, Spans: len(spans), Seconds: time.Since(began).Seconds(), CPUSeconds: (cpuTime() - cpu).Seconds()}
	if twice != "" {
		return nil, fmt.Errorf("%s: client span %s linked twice", name, twice)
	}
	r.judge(truth, claimed)
	return r, nil
}

// cpuTime returns what this process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (r *Result) judge(truth []Truth, claimed map[string]Link) {
	r.Traces, r.TracesRight = wholeTraces(truth, claimed)
	certain := map[string]Link{}
	for client, l := range claimed {
		if l.Confidence >= sure {
			certain[client] = l
		}
	}
	_, n := wholeTraces(truth, certain)
	r.SureTraceAccuracy = share(n, r.Traces)
	bins := make([]score.Bin, score.Bins)
	for _, t := range truth {
		l, ok := claimed[t.Client]
		right := ok && l.Server == t.Server
		count(&r.Links, ok, right)
		count(&r.Sure, ok && l.Confidence >= sure, right)
		if ok {
			b := &bins[min(int(l.Confidence*score.Bins), score.Bins-1)]
			b.Links++
			b.Claimed += l.Confidence
			if right {
				b.Right++
			}
		}
	}
	for i, b := range bins {
		if b.Links > 0 {
			b.Low, b.Claimed = float64(i)/score.Bins, b.Claimed/float64(b.Links)
			r.Calibration = append(r.Calibration, b)
		}
	}
	r.TraceAccuracy = share(r.TracesRight, r.Traces)
	r.Recall, r.WrongRate = share(r.Links.Right, r.Links.Total()), share(r.Links.Wrong, r.Links.Total())
	r.Abstentions = share(r.Links.Orphan, r.Links.Total())
	r.SureAbstentions = share(r.Sure.Orphan, r.Sure.Total())
	r.SureWrong = share(r.Sure.Wrong, r.Sure.Right+r.Sure.Wrong)
}

// wholeTraces returns how many traces there are, and how many are right.
func wholeTraces(truth []Truth, claimed map[string]Link) (all, right int) {
	broken := brokenServers(truth, claimed)
	traces := map[int]bool{}
	for _, t := range truth {
		if t.Counted {
			whole, seen := traces[t.Trace]
			traces[t.Trace] = (whole || !seen) && !broken[t.Server]
		}
	}
	for _, whole := range traces {
		if whole {
			right++
		}
	}
	return len(traces), right
}

// brokenServers returns the server spans that miss a client span of theirs or
// were given one that is not.
func brokenServers(truth []Truth, claimed map[string]Link) map[string]bool {
	broken := map[string]bool{}
	known := make(map[string]string, len(truth))
	for _, t := range truth {
		known[t.Client] = t.Server
		if claimed[t.Client].Server != t.Server {
			broken[t.Server] = true
		}
	}
	for client, l := range claimed {
		if known[client] != l.Server {
			broken[l.Server] = true
		}
	}
	return broken
}

func count(c *score.Count, claimed, right bool) {
	switch {
	case !claimed:
		c.Orphan++
	case right:
		c.Right++
	default:
		c.Wrong++
	}
}

func share(k, n int) float64 { return score.NewShare(k, n).Value }
