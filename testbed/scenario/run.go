package scenario

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startTimeout is how long one service may take until its port is open and its
// setup has succeeded.
const startTimeout = 60 * time.Second

// Hooks are called in the course of a run. Each may be nil; an error ends the run.
type Hooks struct {
	// Starting is called when directories, ports, hosts and cgroups exist and
	// nothing runs yet: Targets names cgroups but no processes.
	Starting func(context.Context, *Live) error
	// Started is called when every service is ready and nothing has been asked.
	Started func(context.Context, *Live) error
	// Stopping is called before the first service is stopped.
	Stopping func(context.Context, *Live) error
}

// Options say how to run a scenario.
type Options struct {
	Root    string // of the repository
	Dir     string // to make the run's directory in; empty: the system's
	Install bool   // install Debian packages that are missing
	Keep    bool   // keep the run's directory even if all goes well
	Seed    uint64 // of delays
	Out     io.Writer
	Hooks   Hooks
}

// Target is a service that is to be traced.
type Target struct {
	Service   string
	Host      string // empty: this machine's own network
	Namespace string // of the network, if Host is not empty
	Cgroup    string // directory; every process of the service is born in it
	PIDs      []int  // at the time of asking; the first is the leader
}

// Live is a scenario with its services running. Close it.
type Live struct {
	Spec *Spec
	Dir  string

	opts      Options
	layout    layout
	hosts     *hosts
	cgroups   map[string]string
	processes []*process
	failed    bool
}

// Start brings up the services of s one after the other and returns when the
// last one is ready. If one fails everything is stopped, the directory with
// the logs is kept and named in the error.
func Start(ctx context.Context, s *Spec, opts Options) (*Live, error) {
	if opts.Out == nil {
		opts.Out = io.Discard
	}
	if err := prepare(ctx, s, &opts); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(opts.Dir, "testbed-"+s.Name+"-")
	if err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	l := &Live{Spec: s, Dir: dir, opts: opts, cgroups: map[string]string{}}
	if err := l.start(ctx); err != nil {
		l.failed = true
		return nil, errors.Join(fmt.Errorf("start %s (logs in %s): %w", s.Name, dir, err), l.Close(ctx))
	}
	return l, nil
}

func prepare(ctx context.Context, s *Spec, opts *Options) error {
	missing, err := Missing(ctx, s.Packages())
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		if !opts.Install {
			return fmt.Errorf("%s needs Debian packages: %s", s.Name, strings.Join(missing, " "))
		}
		if err := Install(ctx, missing, opts.Out); err != nil {
			return err
		}
	}
	for i := range s.Services {
		if err := s.Services[i].Build.run(ctx, opts.Root, opts.Out); err != nil {
			return err
		}
	}
	return nil
}

func (l *Live) start(ctx context.Context) error {
	if err := l.lay(ctx); err != nil {
		return err
	}
	if hook := l.opts.Hooks.Starting; hook != nil {
		if err := hook(ctx, l); err != nil {
			return fmt.Errorf("before the start: %w", err)
		}
	}
	for i := range l.Spec.Services {
		if err := l.startService(ctx, &l.Spec.Services[i]); err != nil {
			return err
		}
	}
	if hook := l.opts.Hooks.Started; hook != nil {
		if err := hook(ctx, l); err != nil {
			return fmt.Errorf("after the start: %w", err)
		}
	}
	return nil
}

// lay makes everything that services are put into.
func (l *Live) lay(ctx context.Context) (err error) {
	// Services that run as other users must get to their directories.
	if err := os.Chmod(l.Dir, 0o755); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	l.layout = layout{
		root: l.opts.Root, dir: l.Dir, pool: l.Spec.Pool, seed: l.opts.Seed,
		address: map[string]string{},
	}
	if l.hosts, err = makeHosts(ctx, l.Spec.Hosts); err != nil {
		return err
	}
	if l.layout.ports, err = l.Spec.allocate(); err != nil {
		return err
	}
	for _, s := range l.Spec.Services {
		l.layout.address[s.Name] = l.hosts.address(s.Host)
		if err := l.makeDir(&s); err != nil {
			return err
		}
		if l.cgroups[s.Name], err = makeCgroup(filepath.Base(l.Dir), s.Name); err != nil {
			return err
		}
	}
	return nil
}

