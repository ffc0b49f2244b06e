package target

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// machine is a root file system with processes in it, made of plain files.
type machine struct {
	t    testing.TB
	root string
}

func newMachine(t testing.TB) *machine {
	m := &machine{t, t.TempDir()}
	m.write("proc/stat", "cpu  1 2 3\nintr 7 0 0\nctxt 5\nbtime 1700000000\nprocesses 9\n")
	m.write("proc/sys/kernel/hostname", "box\n")
	m.write("proc/sys/kernel/random/boot_id", "32a12e14-43fe-4d16-a50c-cfe158633ba3\n")
	m.write("etc/machine-id", "3d1219c7c4c5404aaa1f6d2a48adfda4\n")
	m.write("etc/passwd", "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/:/bin/false\n")
	return m
}

// fakeProcess is what the files of a process say.
type fakeProcess struct {
	pid, parent uint32
	start       uint64
	image       uint64 // address of the stack
	state       string
	threads     int
	flags       int
	exe         string
	args        []string
	env         []string
	cgroup      string
	uid         int
	netns       int
	cwd         string
	tcp         string   // table of its network namespace
	sockets     []string // inodes
}

func (m *machine) write(name, text string) {
	m.t.Helper()
	path := filepath.Join(m.root, name)
	require.NoError(m.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(m.t, os.WriteFile(path, []byte(text), 0o644))
}

func (m *machine) link(name, to string) {
	m.t.Helper()
	path := filepath.Join(m.root, name)
	require.NoError(m.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(m.t, os.RemoveAll(path))
	require.NoError(m.t, os.Symlink(to, path))
}

// run makes the process, or makes it anew.
func (m *machine) run(p fakeProcess) {
	m.t.Helper()
	m.end(p.pid)
	dir := fmt.Sprintf("proc/%d/", p.pid)
	state, netns, threads, start := p.state, p.netns, p.threads, p.start
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
		start = 1000 + uint64(p.pid)
	}
	if p.image == 0 {
		p.image = 0x7ffc00000000 + uint64(p.pid)
	}
	if p.cgroup == "" {
		p.cgroup = "0::/\n"
	}
	m.write(dir+"stat", fmt.Sprintf("%d (%s) %s %d 1 1 0 -1 %d 1 0 0 0 0 0 0 0 20 0 %d 0 %d 1 1 1 %d 2 %d 0 0 0\n",
		p.pid, filepath.Base(p.exe), state, p.parent, p.flags, threads, start, p.image>>8, p.image))
	if p.exe != "" {
		m.link(dir+"exe", p.exe)
	}
	if p.args == nil {
		p.args = []string{p.exe}
	}
	m.write(dir+"cmdline", strings.Join(p.args, "\x00")+"\x00")
	m.write(dir+"environ", strings.Join(p.env, "\x00")+"\x00")
	m.write(dir+"cgroup", p.cgroup)
	m.write(dir+"status", fmt.Sprintf("Name:\tx\nUid:\t0\t%d\t%d\t%d\n", p.uid, p.uid, p.uid))
	m.link(dir+"ns/net", fmt.Sprintf("net:[%d]", netns))
	m.link(dir+"cwd", "/"+strings.TrimPrefix(p.cwd, "/"))
	m.write(dir+"net/tcp", tableHead+p.tcp)
	m.write(dir+"fd/0", "")
	for i, inode := range p.sockets {
		m.link(fmt.Sprintf("%sfd/%d", dir, i+3), "socket:["+inode+"]")
	}
}

func (m *machine) end(pid uint32) {
	m.t.Helper()
	require.NoError(m.t, os.RemoveAll(filepath.Join(m.root, "proc", fmt.Sprint(pid))))
}

const tableHead = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

// listenLine is a line of /proc/net/tcp for a listener at 127.0.0.1.
func listenLine(port int, inode string) string {
	return fmt.Sprintf("   0: 0100007F:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 %s 1 0 100 0 0 10 0\n", port, inode)
}

// record is a Sink that writes down what it is told.
type record struct {
	log   []string
	now   map[uint32]*Process
	fails int // so many calls of Add that fail
	// only says whose removal is of interest; nil: everybody's. On a real machine
	// other processes come and go, but never may one be added.
	only []uint32
}

func newRecord() *record { return &record{now: map[uint32]*Process{}} }

func (r *record) Add(p *Process) error {
	if r.fails > 0 {
		r.fails--
		r.log = append(r.log, fmt.Sprintf("fail %d", p.PID))
		return os.ErrPermission
	}
	r.log = append(r.log, fmt.Sprintf("add %d", p.PID))
	r.now[p.PID] = p
	return nil
}

func (r *record) Remove(pid uint32) {
	if r.only != nil && !slices.Contains(r.only, pid) {
		return
	}
	r.log = append(r.log, fmt.Sprintf("remove %d", pid))
	delete(r.now, pid)
}

// take returns what was written down since the last time.
func (r *record) take() []string {
	log := r.log
	r.log = nil
	return log
}

// track returns a Tracker of the machine that was never run: the test itself is
// its goroutine.
func (m *machine) track(sink Sink, config Config) *Tracker {
	m.t.Helper()
	t, err := New(&config, sink, &Options{Root: m.root, Self: 2})
	require.NoError(m.t, err)
	return t
}

// rules is the default configuration with rules.
func rules(include ...Rule) Config {
	config := NewConfig()
	config.Include = include
	return config
}

// get returns the value of a resource attribute.
func get(p *Process, key string) any {
	for _, attribute := range p.Resource {
		if attribute.Key == key {
			return attribute.Value
		}
	}
	return nil
}
