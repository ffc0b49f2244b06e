package overhead

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// Where says where the time of a request goes, in a run of its own: to count
// costs too.
type Where struct {
	Hooks []HookCost `json:"hooks"`
	// Kernel is all of the hooks, in microseconds per request. They run for every
	// process of the machine, the load generator's and the Collector's included.
	Kernel float64 `json:"kernel_us_per_request"`
	// Stages are the Collector's own; empty if it has no pprof extension.
	Stages []StageCost `json:"stages,omitempty"`
	// User is the Collector's time in microseconds per request; Own without what
	// the stage export took.
	User float64 `json:"user_us_per_request"`
	Own  float64 `json:"user_without_export_us_per_request,omitempty"`
	// What the Collector was told and held: the most in its own memory; its maps
	// and programs in the kernel's.
	Spans    float64 `json:"spans_per_request"`
	Records  float64 `json:"records_per_request"`
	Bytes    float64 `json:"record_bytes_per_request"`
	Lost     float64 `json:"lost_per_request"`
	Memory   float64 `json:"collector_peak_mib"`
	Maps     float64 `json:"kernel_maps_mib"`
	Programs float64 `json:"kernel_programs_mib"`
}

// HookCost is the cost of a program in the kernel.
type HookCost struct {
	Name    string  `json:"name"`
	PerRun  float64 `json:"ns_per_run"`
	Runs    float64 `json:"runs_per_request"`
	Request float64 `json:"us_per_request"`
}

// StageCost is the cost of a stage of the Collector.
type StageCost struct {
	Name    string  `json:"name"`
	Share   float64 `json:"share"`
	Request float64 `json:"us_per_request"`
}

// where runs the workload traced, with all counts on.
func (b *bench) where(ctx context.Context) (w *Where, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("look where the time goes: %w", err)
		}
	}()
	profiler, err := b.profiler(ctx)
	if err != nil {
		return nil, err
	}
	c, err := b.collect(ctx, Traced, profiler)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	if _, err := b.workload.drive.drive(ctx, b.live, b.options.Stretch/4); err != nil {
		return nil, err
	}
	if _, err := rest(ctx, c); err != nil {
		return nil, err
	}
	off, err := countRuns()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, off()) }()
	before, err := readKernel("/proc", c.PID())
	if err != nil {
		return nil, err
	}
	profiled := b.profile(ctx, profiler)
	turn, err := b.stretch(ctx, c)
	if err != nil {
		return nil, errors.Join(err, (<-profiled).err)
	}
	after, err := readKernel("/proc", c.PID())
	if err != nil {
		return nil, errors.Join(err, (<-profiled).err)
	}
	p := <-profiled
	if p.err != nil {
		return nil, p.err
	}
	w = newWhere(after.Since(before), p.stages, turn)
	w.Maps, w.Programs = mib(after.Maps), mib(after.Programs)
	return w, nil
}

// newWhere divides by the requests of a turn.
func newWhere(hooks []Hook, stages []Stage, turn *Turn) *Where {
	n := float64(max(turn.Load.Requests, 1))
	w := &Where{
		User: micros(turn.Collector), Memory: mib(turn.Memory), Spans: turn.Traffic.Spans,
		Records: turn.Traffic.Records, Bytes: turn.Traffic.Bytes, Lost: turn.Traffic.Lost(),
	}
	for _, h := range hooks {
		if h.Runs == 0 {
			continue
		}
		cost := HookCost{
			Name: h.Name, PerRun: float64(h.Time.Nanoseconds()) / float64(h.Runs),
			Runs: float64(h.Runs) / n, Request: micros(h.Time) / n,
		}
		w.Hooks = append(w.Hooks, cost)
		w.Kernel += cost.Request
	}
	for _, s := range stages {
		w.Stages = append(w.Stages, StageCost{s.Name, s.Share, s.Share * w.User})
		if s.Name != stageExport {
			w.Own += s.Share * w.User
		}
	}
	return w
}

// profiler returns an address for the Collector's pprof extension; empty if it
// has none.
func (b *bench) profiler(ctx context.Context) (string, error) {
	has, err := hasProfiler(ctx, b.options.Binary)
	if err != nil || !has {
		return "", err
	}
	return freeAddress()
}

type profiled struct {
	stages []Stage
	err    error
}

// profile takes a CPU profile while the load runs and a little longer.
func (b *bench) profile(ctx context.Context, endpoint string) <-chan profiled {
	out := make(chan profiled, 1)
	if endpoint == "" {
		out <- profiled{}
		return out
	}
	go func() {
		stages, err := fetchProfile(ctx, endpoint, b.options.Stretch+time.Second, b.options.Profile)
		out <- profiled{stages, err}
	}()
	return out
}

// hasProfiler asks a Collector whether it has the pprof extension.
func hasProfiler(ctx context.Context, binary string) (bool, error) {
	text, err := exec.CommandContext(ctx, binary, "components").Output()
	if err != nil {
		return false, fmt.Errorf("ask %s for its components: %w", binary, err)
	}
	return hasComponent(string(text), "pprof"), nil
}
