package procfs

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Bounds of waiting for what another process does.
const (
	waitLimit = 10 * time.Second
	waitTick  = time.Millisecond
)

// start runs a program that first prints a line, and ends with the test.
func start(t testing.TB, command *exec.Cmd) uint32 {
	t.Helper()
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // killed
	})
	_, err = bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	return uint32(command.Process.Pid)
}

func python(arguments ...string) *exec.Cmd {
	return exec.Command("python3", append([]string{"-c", "import time; print('up', flush=True); time.sleep(600)"}, arguments...)...)
}

func TestReaderReadsAProcess(t *testing.T) {
	command := python("--token", "two words", "")
	command.Env = append(os.Environ(), "OTEL_SERVICE_NAME=shop", "NOISE="+strings.Repeat("n", 20_000))
	command.Dir = t.TempDir()
	pid := start(t, command)
	r := New("/")

	stat, err := r.Stat(pid)
	require.NoError(t, err)
	assert.Equal(t, uint32(os.Getpid()), stat.Parent)
	assert.Contains(t, "RS", string(stat.State))
	assert.False(t, stat.KernelThread())
	assert.False(t, stat.Dead())
	assert.Positive(t, stat.Start)
	assert.Greater(t, stat.Image.Stack, stat.Image.Code)

	executable, err := r.Executable(pid)
	require.NoError(t, err)
	assert.Contains(t, filepath.Base(executable), "python3")

	args, err := r.CommandLine(pid)
	require.NoError(t, err)
	assert.Equal(t, []string{"--token", "two words"}, args[3:5], "an empty last argument cannot be told from padding")

	environ, err := r.Environ(pid, "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"OTEL_SERVICE_NAME": "shop"}, environ)

	uid, err := r.Owner(pid)
	require.NoError(t, err)
	assert.Equal(t, uint32(os.Geteuid()), uid)

	directory, err := r.WorkingDirectory(pid)
	require.NoError(t, err)
	assert.Equal(t, command.Dir, directory)

	groups, hash, err := r.Cgroups(pid)
	require.NoError(t, err)
	assert.NotEmpty(t, groups)
	same, err := r.CgroupHash(pid)
	require.NoError(t, err)
	assert.Equal(t, hash, same)

	netns, err := r.NetNS(pid)
	require.NoError(t, err)
	var info syscall.Stat_t
	require.NoError(t, syscall.Stat("/proc/self/ns/net", &info))
	assert.Equal(t, uint32(info.Ino), netns)
}

func TestReaderListsProcesses(t *testing.T) {
	pid := start(t, python())
	var found []uint32
	require.NoError(t, New("").PIDs(func(pid uint32) { found = append(found, pid) }))
	assert.Contains(t, found, pid)
	assert.Contains(t, found, uint32(os.Getpid()))
}

func TestReaderSeesAnExecAsAnotherImage(t *testing.T) {
	command := exec.Command("sh", "-c", "echo up; read line; exec sh -c 'echo again; read line'")
	input, err := command.StdinPipe()
	require.NoError(t, err)
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	lines, r, pid := bufio.NewReader(output), New("/"), uint32(command.Process.Pid)
	_, err = lines.ReadString('\n')
	require.NoError(t, err)
	before, err := r.Stat(pid)
	require.NoError(t, err)
	fmt.Fprintln(input)
	_, err = lines.ReadString('\n')
	require.NoError(t, err)
	after, err := r.Stat(pid)
	require.NoError(t, err)
	assert.Equal(t, before.Start, after.Start, "the same process")
	assert.NotEqual(t, before.Image, after.Image, "another run of a program")
	fmt.Fprintln(input)
	require.NoError(t, command.Wait())
}

func TestReaderSeesAForkAsTheSameImage(t *testing.T) {
	command := exec.Command("python3", "-c", "import os, time\nchild = os.fork()\nif child: print(child, flush=True)\ntime.sleep(600)")
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	var child int
	_, err = fmt.Fscan(output, &child)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = syscall.Kill(child, syscall.SIGKILL)
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	r := New("/")
	parent, err := r.Stat(uint32(command.Process.Pid))
	require.NoError(t, err)
	fork, err := r.Stat(uint32(child))
	require.NoError(t, err)
	assert.Equal(t, parent.Image, fork.Image)
	assert.Equal(t, uint32(command.Process.Pid), fork.Parent)
	assert.GreaterOrEqual(t, fork.Start, parent.Start)
}

func TestReaderSaysThatAProcessIsGone(t *testing.T) {
	command := exec.Command("true")
	require.NoError(t, command.Run())
	r, pid := New("/"), uint32(command.Process.Pid)
	_, err := r.Stat(pid)
	assert.True(t, Gone(err), "%v", err)
	_, err = r.Executable(pid)
	assert.True(t, Gone(err), "%v", err)
	_, err = r.CommandLine(pid)
	assert.True(t, Gone(err), "%v", err)
	_, err = r.Environ(pid, "A")
	assert.True(t, Gone(err), "%v", err)
	_, _, err = r.Cgroups(pid)
	assert.True(t, Gone(err), "%v", err)
	_, err = r.CgroupHash(pid)
	assert.True(t, Gone(err), "%v", err)
	_, err = r.Owner(pid)
	assert.True(t, Gone(err), "%v", err)
	_, err = r.NetNS(pid)
	assert.True(t, Gone(err), "%v", err)
	_, err = r.Listeners(pid)
	assert.True(t, Gone(err), "%v", err)
	assert.True(t, Gone(r.Sockets(pid, func(uint64) bool { return true })))
	assert.False(t, Gone(nil))
	assert.False(t, Gone(syscall.EACCES))
}

func TestReaderSaysThatAZombieHasNoProgram(t *testing.T) {
	command := exec.Command("true")
	require.NoError(t, command.Start())
	defer command.Wait() //nolint:errcheck // it did nothing that can fail
	r, pid := New("/"), uint32(command.Process.Pid)
	require.Eventually(t, func() bool {
		stat, err := r.Stat(pid)
		return err == nil && stat.Dead()
	}, waitLimit, waitTick)
	_, err := r.Executable(pid)
	assert.True(t, Gone(err), "%v", err)
	args, err := r.CommandLine(pid)
	require.NoError(t, err)
	assert.Empty(t, args)
}

func TestReaderFindsListenersAndTheirOwner(t *testing.T) {
	r, self := New("/"), uint32(os.Getpid())
	four, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer four.Close()
	six, err := net.Listen("tcp6", "[::1]:0")
	require.NoError(t, err)
	defer six.Close()
	accepted, err := net.Dial("tcp4", four.Addr().String())
	require.NoError(t, err)
	defer accepted.Close()

	found, err := r.Listeners(self)
	require.NoError(t, err)
	for _, listener := range []net.Listener{four, six} {
		want := netip.MustParseAddrPort(listener.Addr().String())
		i := slices.IndexFunc(found, func(l Listener) bool { return l.Local == want })
		require.GreaterOrEqual(t, i, 0, "%v in %v", want, found)
		owned := false
		require.NoError(t, r.Sockets(self, func(inode uint64) bool {
			owned = inode == found[i].Inode
			return !owned
		}))
		assert.True(t, owned)
	}
	client := netip.MustParseAddrPort(accepted.LocalAddr().String())
	assert.False(t, slices.ContainsFunc(found, func(l Listener) bool { return l.Local == client }))
}

func TestReaderSeesAnotherNetworkNamespace(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to make a network namespace")
	}
	const program = "import socket, time\ns = socket.socket(); s.bind(('0.0.0.0', 0)); s.listen()\nprint(s.getsockname()[1], flush=True); time.sleep(600)"
	command := exec.Command("python3", "-c", program)
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	var port uint16
	_, err = fmt.Fscan(output, &port)
	require.NoError(t, err)
	r, pid := New("/"), uint32(command.Process.Pid)
	here, err := r.NetNS(uint32(os.Getpid()))
	require.NoError(t, err)
	there, err := r.NetNS(pid)
	require.NoError(t, err)
	assert.NotEqual(t, here, there)
	found, err := r.Listeners(pid)
	require.NoError(t, err)
	require.Len(t, found, 1, "only its own, in an empty namespace")
	assert.Equal(t, netip.AddrPortFrom(netip.IPv4Unspecified(), port), found[0].Local)
}

func TestReaderTakesADeletedProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shortlived")
	program, err := os.ReadFile("/bin/sleep")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, program, 0o755))
	command := exec.Command(path, "600")
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	require.NoError(t, os.Remove(path))
	found, err := New("/").Executable(uint32(command.Process.Pid))
	require.NoError(t, err)
	assert.Equal(t, path, found)
}

func TestReaderLeavesNoDescriptorOpen(t *testing.T) {
	r, self := New("/"), uint32(os.Getpid())
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		return len(entries)
	}
	before := count()
	for range 20 {
		_, err := r.Stat(self)
		require.NoError(t, err)
		_, err = r.Environ(self, "A")
		require.NoError(t, err)
		_, err = r.Listeners(self)
		require.NoError(t, err)
		require.NoError(t, r.Sockets(self, func(uint64) bool { return false }))
		require.NoError(t, r.PIDs(func(uint32) {}))
	}
	runtime.GC()
	assert.LessOrEqual(t, count(), before)
}

func TestReaderBoundsWhatItReads(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "proc/7/ns"), 0o755))
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(root, "proc/7", name), []byte(text), 0o644))
	}
	write("cmdline", "java\x00"+strings.Repeat("x", 4*commandLineLimit))
	write("stat", strings.Repeat("y", 4*statLimit))
	require.NoError(t, os.Symlink("net:[not a number]", filepath.Join(root, "proc/7/ns/net")))
	r := New(root)
	args, err := r.CommandLine(7)
	require.NoError(t, err)
	assert.Equal(t, "java", args[0])
	assert.Len(t, args[1], commandLineLimit-len("java\x00"))
	_, err = r.Stat(7)
	assert.ErrorIs(t, err, ErrMalformed)
	_, err = r.NetNS(7)
	assert.ErrorIs(t, err, ErrMalformed)
	assert.LessOrEqual(t, len(r.buf), 2*commandLineLimit)
}

func BenchmarkStat(b *testing.B) {
	r, self := New("/"), uint32(os.Getpid())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Stat(self); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkListeners(b *testing.B) {
	r, self := New("/"), uint32(os.Getpid())
	for b.Loop() {
		if _, err := r.Listeners(self); err != nil {
			b.Fatal(err)
		}
	}
}
