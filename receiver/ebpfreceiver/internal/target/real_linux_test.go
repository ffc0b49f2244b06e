package target

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/naming"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/procfs/procfstest"
)

// child is a process that the test started and that does a step for each line it
// is sent, and answers each with a line.
type child struct {
	t      testing.TB
	pid    uint32
	input  io.WriteCloser
	output *bufio.Reader
}

// spawn starts a command, which must write a line when it is up.
func spawn(t testing.TB, command *exec.Cmd) (*child, string) {
	t.Helper()
	input, err := command.StdinPipe()
	require.NoError(t, err)
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = input.Close()
		_ = command.Process.Kill()
		_ = command.Wait() // killed
	})
	c := &child{t, uint32(command.Process.Pid), input, bufio.NewReader(output)}
	return c, c.line()
}

func (c *child) line() string {
	c.t.Helper()
	line, err := c.output.ReadString('\n')
	require.NoError(c.t, err)
	return strings.TrimSpace(line)
}

// step lets the child do the next thing and returns its answer.
func (c *child) step() string {
	c.t.Helper()
	_, err := fmt.Fprintln(c.input)
	require.NoError(c.t, err)
	return c.line()
}

// copyOf makes a program of the test's own, so that a rule about its path selects
// nothing else on the machine.
func copyOf(t testing.TB, program, name string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	require.NoError(t, err)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	out := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(out, data, 0o755))
	return out
}

// onReal returns a Tracker of this machine, with the test as its goroutine.
func onReal(t testing.TB, sink Sink, config Config) *Tracker {
	t.Helper()
	tracker, err := New(&config, sink, nil)
	require.NoError(t, err)
	return tracker
}

func TestRealExecs(t *testing.T) {
	shop := copyOf(t, "sh", "shop")
	c, _ := spawn(t, exec.Command("sh", "-c", `echo up; read x; exec "$0" -c 'echo shop; read x; exec sh -c "echo sh; read x"'`, shop))
	sink := newRecord()
	sink.only = []uint32{c.pid}
	tracker := onReal(t, sink, rules(Rule{Exe: shop}))
	scan(t, tracker)
	assert.Empty(t, sink.take())
	add, remove := fmt.Sprintf("add %d", c.pid), fmt.Sprintf("remove %d", c.pid)
	require.Equal(t, "shop", c.step())
	tracker.handle(change{kind: event.Exec, pid: c.pid})
	assert.Equal(t, []string{add}, sink.take())
	assert.Equal(t, shop, sink.now[c.pid].Executable)
	require.Equal(t, "sh", c.step())
	scan(t, tracker)
	assert.Equal(t, []string{remove}, sink.take(), "also without an event")
}

func TestRealForks(t *testing.T) {
	const server = `
import os, signal, sys
print("up", flush=True); sys.stdin.readline()
child = os.fork()
if child == 0:
    signal.alarm(60); signal.pause()
print(child, flush=True); sys.stdin.readline()
os.kill(child, 9); os.waitpid(child, 0)
print("done", flush=True); sys.stdin.readline()
`
	c, _ := spawn(t, exec.Command("python3", "-c", server))
	sink := newRecord()
	sink.only = []uint32{c.pid}
	tracker := onReal(t, sink, rules(Rule{PIDs: []int{int(c.pid)}}))
	scan(t, tracker)
	require.Equal(t, []string{fmt.Sprintf("add %d", c.pid)}, sink.take(), "and no other process of the machine")
	fork, err := strconv.Atoi(c.step())
	require.NoError(t, err)
	sink.only = append(sink.only, uint32(fork))
	tracker.handle(change{kind: event.Fork, pid: uint32(fork), parent: c.pid})
	require.Equal(t, []string{fmt.Sprintf("add %d", fork)}, sink.take())
	parent, worker := sink.now[c.pid], sink.now[uint32(fork)]
	assert.Equal(t, parent.Executable, worker.Executable)
	assert.Equal(t, naming.Python, worker.Runtime)
	assert.False(t, worker.Created.Before(parent.Created))
	assert.Equal(t, "done", c.step())
	tracker.handle(change{kind: event.Exit, pid: uint32(fork)})
	assert.Equal(t, []string{fmt.Sprintf("remove %d", fork)}, sink.take())
}

