package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/otelcol-custom/otelcol-custom/testbed/delay"
	"github.com/otelcol-custom/otelcol-custom/testbed/load"
	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
)

func runList(_ context.Context, args []string, out io.Writer) error {
	fs := newFlags("list")
	asJSON := fs.Bool("json", false, "print JSON")
	if err := fs.Parse(args); err != nil {
		return err
	}
	specs, err := specsNamed(nil)
	if err != nil {
		return err
	}
	if *asJSON {
		return json.NewEncoder(out).Encode(specs)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "GROUP\tSCENARIO\tTITLE")
	for _, s := range specs {
		fmt.Fprintf(w, "%s\t%s\t%s\n", s.Group, s.Name, s.Title)
	}
	return w.Flush()
}

// specsNamed loads the scenarios called names, or all if there are none or "all".
func specsNamed(names []string) ([]*scenario.Spec, error) {
	root, err := findRoot()
	if err != nil {
		return nil, err
	}
	if len(names) == 0 || slices.Equal(names, []string{"all"}) {
		return scenario.LoadAll(root)
	}
	var out []*scenario.Spec
	for _, name := range names {
		s, err := scenario.Load(root, name)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func runInstall(ctx context.Context, args []string, out io.Writer) error {
	fs := newFlags("install")
	if err := fs.Parse(args); err != nil {
		return err
	}
	specs, err := specsNamed(fs.Args())
	if err != nil {
		return err
	}
	var packages []string
	for _, s := range specs {
		packages = append(packages, s.Packages()...)
	}
	slices.Sort(packages)
	return scenario.Install(ctx, slices.Compact(packages), out)
}

// loadFlags are the flags that make a load.Plan.
func loadFlags(fs *flag.FlagSet) *load.Plan {
	p := &load.Plan{}
	fs.IntVar(&p.InFlight, "in-flight", 0, "closed loop: requests in flight (8 if --rate is not given)")
	fs.Float64Var(&p.Rate, "rate", 0, "open loop: requests per second, Poisson")
	fs.IntVar(&p.Requests, "requests", 200, "requests to measure")
	fs.IntVar(&p.Warm, "warm", 20, "requests before that")
	fs.Uint64Var(&p.Seed, "seed", 1, "seed of tokens, classes, arrivals and delays")
	fs.DurationVar(&p.Timeout, "timeout", 30*time.Second, "for one request")
	return p
}

// outcome is the result of one run, as JSON.
type outcome struct {
	Scenario string           `json:"scenario"`
	Load     loadResult       `json:"load"`
	Report   *scenario.Report `json:"report"`
	Dir      string           `json:"dir,omitempty"` // kept, with logs
}

type loadResult struct {
	Name     string         `json:"name"`
	Requests uint64         `json:"requests"`
	Rate     float64        `json:"requests_per_second"`
	P50      float64        `json:"p50_ms"`
	P99      float64        `json:"p99_ms"`
	Failures map[string]int `json:"failures,omitempty"`
	Retried  int            `json:"retried,omitempty"`
	Overrun  int            `json:"overrun,omitempty"`
}

func newLoadResult(p *load.Plan, r *load.Result) loadResult {
	name := fmt.Sprintf("c%d", p.InFlight)
	if p.Rate > 0 {
		name = fmt.Sprintf("r%.0f", p.Rate)
	}
	ms := func(q float64) float64 { return float64(r.Latency.Quantile(q).Microseconds()) / 1000 }
	return loadResult{
		Name: name, Requests: r.Latency.Count(), Rate: r.RequestsPerSecond(),
		P50: ms(0.5), P99: ms(0.99), Failures: r.Failures, Retried: r.Retried, Overrun: r.Overrun,
	}
}

func runScenarios(ctx context.Context, args []string, out io.Writer) error {
	fs := newFlags("run")
	plan := loadFlags(fs)
	share := fs.Float64("share", 0, "open loop at this share of the scenario's capacity")
	opts := scenario.Options{Out: os.Stderr}
	fs.BoolVar(&opts.Install, "install", false, "install missing Debian packages")
	fs.BoolVar(&opts.Keep, "keep", false, "keep the run's directory")
	fs.StringVar(&opts.Dir, "dir", "", "where to make it")
	asJSON := fs.Bool("json", false, "print one JSON object a run")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() == 0 {
		return errors.New("run: name scenarios, or say all")
	}
	specs, err := specsNamed(fs.Args())
	if err != nil {
		return err
	}
	if opts.Root, err = findRoot(); err != nil {
		return err
	}
	opts.Seed = plan.Seed
	var failed []error
	for _, s := range specs {
		p := *plan
		if *share > 0 {
			p.InFlight, p.Rate = 0, *share*s.Capacity
		} else if p.Rate == 0 && p.InFlight == 0 {
			p.InFlight = 8
		}
		o, err := runOne(ctx, s, p, opts)
		if err != nil {
			failed = append(failed, err)
		}
		if o != nil {
			err = o.print(out, *asJSON)
		}
		if ctx.Err() != nil {
			return err
		}
	}
	return errors.Join(failed...)
}

// runOne runs one scenario. It returns an outcome whenever there was a load.
func runOne(ctx context.Context, s *scenario.Spec, p load.Plan, opts scenario.Options) (o *outcome, err error) {
	live, err := scenario.Start(ctx, s, opts)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, live.Close(context.WithoutCancel(ctx))) }()
	res, err := live.Load(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("%s: load: %w", s.Name, err)
	}
	if err := live.Drain(ctx, res.Log); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	report, err := live.Verify(ctx, res.Log)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	o = &outcome{Scenario: s.Name, Load: newLoadResult(&p, res), Report: report}
	if !report.OK() {
		err = fmt.Errorf("%s: calls are not as they should be (logs in %s): %v %v", s.Name, live.Dir, report.Examples, res.Failures)
	}
	if err != nil || opts.Keep {
		o.Dir = live.Dir
	}
	return o, err
}

