package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/cilium/ebpf"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/kernels"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/probe"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/gooffsets"
)

// limit is how long anything in a case may take, on an emulated processor.
const limit = 60 * time.Second

// process is a traced program.
type process struct {
	role  string
	pid   uint32
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// launch starts a role and waits until it says that it is ready.
func launch(role string) (*process, error) {
	cmd := exec.Command("/proc/self/exe", role)
	cmd.Stderr = os.Stdout
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{role: role, pid: uint32(cmd.Process.Pid), cmd: cmd, stdin: stdin}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		return p, fmt.Errorf("%s said %q: %w", role, line, err)
	}
	return p, nil
}

// begin lets p act.
func (p *process) begin() error {
	_, err := io.WriteString(p.stdin, "go\n")
	return err
}

// end waits until p has done its part.
func (p *process) end() error {
	timer := time.AfterFunc(limit, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	if err := errors.Join(p.stdin.Close(), p.cmd.Wait()); err != nil {
		return fmt.Errorf("%s: %w", p.role, err)
	}
	return nil
}

// cast is the programs of one case.
type cast struct{ server, relay, client *process }

func (c *cast) all() []*process { return []*process{c.server, c.relay, c.client} }

func (c *cast) pids() []uint32 {
	var out []uint32
	for _, p := range c.all() {
		out = append(out, p.pid)
	}
	return out
}

// attempts is how often a case is tried if the kernel skipped programs. It may do
// so since Linux 7.0 (AGAIN in bpf/compat.h); an emulated processor spends so
// long in the few instructions where it does that some case is always hit.
const attempts = 4

// run loads the programs as c says, traces the cast and compares.
func run(c kernels.Case) *kernels.Result {
	result := &kernels.Result{}
	for result.Attempts < attempts {
		*result = kernels.Result{Case: c, Attempts: result.Attempts + 1}
		skipped := try(result)
		if len(result.Errors) == 0 || skipped == 0 {
			break
		}
		result.Errors = append(result.Errors, fmt.Sprintf("the kernel skipped programs %d times", skipped))
	}
	return result
}

// try is one attempt. It returns how often the kernel skipped a program that
// reports.
func try(result *kernels.Result) (skipped uint64) {
	began := time.Now()
	p, err := probe.New(result.Case.Options())
	result.Load = time.Since(began).Seconds()
	if err == nil {
		skipped, err = trace(p, result)
	}
	if err != nil {
		result.Errors = append(result.Errors, explain(err))
	}
	result.Seconds = time.Since(began).Seconds()
	return skipped
}

// explain is err with the end of what the kernel's verifier had to say.
func explain(err error) string {
	const most = 60
	var rejected *ebpf.VerifierError
	if !errors.As(err, &rejected) {
		return err.Error()
	}
	log := rejected.Log[max(0, len(rejected.Log)-most):]
	return err.Error() + "\n" + strings.Join(log, "\n")
}

func trace(p *probe.Probe, result *kernels.Result) (skipped uint64, err error) {
	costs, err := p.Costs()
	if err != nil {
		return 0, errors.Join(err, p.Close())
	}
	result.Programs = len(costs)
	r := newRecorder()
	reading := make(chan error, 1)
	go func() { reading <- p.Run(r, nil) }()
	defer func() { err = errors.Join(err, p.Close(), <-reading) }()
	actors, err := perform(p, r)
	if err != nil {
		return 0, err
	}
	counters, err := p.Counters()
	if err != nil {
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	check(result, r, actors, counters)
	return counters[probe.LostRecursion] + counters[probe.CutRecursion], nil
}

// perform plays the cast as targets until all they did has been read.
func perform(p *probe.Probe, r *recorder) (*cast, error) {
	program, err := gooffsets.Inspect("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	golang := probe.Target{GoidOffset: program.Goid, GoidParentOffset: program.ParentGoid}
	plain := probe.Target{} // the relay's threads are its own: handoffs between them count
	actors := &cast{}
	for _, role := range []struct {
		name   string
		target probe.Target
		to     **process
	}{{"server", golang, &actors.server}, {"relay", plain, &actors.relay}, {"client", golang, &actors.client}} {
		if *role.to, err = launch(role.name); err != nil {
			return nil, err
		}
		if err := p.SetTarget((*role.to).pid, role.target); err != nil {
			return nil, err
		}
	}
	for _, a := range actors.all() {
		if err := a.begin(); err != nil {
			return nil, err
		}
	}
	for _, a := range []*process{actors.client, actors.relay, actors.server} {
		if err := a.end(); err != nil {
			return nil, err
		}
	}
	r.settle(actors.pids())
	return actors, nil
}
