package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/otelcol-custom/otelcol-custom/testbed/demo/tree"
)

// options are the flags of `demo run`.
type options struct {
	collector string
	config    string
	system    string
	targets   string
	requests  int
	once      bool
	directory string
}

func parseOptions(args []string) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("demo run", flag.ContinueOnError)
	flags.StringVar(&o.collector, "collector", "bin/otelcol-custom-slim", "the Collector's binary")
	flags.StringVar(&o.config, "config", "config/quickstart.yaml", "the Collector's configuration")
	flags.StringVar(&o.system, "system", "pool", "the demo system: pool (worker pool, threads, store) or stack (nginx, gunicorn, PostgreSQL, Redis)")
	flags.StringVar(&o.targets, "targets", "demo", "what to trace: demo (the demo's own processes) or all (this machine)")
	flags.IntVar(&o.requests, "requests", 3, "requests to send")
	flags.BoolVar(&o.once, "once", false, "end when the requests have been printed, and fail unless each is one whole trace")
	flags.StringVar(&o.directory, "dir", ".run", "where to keep data and logs")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if o.targets != "demo" && o.targets != "all" {
		return nil, fmt.Errorf("--targets must be demo or all, not %q", o.targets)
	}
	return o, nil
}

// system is a set of running programs that answer requests.
type system struct {
	processes []*process
	closers   []func() error
	url       string   // of the front
	pids      []int    // to trace; their forks are traced with them
	services  []string // that a whole trace of one request goes through
}

func (s *system) stop() {
	for i := len(s.processes) - 1; i >= 0; i-- {
		s.processes[i].stop()
	}
	for _, c := range s.closers {
		if err := c(); err != nil {
			fmt.Fprintln(os.Stderr, "demo:", err)
		}
	}
}

// add starts a program of the system, to be traced or not.
func (s *system) add(ctx context.Context, name, ready string, env []string, argv ...string) error {
	p, err := start(ctx, name, ready, env, argv...)
	if err != nil {
		return err
	}
	s.processes = append(s.processes, p)
	s.pids = append(s.pids, p.cmd.Process.Pid)
	return nil
}

func runDemo(ctx context.Context, args []string) error {
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.directory, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.directory, "demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Printf("starting the demo system (%s)\n", o.system)
	s := &system{}
	defer s.stop()
	if err := startSystem(ctx, s, o.system); err != nil {
		return err
	}
	fmt.Println("starting the Collector")
	output := filepath.Join(dir, "traces.jsonl")
	collector, err := startCollector(ctx, o, s, output)
	if err != nil {
		return err
	}
	defer collector.stop()
	return show(ctx, o, s, collector, output)
}

func startSystem(ctx context.Context, s *system, name string) error {
	switch name {
	case "pool":
		return startPool(ctx, s)
	case "stack":
		return startStack(ctx, s)
	default:
		return fmt.Errorf("--system must be pool or stack, not %q", name)
	}
}

// startCollector runs the configuration as it is, but for what is traced and a
// file to read the traces from.
func startCollector(ctx context.Context, o *options, s *system, output string) (*process, error) {
	if _, err := os.Stat(o.collector); err != nil {
		return nil, fmt.Errorf("no Collector at %s: build it with `make build-slim`, or name one with --collector: %w", o.collector, err)
	}
	argv := []string{
		o.collector, "--config", o.config,
		"--config", "yaml:exporters::file/demo::path: " + output,
		"--config", "yaml:exporters::file/demo::flush_interval: 100ms",
		"--config", "yaml:service::pipelines::traces/out::exporters: [file/demo]",
		// Another Collector may have the usual ports.
		"--config", "yaml:receivers::otlp::protocols::grpc::endpoint: 127.0.0.1:0",
		"--config", "yaml:receivers::otlp::protocols::http::endpoint: 127.0.0.1:0",
	}
	if o.targets == "demo" {
		argv = append(argv, "--config", fmt.Sprintf("yaml:receivers::ebpf::targets::include: [{pids: [%s]}]", join(s.pids)))
	}
	return start(ctx, "the Collector", "Everything is ready", nil, argv...)
}

func join(pids []int) string {
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(pids)), ", "), "[]")
}

// show sends the requests and prints every trace that comes out.
func show(ctx context.Context, o *options, s *system, collector *process, output string) error {
	fmt.Printf("sending %d requests to %s\n\n", o.requests, s.url)
	for i := range o.requests {
		if err := request(ctx, s.url, i); err != nil {
			return err
		}
	}
	reader := &traceFile{path: output}
	printed, whole := 0, 0
	deadline := time.Now().Add(20 * time.Second)
	hinted := false
	for {
		traces, err := reader.next()
		if err != nil {
			return err
		}
		for _, t := range traces {
			if err := tree.Print(os.Stdout, t); err != nil {
				return err
			}
			fmt.Println()
			printed++
			if isWhole(t, s.services) {
				whole++
			}
		}
		switch {
		case o.once && whole >= o.requests:
			fmt.Printf("%d of %d requests came out as one whole trace\n", whole, o.requests)
			return nil
		case o.once && time.Now().After(deadline):
			return fmt.Errorf("only %d of %d requests came out as one whole trace", whole, o.requests)
		case !hinted && !o.once && printed >= o.requests:
			hinted = true
			fmt.Printf("still tracing: try `curl %s`; Ctrl-C stops everything\n\n", strings.Replace(s.url, "%s", "tea", 1))
		}
		select {
		case <-ctx.Done():
			fmt.Println("\nstopping")
			return nil
		case <-collector.done:
			return fmt.Errorf("the Collector has ended: %w", errors.Join(collector.err, errors.New("see its output above")))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// isWhole reports whether t goes through all services and hangs together.
func isWhole(t *tree.Trace, services []string) bool {
	seen := map[string]bool{}
	for _, s := range t.Spans {
		seen[s.Service] = true
	}
	for _, name := range services {
		if !seen[name] {
			return false
		}
	}
	return t.Roots() == 1
}

func request(ctx context.Context, url string, i int) error {
	item := []string{"tea", "coffee"}[i%2]
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.Replace(url, "%s", item, 1), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("the demo system answered %s: %s", response.Status, body), err)
	}
	return nil
}
