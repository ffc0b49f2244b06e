package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// Limits of a run that are not worth a setting.
const (
	// maxOpen is how many requests an open loop may have in flight. Arrivals
	// beyond it are not sent and count as overrun.
	maxOpen     = 2048
	dialTimeout = 5 * time.Second
)

// Salts of what is drawn from a token.
const saltClass = 1

// Plan says what to send. InFlight is a closed loop, Rate an open one; exactly
// one of them is set.
type Plan struct {
	Address  string // host:port
	Targets  []Target
	InFlight int     // closed loop: requests in flight
	Rate     float64 // open loop: requests per second, Poisson
	Warm     int     // requests before anything is measured; with Rate, that rises to it
	Requests int     // requests measured
	Seed     uint64
	Timeout  time.Duration // for one request; 0 means 10 s
	// Dial opens a connection; nil means TCP to Address.
	Dial func(ctx context.Context) (net.Conn, error)
	// BetweenPhases, if set, is called when the warm-up is over and answered.
	BetweenPhases func()
}

// Result is what came of a Plan.
type Result struct {
	Log      []truth.Request // warm-up and run, in the order of their numbers
	Latency  *Histogram      // of the run: from the due time to the last byte of a good reply
	Elapsed  time.Duration   // of the run
	Failures map[string]int  // of the run, by error
	Retried  int             // requests of the run sent again on a new connection
	Overrun  int             // arrivals of the run not sent because too many were in flight
}

// RequestsPerSecond returns good replies of the run over its time.
func (r *Result) RequestsPerSecond() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Latency.Count()) / r.Elapsed.Seconds()
}

// Check returns an error that names the field if p cannot be run.
func (p *Plan) Check() error {
	switch {
	case len(p.Targets) == 0:
		return fmt.Errorf("targets: want at least one")
	case (p.InFlight > 0) == (p.Rate > 0):
		return fmt.Errorf("in_flight, rate: want exactly one above zero, got %d and %g", p.InFlight, p.Rate)
	case p.Requests <= 0 || p.Warm < 0:
		return fmt.Errorf("requests, warm: want at least 1 and 0, got %d and %d", p.Requests, p.Warm)
	}
	for _, t := range p.Targets {
		if t.Weight <= 0 {
			return fmt.Errorf("weight of target %q: want at least 1, got %d", t.Class, t.Weight)
		}
	}
	return nil
}

// Run sends what p says and returns when every request is answered or has
// failed, or when ctx is done, which is then the error.
func Run(ctx context.Context, p Plan) (*Result, error) {
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("load plan: %w", err)
	}
	g := newGenerator(p)
	defer g.close()
	log := g.log()
	warm, run := log[:p.Warm], log[p.Warm:]
	if p.BetweenPhases != nil {
		warm = warm[:g.send(ctx, warm)]
		p.BetweenPhases()
		run = run[:g.send(ctx, run)]
	} else {
		begun := g.send(ctx, log)
		warm, run = warm[:min(begun, p.Warm)], run[:max(begun-p.Warm, 0)]
	}
	res := &Result{Log: slices.Concat(warm, run), Latency: &Histogram{}, Failures: map[string]int{}, Elapsed: span(run)}
	res.count(run)
	return res, ctx.Err()
}

// span is from when the first of requests was due to the last reply.
func span(requests []truth.Request) time.Duration {
	if len(requests) == 0 {
		return 0
	}
	var end int64
	for i := range requests {
		end = max(end, requests[i].End)
	}
	return time.Duration(max(end-requests[0].Due, 0))
}

func (r *Result) count(run []truth.Request) {
	for i := range run {
		if run[i].Retried {
			r.Retried++
		}
		switch req := &run[i]; {
		case req.Error == errOverrun:
			r.Overrun++
		case req.Error != "":
			r.Failures[req.Error]++
		default:
			r.Latency.Add(time.Duration(req.End - req.Due))
		}
	}
}

// errOverrun marks an arrival that was not sent.
const errOverrun = "overrun: too many in flight"

type generator struct {
	plan     Plan
	messages []message
	weights  []uint64 // running sum
	idle     chan *conn
}

func newGenerator(p Plan) *generator {
	if p.Timeout == 0 {
		p.Timeout = 10 * time.Second
	}
	if p.Dial == nil {
		dialer := &net.Dialer{Timeout: dialTimeout}
		p.Dial = func(ctx context.Context) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", p.Address) }
	}
	g := &generator{plan: p, idle: make(chan *conn, max(p.InFlight, maxOpen))}
	var sum uint64
	for _, t := range p.Targets {
		sum += uint64(t.Weight)
		g.messages = append(g.messages, newMessage(p.Address, t))
		g.weights = append(g.weights, sum)
	}
	return g
}

