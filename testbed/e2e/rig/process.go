package rig

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long anything may take that is waited for. It is spent only
// by a test that fails.
const patience = 60 * time.Second

// Process is a program that a test has started. It writes one line when it is
// ready, and ends when its standard input does.
type Process struct {
	// PID is that of the program.
	PID int
	// Address is its first line: host:port where it listens, if it does.
	Address string

	name   string
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	lines  chan string
	stderr tail
	done   chan struct{}
}

// StartActor runs this test binary as one of its Actors. env are variables as
// KEY=value.
func StartActor(t testing.TB, name string, env ...string) *Process {
	t.Helper()
	return StartCommand(t, exec.Command(os.Args[0]), append(env, actorVariable+"="+name)...)
}

// StartPython runs a script of testbed/e2e/programs with Debian's python3: other
// interpreters may be wrappers that start another process.
func StartPython(t testing.TB, script string, env ...string) *Process {
	t.Helper()
	path := filepath.Join(Root(t), "testbed", "e2e", "programs", script)
	return StartCommand(t, exec.Command("/usr/bin/python3", "-B", path), append(env, "PYTHONUNBUFFERED=1", "OTEL_SERVICE_NAME="+strings.TrimSuffix(script, ".py"))...)
}

// StartCommand runs a program until the test ends and returns when it is ready.
func StartCommand(t testing.TB, cmd *exec.Cmd, env ...string) *Process {
	t.Helper()
	p := &Process{name: strings.Join(cmd.Args, " "), cmd: cmd, lines: make(chan string, 4096), done: make(chan struct{})}
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = &p.stderr
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pdeathsig = true, syscall.SIGKILL
	var err error
	p.stdin, err = cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start(), p.name)
	p.PID = cmd.Process.Pid
	go p.read(out)
	t.Cleanup(p.Kill)
	p.Address = p.Line(t)
	return p
}

func (p *Process) read(out io.Reader) {
	defer close(p.done)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		p.lines <- lines.Text()
	}
	close(p.lines)
	_ = p.cmd.Wait()
}

// Line returns the next line that the program writes.
func (p *Process) Line(t testing.TB) string {
	t.Helper()
	select {
	case line, ok := <-p.lines:
		require.True(t, ok, "%s ended:\n%s", p.name, &p.stderr)
		return line
	case <-time.After(patience):
		require.Fail(t, "no line", "%s:\n%s", p.name, &p.stderr)
		return ""
	}
}

// Say writes a line to the program's standard input.
func (p *Process) Say(t testing.TB, format string, args ...any) {
	t.Helper()
	_, err := fmt.Fprintf(p.stdin, format+"\n", args...)
	require.NoError(t, err, "%s:\n%s", p.name, &p.stderr)
}

// Signal sends a signal to the program alone.
func (p *Process) Signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	require.NoError(t, syscall.Kill(p.PID, s))
}

// Kill ends the program and all that it has started, as by kill -9, and returns
// when it is gone.
func (p *Process) Kill() {
	_ = syscall.Kill(-p.PID, syscall.SIGKILL)
	<-p.done
}

// Done is closed when the program has ended and closed its output.
func (p *Process) Done() <-chan struct{} { return p.done }

// tail keeps the last bytes that were written.
type tail struct {
	mu   sync.Mutex
	data []byte
}

const tailBytes = 8 << 10

func (b *tail) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data = append(b.data, p...)
	if over := len(b.data) - tailBytes; over > 0 {
		b.data = bytes.Clone(b.data[over:])
	}
	return len(p), nil
}

func (b *tail) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.data)
}
