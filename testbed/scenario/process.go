package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// grace is how long a program may take to stop before it is killed.
const grace = 5 * time.Second

// process is a running program and all that it forks, in a process group and,
// where the kernel lets us, a cgroup of its own.
type process struct {
	name   string
	stop   syscall.Signal
	cmd    *exec.Cmd
	cgroup string // directory, empty if there is none
	log    string // file with its standard output and error
	done   chan struct{}
	err    error // of Wait; set before done is closed
}

// credential looks up whom to run as.
func credential(name string) (*syscall.Credential, error) {
	if name == "" {
		return nil, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", name, err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("user %s: %w", name, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// startProcess starts cmd. Its cgroup, if not empty, must exist.
func startProcess(name string, cmd *exec.Cmd, cgroup, log, stop string) (*process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer out.Close() // the child has its own
	cmd.Stdout, cmd.Stderr = out, out
	if cgroup != "" {
		dir, err := os.Open(cgroup)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", name, err)
		}
		defer dir.Close()
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(dir.Fd())
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, cgroup: cgroup, log: log, stop: signalNamed(stop), done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

func signalNamed(name string) syscall.Signal {
	switch name {
	case "INT":
		return syscall.SIGINT
	case "QUIT":
		return syscall.SIGQUIT
	}
	return syscall.SIGTERM
}

// close asks the program to stop, waits, and kills what is left of it.
func (p *process) close() error {
	_ = syscall.Kill(p.cmd.Process.Pid, p.stop) // it may have ended already
	select {
	case <-p.done:
	case <-time.After(grace):
	}
	p.kill()
	select {
	case <-p.done:
	case <-time.After(grace):
		return fmt.Errorf("stop %s: process %d does not end", p.name, p.cmd.Process.Pid)
	}
	return removeCgroup(p.cgroup)
}

// kill ends the whole group at once.
func (p *process) kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	if p.cgroup != "" {
		_ = os.WriteFile(filepath.Join(p.cgroup, "cgroup.kill"), []byte("1"), 0)
	}
}

// ended returns an error with the end of the log if the program is no more.
func (p *process) ended() error {
	select {
	case <-p.done:
		text, _ := os.ReadFile(p.log)
		return fmt.Errorf("%s ended early: %w\n%s", p.name, errors.Join(p.err, errEarly), tail(text, 30))
	default:
		return nil
	}
}

var errEarly = errors.New("not asked to")

// pids returns the processes in the cgroup, or the leader's alone if there is none.
func (p *process) pids() []int {
	text, err := os.ReadFile(filepath.Join(p.cgroup, "cgroup.procs"))
	if p.cgroup == "" || err != nil {
		return []int{p.cmd.Process.Pid}
	}
	var out []int
	for _, line := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(line); err == nil {
			out = append(out, pid)
		}
	}
	return out
}

// command runs args to their end, with their output in the error.
func command(ctx context.Context, env []string, dir string, cred *syscall.Credential, args []string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env, cmd.Dir = append(os.Environ(), env...), dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: cred}
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(args[0]), err, tail(text, 20))
	}
	return nil
}