func (l *Live) makeDir(s *Service) error {
	dir := l.layout.serviceDir(s.Name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	cred, err := credential(s.User)
	if err != nil || cred == nil {
		return err
	}
	return os.Chown(dir, int(cred.Uid), int(cred.Gid))
}

// allocate gives a port to every service and to each of its further names.
func (s *Spec) allocate() (map[string]int, error) {
	var names []string
	for _, svc := range s.Services {
		names = append(append(names, svc.Name), svc.Ports...)
	}
	ports, err := freePorts(len(names))
	if err != nil {
		return nil, err
	}
	out := make(map[string]int, len(names))
	for i, name := range names {
		out[name] = ports[i]
	}
	return out, nil
}

// freePorts returns n ports that nothing listened on a moment ago.
func freePorts(n int) ([]int, error) {
	var out []int
	for range n {
		l, err := net.Listen("tcp4", "0.0.0.0:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close() // at the end: no port is given twice
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out, nil
}

func (l *Live) startService(ctx context.Context, s *Service) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	env, err := l.environment(s)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	cred, err := credential(s.User)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	dir := l.layout.serviceDir(s.Name)
	for _, args := range s.Prepare {
		if args, err = l.layout.renderAll(s, args); err == nil {
			err = command(ctx, env, dir, cred, args)
		}
		if err != nil {
			return fmt.Errorf("%s: prepare: %w", s.Name, err)
		}
	}
	args, err := l.layout.renderAll(s, s.Run)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	// Not CommandContext: the process outlives ctx, and ends in Close.
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env, cmd.Dir = append(os.Environ(), env...), dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: cred}
	l.hosts.enter(cmd, s.Host)
	p, err := startProcess(s.Name, cmd, l.cgroups[s.Name], filepath.Join(l.Dir, s.Name+".log"), s.Stop)
	if err != nil {
		return err
	}
	l.processes = append(l.processes, p)
	return l.await(ctx, s, p, env, cred)
}

func (l *Live) environment(s *Service) ([]string, error) {
	env, err := l.layout.environment(s)
	if err != nil {
		return nil, err
	}
	for from, to := range s.Files {
		text, err := os.ReadFile(filepath.Join(programs(l.opts.Root), from))
		if err != nil {
			return nil, err
		}
		out, err := l.layout.render(s, string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", from, err)
		}
		if err := os.WriteFile(filepath.Join(l.layout.serviceDir(s.Name), to), []byte(out), 0o644); err != nil {
			return nil, err
		}
	}
	return env, nil
}

// await returns when the port of s is open and its setup has succeeded.
func (l *Live) await(ctx context.Context, s *Service, p *process, env []string, cred *syscall.Credential) error {
	open := func() error {
		c, err := net.DialTimeout("tcp", l.layout.addr(s.Name), time.Second)
		if err != nil {
			return err
		}
		return c.Close()
	}
	if err := retry(ctx, p, open); err != nil {
		return fmt.Errorf("%s: port does not open: %w", s.Name, err)
	}
	for _, args := range s.Setup {
		args, err := l.layout.renderAll(s, args)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		err = retry(ctx, p, func() error {
			return command(ctx, env, l.layout.serviceDir(s.Name), cred, args)
		})
		if err != nil {
			return fmt.Errorf("%s: setup: %w", s.Name, err)
		}
	}
	return nil
}

// retry calls f until it succeeds, p has ended or ctx is done.
func retry(ctx context.Context, p *process, f func() error) error {
	for {
		err := f()
		if err == nil {
			return nil
		}
		if ended := p.ended(); ended != nil {
			return ended
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Address returns host:port of the service called name.
func (l *Live) Address(name string) string { return l.layout.addr(name) }

// Targets returns the services that are to be traced.
func (l *Live) Targets() []Target {
	var out []Target
	for _, s := range l.Spec.Services {
		if !s.Target {
			continue
		}
		t := Target{Service: s.Name, Host: s.Host, Namespace: l.hosts.namespace(s.Host), Cgroup: l.cgroups[s.Name]}
		for _, p := range l.processes {
			if p.name == s.Name {
				t.PIDs = p.pids()
			}
		}
		out = append(out, t)
	}
	return out
}

// Close stops the services, the last one first, and removes hosts, cgroups and
// the directory, which it keeps after a failure and if Options.Keep is set.
func (l *Live) Close(ctx context.Context) error {
	var errs []error
	if hook := l.opts.Hooks.Stopping; hook != nil && !l.failed {
		errs = append(errs, hook(ctx, l))
	}
	errs = append(errs, l.stop())
	if errors.Join(errs...) == nil && !l.failed && !l.opts.Keep {
		errs = append(errs, os.RemoveAll(l.Dir))
	}
	return errors.Join(errs...)
}

func (l *Live) stop() error {
	var errs []error
	for i := len(l.processes) - 1; i >= 0; i-- {
		errs = append(errs, l.processes[i].close())
	}
	l.processes = nil
	for _, dir := range l.cgroups {
		errs = append(errs, removeCgroup(dir)) // of services that never started
	}
	if l.hosts != nil {
		errs = append(errs, l.hosts.close())
		l.hosts = nil
	}
	return errors.Join(errs...)
}

func readInt(text string) (int, error) { return strconv.Atoi(strings.TrimSpace(text)) }