func (o *outcome) print(out io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(o)
	}
	verdict := "ok"
	if !o.Report.OK() {
		verdict = fmt.Sprintf("WRONG: %d missing, %d extra, %d failed", o.Report.Missing, o.Report.Extra, o.Report.Failed)
	}
	_, err := fmt.Fprintf(out, "%-24s %-5s %6d requests %7.0f/s  p50 %7.2f ms  p99 %7.2f ms  %6d calls  %s %s\n",
		o.Scenario, o.Load.Name, o.Load.Requests, o.Load.Rate, o.Load.P50, o.Load.P99, o.Report.Calls, verdict, o.Dir)
	return err
}

func runLoad(ctx context.Context, args []string, out io.Writer) error {
	fs := newFlags("load")
	plan := loadFlags(fs)
	if err := fs.Parse(args); err != nil {
		return err
	}
	u, err := url.Parse(fs.Arg(0))
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return fmt.Errorf("load: want one http URL, got %q", fs.Args())
	}
	if plan.Rate == 0 && plan.InFlight == 0 {
		plan.InFlight = 8
	}
	plan.Address = u.Host
	if u.Port() == "" {
		plan.Address = net.JoinHostPort(u.Hostname(), "80")
	}
	path := strings.ReplaceAll(u.RequestURI(), url.PathEscape(load.IDMark), load.IDMark)
	plan.Targets = []load.Target{{Class: "load", Weight: 1, Path: path}}
	res, err := load.Run(ctx, *plan)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(newLoadResult(plan, res))
}

func runDelay(ctx context.Context, args []string, _ io.Writer) error {
	fs := newFlags("delay")
	listen := fs.String("listen", "127.0.0.1:0", "address to listen on")
	seed := fs.Uint64("seed", 1, "seed of the delays")
	logPath := fs.String("log", os.DevNull, "file to log calls to")
	if err := fs.Parse(args); err != nil {
		return err
	}
	f, err := os.Create(*logPath)
	if err != nil {
		return fmt.Errorf("delay: %w", err)
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return fmt.Errorf("delay: %w", err)
	}
	server := delay.New(*seed, f)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	return errors.Join(err, server.Close(closing), f.Close())
}
