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

// run loads the programs as c says, traces the cast and compares.
func run(c kernels.Case) *kernels.Result {
	began := time.Now()
	result := &kernels.Result{Case: c}
	p, err := probe.New(c.Options())
	result.Load = time.Since(began).Seconds()
	if err == nil {
		err = trace(p, result)
	}
	if err != nil {
		result.Errors = append(result.Errors, explain(err))
	}
	result.Seconds = time.Since(began).Seconds()
	return result
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

func trace(p *probe.Probe, result *kernels.Result) (err error) {
	costs, err := p.Costs()
	if err != nil {
		return errors.Join(err, p.Close())
	}
	result.Programs = len(costs)
	r := newRecorder()
	reading := make(chan error, 1)
	go func() { reading <- p.Run(r, nil) }()
	defer func() { err = errors.Join(err, p.Close(), <-reading) }()
	actors, err := perform(p, r)
	if err != nil {
		return err
	}
	counters, err := p.Counters()
	if err != nil {
		return err
	}
	var id ebpf.ProgramID
	for {
		id, err = ebpf.ProgramGetNextID(id)
		if err != nil {
			err = nil
			break
		}
		pr, e := ebpf.NewProgramFromID(id)
		if e != nil {
			continue
		}
		st, _ := pr.Stats()
		fmt.Println(id, pr.String(), st.RecursionMisses)
		pr.Close()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.ios {
		fmt.Printf("IO pid=%d tid=%d io=%d tick=%d conn=%x role=%d dir=%d flags=%x seq=%d len=%d %.20q\n", e.At.PID, e.At.TID, e.At.IO, e.At.Tick, e.ConnID, e.Role, e.Direction, e.Flags, e.Seq, e.Len, e.Payload)
	}
	check(result, r, actors, counters)
	return nil
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
	for deadline := time.Now().Add(limit); !r.ended(actors.pids()...); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return nil, errors.New("the end of the processes or of their connections was not reported")
		}
	}
	return actors, nil
}
