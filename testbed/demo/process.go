package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is one program of the demo. It is killed when this one dies.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}
	err  error // of the exit; valid once done is closed
}

// start runs a program until its output says ready.
func start(ctx context.Context, name, ready string, env []string, argv ...string) (*process, error) {
	p := &process{name: name, cmd: exec.Command(argv[0], argv[1:]...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stdout, p.cmd.Stderr = in, in
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), out.Close(), in.Close())
	}
	in.Close()
	log := &tail{}
	said := make(chan struct{})
	go log.follow(out, ready, said)
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	select {
	case <-said:
		return p, nil
	case <-p.done:
		return nil, fmt.Errorf("%s ended before it was ready:\n%s", name, log)
	case <-time.After(30 * time.Second):
		p.stop()
		return nil, fmt.Errorf("%s was not ready after 30 s:\n%s", name, log)
	case <-ctx.Done():
		p.stop()
		return nil, ctx.Err()
	}
}

// stop ends the program and all that it started.
func (p *process) stop() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.done
	}
}

// tail keeps the last lines of a program's output, for when it fails.
type tail struct {
	mu    sync.Mutex
	lines []string
}

func (t *tail) follow(r io.ReadCloser, ready string, said chan<- struct{}) {
	defer r.Close()
	for lines := bufio.NewScanner(r); lines.Scan(); {
		t.mu.Lock()
		t.lines = append(t.lines, lines.Text())
		if len(t.lines) > 20 {
			t.lines = t.lines[1:]
		}
		t.mu.Unlock()
		if said != nil && strings.Contains(lines.Text(), ready) {
			close(said)
			said = nil
		}
	}
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}

// freePorts returns n TCP ports of the loopback that nobody listens on.
func freePorts(n int) ([]string, error) {
	var out []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			return nil, err
		}
		out = append(out, port)
	}
	return out, nil
}