func (g *generator) close() {
	close(g.idle)
	for c := range g.idle {
		c.Close()
	}
}

// log returns all requests that are to be sent, the warm-up first.
func (g *generator) log() []truth.Request {
	log := make([]truth.Request, g.plan.Warm+g.plan.Requests)
	for i := range log {
		t := truth.NewToken(g.plan.Seed, uint64(i))
		log[i] = truth.Request{Token: t, Phase: truth.PhaseRun, Class: g.message(t).class}
		if i < g.plan.Warm {
			log[i].Phase = truth.PhaseWarm
		}
	}
	return log
}

// send sends the requests of log and returns how many were begun.
func (g *generator) send(ctx context.Context, log []truth.Request) int {
	if g.plan.InFlight > 0 {
		return g.closed(ctx, log)
	}
	return g.open(ctx, log)
}

func (g *generator) message(t truth.Token) *message {
	pick := t.Choose(saltClass, g.weights[len(g.weights)-1])
	for i, sum := range g.weights {
		if pick < sum {
			return &g.messages[i]
		}
	}
	return &g.messages[len(g.messages)-1] // unreachable: pick is below the last sum
}

// closed keeps InFlight requests in flight and returns how many were begun.
func (g *generator) closed(ctx context.Context, log []truth.Request) int {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range g.plan.InFlight {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= int64(len(log)) {
					return
				}
				log[i].Due = time.Now().UnixNano()
				g.one(ctx, &log[i])
			}
		})
	}
	wg.Wait()
	return min(int(next.Load()), len(log))
}

// open sends each request when it is due, whatever became of those before it,
// and returns how many were due. During the warm-up the rate rises from nothing to Rate,
// steadily: programs that are not compiled yet would be swamped by all of it, and be
// busy with the backlog long after.
func (g *generator) open(ctx context.Context, log []truth.Request) int {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, maxOpen)
	rng := rand.New(rand.NewPCG(g.plan.Seed, uint64(len(log))))
	due := time.Now()
	for i := range log {
		rate := g.plan.Rate
		if log[i].Phase == truth.PhaseWarm {
			rate *= math.Sqrt(float64(i+1) / float64(g.plan.Warm))
		}
		due = due.Add(time.Duration(rng.ExpFloat64() / rate * float64(time.Second)))
		if !sleepUntil(ctx, due) {
			return i
		}
		log[i].Due = due.UnixNano()
		select {
		case slots <- struct{}{}:
		default:
			log[i].Error = errOverrun
			continue
		}
		wg.Go(func() {
			g.one(ctx, &log[i])
			<-slots
		})
	}
	return len(log)
}

func sleepUntil(ctx context.Context, due time.Time) bool {
	wait := time.Until(due)
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// one sends the request of rec on an idle connection or on a new one.
func (g *generator) one(ctx context.Context, rec *truth.Request) {
	c, err := g.connection(ctx)
	rec.Start = time.Now().UnixNano()
	if err != nil {
		rec.End, rec.Error = rec.Start, failure(err)
		return
	}
	rec.Port = c.port()
	status, again, err := c.do(g.message(rec.Token), rec.Token, g.plan.Timeout)
	if err != nil && stale(c, err) {
		// As every HTTP client does: the server closed a kept connection in the
		// moment we used it, and has not read the request.
		c.Close()
		rec.Retried = true
		g.fresh(ctx, rec)
		return
	}
	g.finish(rec, c, status, again, err)
}

// stale reports whether err says that a kept connection was closed before any
// of the reply arrived.
func stale(c *conn, err error) bool {
	closed := errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	return closed && c.used && !c.replying
}

// fresh sends the request of rec on a new connection.
func (g *generator) fresh(ctx context.Context, rec *truth.Request) {
	c, err := g.dial(ctx)
	if err != nil {
		rec.End, rec.Error = time.Now().UnixNano(), failure(err)
		return
	}
	rec.Port = c.port()
	status, again, err := c.do(g.message(rec.Token), rec.Token, g.plan.Timeout)
	g.finish(rec, c, status, again, err)
}

func (g *generator) finish(rec *truth.Request, c *conn, status int, again bool, err error) {
	rec.End, rec.Status = time.Now().UnixNano(), status
	if err != nil {
		rec.Error = failure(err)
	}
	if !again {
		c.Close()
		return
	}
	g.idle <- c // never blocks: as many places as requests in flight
}

func (g *generator) connection(ctx context.Context) (*conn, error) {
	select {
	case c := <-g.idle:
		return c, nil
	default:
		return g.dial(ctx)
	}
}

func (g *generator) dial(ctx context.Context) (*conn, error) {
	c, err := g.plan.Dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	return newConn(c), nil
}