func TestRealGoServer(t *testing.T) {
	server := filepath.Join(t.TempDir(), "main")
	output, err := exec.Command("go", "build", "-o", server, "./testdata/server").CombinedOutput()
	require.NoError(t, err, "%s", output)
	command := exec.Command(server)
	command.Env = append(os.Environ(), "OTEL_RESOURCE_ATTRIBUTES=service.namespace=shop")
	c, line := spawn(t, command)
	port, err := strconv.Atoi(line)
	require.NoError(t, err)
	sink := newRecord()
	sink.only = []uint32{c.pid}
	tracker := onReal(t, sink, rules(Rule{Ports: []any{port}, Exe: server}))
	scan(t, tracker)
	require.Contains(t, sink.now, c.pid)
	p := sink.now[c.pid]
	assert.Equal(t, naming.Go, p.Runtime)
	assert.NotZero(t, p.GoidOffset)
	assert.NotZero(t, p.GoidParentOffset)
	assert.Equal(t, "go", get(p, "process.runtime.name"))
	assert.Contains(t, get(p, "process.runtime.version"), "go1.")
	assert.Equal(t, "testdata", p.Service, "main says nothing, the package's directory does")
	assert.Equal(t, "shop", get(p, "service.namespace"))
	assert.InDelta(t, time.Now().Unix(), p.Created.Unix(), 60)
	local := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
	assert.True(t, tracker.IsListening(p.NetNS, local))
	assert.False(t, tracker.IsListening(p.NetNS+1, local))
}

func TestRealListenEvent(t *testing.T) {
	python := copyOf(t, pythonPath(t), "till")
	c, _ := spawn(t, exec.Command(python, "-c", `
import socket, sys
print("up", flush=True); sys.stdin.readline()
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
print(s.getsockname()[1], flush=True); sys.stdin.readline()
`))
	sink := newRecord()
	sink.only = []uint32{c.pid}
	tracker := onReal(t, sink, rules(Rule{Exe: python, Ports: []any{"1-65535"}}))
	scan(t, tracker)
	assert.Empty(t, sink.take())
	port, err := strconv.Atoi(c.step())
	require.NoError(t, err)
	tracker.handle(change{kind: event.Listen, pid: c.pid, port: uint16(port)})
	require.Equal(t, []string{fmt.Sprintf("add %d", c.pid)}, sink.take())
	assert.True(t, tracker.IsListening(sink.now[c.pid].NetNS, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))))
}

// pythonPath returns the interpreter itself, where python3 is a wrapper too.
func pythonPath(t testing.TB) string {
	t.Helper()
	output, err := exec.Command("python3", "-c", "import os; print(os.path.realpath('/proc/self/exe'))").Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(output))
}

func TestRealNetworkNamespace(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to make a network namespace")
	}
	command := exec.Command("python3", "-c", `
import socket, sys
s = socket.socket(socket.AF_INET6); s.bind(("::", 0)); s.listen()
print(s.getsockname()[1], flush=True); sys.stdin.readline()
`)
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	c, line := spawn(t, command)
	port, err := strconv.ParseUint(line, 10, 16)
	require.NoError(t, err)
	sink := newRecord()
	sink.only = []uint32{c.pid}
	tracker := onReal(t, sink, rules(Rule{PIDs: []int{int(c.pid)}}))
	scan(t, tracker)
	require.Contains(t, sink.now, c.pid)
	there := sink.now[c.pid].NetNS
	here, err := tracker.reader.NetNS(uint32(os.Getpid()))
	require.NoError(t, err)
	require.NotEqual(t, here, there)
	local := netip.AddrPortFrom(netip.MustParseAddr("10.1.2.3"), uint16(port))
	assert.True(t, tracker.IsListening(there, local), "every address, of both families")
	assert.False(t, tracker.IsListening(here, local))
}

// cgroup2 returns where control groups of version 2 are, which root may change.
func cgroup2(t testing.TB) string {
	t.Helper()
	for _, dir := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(filepath.Join(dir, "cgroup.procs")); err == nil {
			return dir
		}
	}
	t.Fatal("no control groups of version 2")
	return ""
}

func TestRealControlGroups(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to make control groups")
	}
	name := fmt.Sprintf("otelcol-test-%d.slice", os.Getpid())
	group := filepath.Join(cgroup2(t), name, "docker-"+someID+".scope")
	require.NoError(t, os.MkdirAll(group, 0o755))
	t.Cleanup(func() {
		assert.NoError(t, os.Remove(group))
		assert.NoError(t, os.Remove(filepath.Dir(group)))
	})
	t.Run("a move into the group", func(t *testing.T) {
		command := exec.Command("sh", "-c", "echo up; read x")
		c, _ := spawn(t, command)
		sink := newRecord()
		sink.only = []uint32{c.pid}
		tracker := onReal(t, sink, rules(Rule{Cgroup: "**/" + name + "/**"}))
		scan(t, tracker)
		assert.Empty(t, sink.take())
		require.NoError(t, os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(int(c.pid))), 0o644))
		scan(t, tracker)
		require.Equal(t, []string{fmt.Sprintf("add %d", c.pid)}, sink.take())
		assert.Equal(t, someID, sink.now[c.pid].ContainerID)
		assert.NoError(t, command.Process.Kill())
		_ = command.Wait() // killed: leaves the group
	})
}

