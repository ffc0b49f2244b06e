// Package procfstest makes file systems with a /proc in them, for tests of what
// reads it.
package procfstest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Machine is a root file system with processes in it, made of plain files.
type Machine struct {
	t    testing.TB
	Root string
}

// New returns a machine without processes, that was booted in 2023.
func New(t testing.TB) *Machine {
	m := &Machine{t, t.TempDir()}
	m.Write("proc/stat", "cpu  1 2 3\nintr 7 0 0\nctxt 5\nbtime 1700000000\nprocesses 9\n")
	m.Write("proc/sys/kernel/hostname", "box\n")
	m.Write("proc/sys/kernel/random/boot_id", "32a12e14-43fe-4d16-a50c-cfe158633ba3\n")
	m.Write("etc/machine-id", "3d1219c7c4c5404aaa1f6d2a48adfda4\n")
	m.Write("etc/passwd", "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/:/bin/false\n")
	return m
}

// Process is what the files of a process say.
type Process struct {
	PID, Parent uint32
	Start       uint64 // default: 1000 more than PID
	Image       uint64 // address of the stack; default: one of its own
	State       string // default S
	Threads     int    // default 1
	Flags       int
	Exe         string
	Args        []string // default: Exe
	Env         []string
	Cgroup      string // the file; default: the root
	UID         int
	NetNS       int      // default: that of most
	Directory   string   // working directory
	TCP         string   // lines of the table of its network namespace
	Sockets     []string // inodes
}

// Write makes a file with this text.
func (m *Machine) Write(name, text string) {
	m.t.Helper()
	path := filepath.Join(m.Root, name)
	require.NoError(m.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(m.t, os.WriteFile(path, []byte(text), 0o644))
}

// Link makes a symbolic link, in place of another one.
func (m *Machine) Link(name, to string) {
	m.t.Helper()
	path := filepath.Join(m.Root, name)
	require.NoError(m.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(m.t, os.RemoveAll(path))
	require.NoError(m.t, os.Symlink(to, path))
}

// Run makes the process, or makes it anew.
func (m *Machine) Run(p Process) {
	m.t.Helper()
	m.End(p.PID)
	dir := fmt.Sprintf("proc/%d/", p.PID)
	state, netns, threads, start := p.State, p.NetNS, p.Threads, p.Start
	if state == "" {
		state = "S"
	}
	if netns == 0 {
		netns = 4026531840
	}
	if threads == 0 {
		threads = 1
	}
	if start == 0 {
		start = 1000 + uint64(p.PID)
	}
	if p.Image == 0 {
		p.Image = 0x7ffc00000000 + uint64(p.PID)
	}
	if p.Cgroup == "" {
		p.Cgroup = "0::/\n"
	}
	m.Write(dir+"stat", fmt.Sprintf("%d (%s) %s %d 1 1 0 -1 %d 1 0 0 0 0 0 0 0 20 0 %d 0 %d 1 1 1 %d 2 %d 0 0 0\n",
		p.PID, filepath.Base(p.Exe), state, p.Parent, p.Flags, threads, start, p.Image>>8, p.Image))
	if p.Exe != "" {
		m.Link(dir+"exe", p.Exe)
	}
	if p.Args == nil {
		p.Args = []string{p.Exe}
	}
	m.Write(dir+"cmdline", strings.Join(p.Args, "\x00")+"\x00")
	m.Write(dir+"environ", strings.Join(p.Env, "\x00")+"\x00")
	m.Write(dir+"cgroup", p.Cgroup)
	m.Write(dir+"status", fmt.Sprintf("Name:\tx\nUid:\t0\t%d\t%d\t%d\n", p.UID, p.UID, p.UID))
	m.Link(dir+"ns/net", fmt.Sprintf("net:[%d]", netns))
	m.Link(dir+"cwd", "/"+strings.TrimPrefix(p.Directory, "/"))
	m.Write(dir+"net/tcp", TableHead+p.TCP)
	m.Write(dir+"fd/0", "")
	for i, inode := range p.Sockets {
		m.Link(fmt.Sprintf("%sfd/%d", dir, i+3), "socket:["+inode+"]")
	}
}

// End removes a process, if it is there.
func (m *Machine) End(pid uint32) {
	m.t.Helper()
	require.NoError(m.t, os.RemoveAll(filepath.Join(m.Root, "proc", fmt.Sprint(pid))))
}

// TableHead is the first line of a table of sockets.
const TableHead = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

// ListenLine is a line of /proc/net/tcp for a listener at 127.0.0.1.
func ListenLine(port int, inode string) string {
	return fmt.Sprintf("   0: 0100007F:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 %s 1 0 100 0 0 10 0\n", port, inode)
}
