package probe

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

const actorEnv = "PROBE_TEST_ACTOR"

// recorder keeps what the probe reported of the processes it was told to keep.
type recorder struct {
	mu      sync.Mutex
	conns   map[uint64]event.Conn
	ios     []event.IO
	closes  []event.Close
	again   []event.Retransmit
	changes []event.Process
	discard bool // keep no I/O
}

func (r *recorder) Conn(c *event.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns[c.ID] = *c
}

func (r *recorder) IO(e *event.IO) {
	if r.discard {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := *e
	kept.Comm = string(append([]byte(nil), e.Comm...))
	kept.Payload = append([]byte(nil), e.Payload...)
	kept.Handoffs = append([]event.Handoff(nil), e.Handoffs...)
	r.ios = append(r.ios, kept)
}

func (r *recorder) Close(c *event.Close) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closes = append(r.closes, *c)
}

func (r *recorder) Retransmit(e *event.Retransmit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.again = append(r.again, *e)
}

func (r *recorder) Process(p *event.Process) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := *p
	kept.Comm = string(append([]byte(nil), p.Comm...))
	r.changes = append(r.changes, kept)
}

// exited reports whether the exit of pid has been read, and with it, the ring
// buffer being in order, everything that it moved.
func (r *recorder) exited(pid uint32) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.changes {
		if c.Change == event.Exit && c.PID == pid {
			return true
		}
	}
	return false
}

// stage is a probe with a recorder.
type stage struct {
	t testing.TB
	*Probe
	*recorder
}

func newStage(t testing.TB, options *Options) *stage {
	t.Helper()
	p, err := New(options)
	require.NoError(t, err)
	s := &stage{t: t, Probe: p, recorder: &recorder{conns: map[uint64]event.Conn{}}}
	done := make(chan error, 1)
	go func() { done <- p.Run(s.recorder, nil) }()
	t.Cleanup(func() {
		require.NoError(t, p.Close())
		require.NoError(t, <-done)
	})
	return s
}

// Close of the embedded types differ in meaning; the stage closes by cleanup.
func (s *stage) Close() {}

// actor is a traced child process.
type actor struct {
	t      testing.TB
	pid    uint32
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
}

// start runs the actor up to its first line, which says that it waits for go.
func start(t testing.TB, name string) *actor {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), actorEnv+"="+name)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	a := &actor{t: t, pid: uint32(cmd.Process.Pid), cmd: cmd, stdin: stdin, stdout: bufio.NewReader(stdout)}
	line, err := a.stdout.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)
	return a
}

// play lets the actor act and returns what it says it did.
func (a *actor) play(out any) {
	a.t.Helper()
	_, err := io.WriteString(a.stdin, "go\n")
	require.NoError(a.t, err)
	if out != nil {
		require.NoError(a.t, json.NewDecoder(a.stdout).Decode(out))
	}
	require.NoError(a.t, a.stdin.Close())
	require.NoError(a.t, a.cmd.Wait())
}

// settled reports whether everything that was sent has been read. The kernel
// closes the connections of a process after it reports its exit.
func (s *stage) settled() bool {
	counters, err := s.Counters()
	require.NoError(s.t, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint64(len(s.closes)) == counters[RecordsClose] && counters[RecordsClose] == counters[RecordsConn]
}

// trace plays an actor as a target and waits until all it did has been read.
func (s *stage) trace(name string, target Target, out any) *actor {
	s.t.Helper()
	a := start(s.t, name)
	require.NoError(s.t, s.SetTarget(a.pid, target))
	a.play(out)
	require.Eventually(s.t, func() bool { return s.exited(a.pid) && s.settled() }, 10*time.Second, 5*time.Millisecond)
	return a
}

// of returns the I/O of one direction in ring order.
func (s *stage) of(direction event.Direction) []event.IO {
	var out []event.IO
	for _, e := range s.ios {
		if e.Direction == direction {
			out = append(out, e)
		}
	}
	return out
}
