package overhead

import (
	"context"
	"fmt"
	"math"
	"net"
	"os/exec"
	"strconv"
	"time"

	"github.com/otelcol-custom/otelcol-custom/testbed/load"
	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
)

// driver sends load to the target of a running scenario for about d.
type driver interface {
	drive(ctx context.Context, live *scenario.Live, d time.Duration) (*Sample, error)
}

// target is the service that is traced, by its name in every Spec of this package.
const target = "app"

// wrk asks for one path over so many kept connections.
type wrk struct {
	connections int
	path        string
}

func (w *wrk) drive(ctx context.Context, live *scenario.Live, d time.Duration) (*Sample, error) {
	seconds := max(int(math.Round(d.Seconds())), 1)
	text, err := exec.CommandContext(ctx, "wrk", "-t1", "-c"+strconv.Itoa(w.connections), "-d"+strconv.Itoa(seconds)+"s",
		"--latency", "http://"+live.Address(target)+w.path).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("wrk: %w\n%s", err, text)
	}
	return parseWrk(string(text))
}

// firstCount is how many requests a load that is told a number is sent at first.
const firstCount = 2000

// redisGet gets one key over 50 connections, so many at once on each.
type redisGet struct {
	pipeline int
	rate     float64 // of the last time, from which the number for a time follows
}

func (r *redisGet) drive(ctx context.Context, live *scenario.Live, d time.Duration) (*Sample, error) {
	n := max(int(r.rate*d.Seconds()), firstCount*r.pipeline)
	host, port, err := net.SplitHostPort(live.Address(target))
	if err != nil {
		return nil, err
	}
	text, err := exec.CommandContext(ctx, "redis-benchmark", "-h", host, "-p", port, "-t", "get", "-c", "50",
		"-P", strconv.Itoa(r.pipeline), "-n", strconv.Itoa(n), "--csv", "--precision", "3").Output()
	if err != nil {
		return nil, fmt.Errorf("redis-benchmark: %w\n%s", err, text)
	}
	s, err := parseRedis(string(text), uint64(n))
	if err == nil {
		r.rate = s.Rate()
	}
	return s, err
}

// entry sends what the scenario's own entry says, in a closed loop.
type entry struct {
	inFlight int
	rate     float64
}

func (e *entry) drive(ctx context.Context, live *scenario.Live, d time.Duration) (*Sample, error) {
	n := max(int(e.rate*d.Seconds()), 2*e.inFlight)
	r, err := live.Load(ctx, load.Plan{InFlight: e.inFlight, Requests: n, Seed: 1})
	if err != nil {
		return nil, err
	}
	if len(r.Failures) > 0 {
		return nil, fmt.Errorf("load: requests failed: %v", r.Failures)
	}
	e.rate = r.RequestsPerSecond()
	return &Sample{
		Requests: r.Latency.Count(), Elapsed: r.Elapsed,
		P50: r.Latency.Quantile(0.5), P99: r.Latency.Quantile(0.99),
	}, nil
}