// shared is a Sink for a Tracker that runs by itself.
type shared struct {
	lock  sync.Mutex
	now   map[uint32]*Process
	wrong []string
}

func (s *shared) Add(p *Process) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.now[p.PID] = p
	if p.Service == "" || p.Executable == "" || len(p.Resource) == 0 {
		s.wrong = append(s.wrong, fmt.Sprintf("%+v", p))
	}
	return nil
}

func (s *shared) Remove(pid uint32) {
	s.lock.Lock()
	defer s.lock.Unlock()
	delete(s.now, pid)
}

func (s *shared) state() (int, []string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	return len(s.now), slices.Clone(s.wrong)
}

func TestRealProcessesThatComeAndGoQuickly(t *testing.T) {
	quick := copyOf(t, "true", "quick")
	config, sink := rules(Rule{Exe: quick}), &shared{now: map[uint32]*Process{}}
	config.RescanInterval = 100 * time.Millisecond
	tracker, err := New(&config, sink, &Options{Queue: 64})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- tracker.Run(ctx) }()
	var starters sync.WaitGroup
	for range 2 {
		starters.Go(func() {
			for range 150 {
				command := exec.Command(quick)
				if assert.NoError(t, command.Start()) {
					pid := uint32(command.Process.Pid)
					tracker.Notify(&event.Process{Change: event.Exec, PID: pid})
					assert.NoError(t, command.Wait())
					tracker.Notify(&event.Process{Change: event.Exit, PID: pid})
				}
			}
		})
	}
	starters.Wait()
	assert.Eventually(t, func() bool {
		traced, _ := sink.state()
		return traced == 0 && tracker.Stats().Processes == 0
	}, 10*time.Second, 10*time.Millisecond, "none stays")
	cancel()
	require.NoError(t, <-ended)
	_, wrong := sink.state()
	assert.Empty(t, wrong, "none was half described")
	t.Logf("%+v", tracker.Stats())
}

func TestRealSocketsOfTheCollectorItself(t *testing.T) {
	for network, address := range map[string]string{"tcp4": "127.0.0.1:0", "tcp6": "[::1]:0"} {
		t.Run(network, func(t *testing.T) {
			backend, err := net.Listen(network, address)
			require.NoError(t, err)
			defer backend.Close()
			exporter, err := net.Dial(network, backend.Addr().String())
			require.NoError(t, err)
			defer exporter.Close()
			accepted, err := backend.Accept()
			require.NoError(t, err)
			defer accepted.Close()

			sockets, err := readOwnSockets()
			require.NoError(t, err)
			local, remote := at(exporter.LocalAddr().String()), at(exporter.RemoteAddr().String())
			assert.Contains(t, sockets, ownSocket{local, remote})
			assert.Contains(t, sockets, ownSocket{remote, local}, "both ends are ours in this test")
			assert.Contains(t, sockets, ownSocket{local: remote}, "and the listener")
			peers, err := NewOwnPeers(7)
			require.NoError(t, err)
			assert.True(t, peers.Contains(7, remote, local))
		})
	}
}

func TestRealDescriptorsThatAreNoTCP(t *testing.T) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	datagram, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	require.NoError(t, err)
	unconnected, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	for _, fd := range []int{pair[0], pair[1], datagram, unconnected, -1, 99999} {
		_, ok := readOwnSocket(fd)
		assert.False(t, ok)
		_ = syscall.Close(fd)
	}
}

func TestHostProcesses(t *testing.T) {
	ours, err := HostProcesses()
	require.NoError(t, err)
	link, err := os.Readlink("/proc/self/ns/pid")
	require.NoError(t, err)
	assert.Equal(t, link == "pid:[4026531836]", ours)
}

func TestAnExecWhileLookedAtIsSeen(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	tracker := track(t, m, sink, rules(Rule{Exe: "s*"}))
	m.Run(procfstest.Process{PID: 20, Exe: "/usr/bin/shop", Image: 1000})
	environ := filepath.Join(m.Root, "proc/20/environ")
	require.NoError(t, os.Remove(environ))
	require.NoError(t, syscall.Mkfifo(environ, 0o600)) // its reader waits for a writer
	done := make(chan struct{})
	go func() {
		defer close(done)
		tracker.handle(change{kind: event.Exec, pid: 20})
	}()
	writer, err := os.OpenFile(environ, os.O_WRONLY, 0)
	require.NoError(t, err)
	m.Run(procfstest.Process{PID: 20, Exe: "/usr/bin/sales", Image: 2000})
	require.NoError(t, writer.Close())
	<-done
	assert.Equal(t, []string{"add 20"}, sink.take())
	assert.Equal(t, "sales", sink.now[20].Service, "and never half of one and half of the other")
}
