package scenario_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/load"
	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
)

// lean returns a scenario whose only program is a delay server, which makes no
// calls: for what does not need a real one.
func lean(t *testing.T) *scenario.Spec {
	s, err := scenario.Load(repository, "c-pool")
	require.NoError(t, err)
	app := *s.Service("delay")
	app.Target = true
	return &scenario.Spec{
		Name: "lean", Title: "t", Group: "g", Capacity: 1, Pool: 3,
		Services: []scenario.Service{app},
		Entry: scenario.Entry{Service: "delay", Classes: []scenario.Class{
			{Name: "work", Weight: 1, Path: "/b1?id={id}", Calls: map[string]int{"/b1": 1}},
		}},
	}
}

func options(t *testing.T) scenario.Options {
	dir := t.TempDir()
	// Databases run as users of their own, who must get to their directories.
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	return scenario.Options{Root: absolute(t), Dir: dir, Seed: 1}
}

func absolute(t *testing.T) string {
	root, err := filepath.Abs(repository)
	require.NoError(t, err)
	return root
}

// script makes the service run a shell script, which opens no port.
func script(s *scenario.Service, text string) {
	s.Build, s.Witness = scenario.Build{}, scenario.Witness{}
	s.Run = []string{"/bin/sh", "-c", text}
}

func run(t *testing.T, s *scenario.Spec, o scenario.Options) (*scenario.Report, error) {
	live, err := scenario.Start(t.Context(), s, o)
	if err != nil {
		return nil, err
	}
	defer func() { assert.NoError(t, live.Close(context.Background())) }()
	res, err := live.Load(t.Context(), load.Plan{InFlight: 4, Warm: 4, Requests: 40, Seed: 1})
	require.NoError(t, err)
	require.NoError(t, live.Drain(t.Context(), res.Log))
	return live.Verify(t.Context(), res.Log)
}

// alive reports whether pid runs. One that is dead may wait for its parent, which
// is not ours, to notice.
func alive(pid int) bool {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && !strings.Contains(string(text), ") Z ")
}

func TestEveryCallIsAccountedFor(t *testing.T) {
	r, err := run(t, lean(t), options(t))
	require.NoError(t, err)
	assert.Equal(t, &scenario.Report{Requests: 44, Calls: 44}, r)
	assert.True(t, r.OK())
}

func TestCallsThatAreNotAsTheyShouldBeAreFound(t *testing.T) {
	s := lean(t)
	s.Entry.Classes[0].Calls = map[string]int{"/b1": 2, "/b2": 1}
	s.Entry.Classes[0].Path = "/b1?id={id}"
	r, err := run(t, s, options(t))
	require.NoError(t, err)
	assert.Equal(t, 88, r.Missing)
	assert.False(t, r.OK())
	assert.Len(t, r.Examples, 5)

	s.Entry.Classes[0].Calls = nil
	r, err = run(t, s, options(t))
	require.NoError(t, err)
	assert.Equal(t, 44, r.Extra)
	assert.False(t, r.OK())
}

func TestHooksSeeTheTargets(t *testing.T) {
	var steps []string
	o := options(t)
	note := func(step string, pids int) func(context.Context, *scenario.Live) error {
		return func(_ context.Context, l *scenario.Live) error {
			steps = append(steps, step)
			targets := l.Targets()
			require.Len(t, targets, 1)
			assert.Equal(t, "delay", targets[0].Service)
			assert.Len(t, targets[0].PIDs, pids)
			if targets[0].Cgroup != "" {
				assert.DirExists(t, targets[0].Cgroup, "it exists before the first process does")
			}
			return nil
		}
	}
	o.Hooks = scenario.Hooks{Starting: note("starting", 0), Started: note("started", 1), Stopping: note("stopping", 1)}
	_, err := run(t, lean(t), o)
	require.NoError(t, err)
	assert.Equal(t, []string{"starting", "started", "stopping"}, steps)
}

func TestAHookThatFailsEndsTheRun(t *testing.T) {
	failure := errors.New("no agent")
	fail := func(context.Context, *scenario.Live) error { return failure }
	for _, hooks := range []scenario.Hooks{{Starting: fail}, {Started: fail}} {
		o := options(t)
		o.Hooks = hooks
		_, err := scenario.Start(t.Context(), lean(t), o)
		assert.ErrorIs(t, err, failure)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	o := options(t)
	var pids []int
	var cgroup string
	o.Hooks.Started = func(_ context.Context, l *scenario.Live) error {
		pids, cgroup = l.Targets()[0].PIDs, l.Targets()[0].Cgroup
		return nil
	}
	_, err := run(t, lean(t), o)
	require.NoError(t, err)
	for _, pid := range pids {
		assert.False(t, alive(pid))
	}
	if cgroup != "" {
		assert.NoDirExists(t, cgroup)
	}
	left, err := os.ReadDir(o.Dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// What a program starts and lets go of is in its cgroup still.
func TestADaemonThatEscapesItsGroupIsStoppedToo(t *testing.T) {
	s := lean(t)
	o := options(t)
	daemon := s.Services[0]
	daemon.Name, daemon.Target = "daemon", false
	script(&daemon, `setsid sleep 1000 & echo $! > pid; exec python3 -m http.server --bind 127.0.0.1 "$PORT"`)
	s.Services = append(s.Services, daemon)
	var pid int
	o.Hooks.Started = func(_ context.Context, l *scenario.Live) error {
		text, err := os.ReadFile(filepath.Join(l.Dir, "daemon", "pid"))
		if err == nil {
			pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
		}
		return err
	}
	_, err := run(t, s, o)
	require.NoError(t, err)
	require.NotZero(t, pid)
	assert.False(t, alive(pid))
}

func TestAProgramThatEndsEarlyKeepsItsLogs(t *testing.T) {
	s := lean(t)
	script(&s.Services[0], "echo out of coffee >&2; exit 3")
	o := options(t)
	_, err := scenario.Start(t.Context(), s, o)
	require.ErrorContains(t, err, "out of coffee")
	assert.ErrorContains(t, err, "exit status 3")
	logs, globErr := filepath.Glob(filepath.Join(o.Dir, "*", "delay.log"))
	require.NoError(t, globErr)
	require.Len(t, logs, 1)
	assert.ErrorContains(t, err, filepath.Dir(logs[0]))
}

func TestWhatCannotBeStartedIsAnError(t *testing.T) {
	for want, change := range map[string]func(*scenario.Service){
		"no-such-program":   func(s *scenario.Service) { s.Run = []string{"/no-such-program"} },
		"user no-such-user": func(s *scenario.Service) { s.User = "no-such-user" },
		"prepare: false":    func(s *scenario.Service) { s.Prepare = [][]string{{"false"}} },
		`no service "mars"`: func(s *scenario.Service) { s.Run = []string{"{{port `mars`}}"} },
		"template":          func(s *scenario.Service) { s.Run = []string{"{{"} },
		"env X":             func(s *scenario.Service) { s.Env = map[string]string{"X": "{{glob `/no/such/*`}}"} },
		"no-such.conf":      func(s *scenario.Service) { s.Files = map[string]string{"no-such.conf": "x"} },
		"no-such-package":   func(s *scenario.Service) { s.Packages = []string{"no-such-package"} },
		"build no-such":     func(s *scenario.Service) { s.Build = scenario.Build{C: "no-such.c"} },
	} {
		t.Run(want, func(t *testing.T) {
			s := lean(t)
			change(&s.Services[0])
			_, err := scenario.Start(t.Context(), s, options(t))
			assert.ErrorContains(t, err, want)
		})
	}
}

func TestSetupIsRepeatedUntilItSucceeds(t *testing.T) {
	s := lean(t)
	s.Services[0].Setup = [][]string{{"/bin/sh", "-c", `echo x >> "$DIR/tries"; test "$(wc -l < "$DIR/tries")" = 3`}}
	o := options(t)
	o.Hooks.Started = func(_ context.Context, l *scenario.Live) error {
		text, err := os.ReadFile(filepath.Join(l.Dir, "delay", "tries"))
		assert.Equal(t, "x\nx\nx\n", string(text))
		return err
	}
	_, err := run(t, s, o)
	require.NoError(t, err)
}

func TestProgramsAreToldWhereEverythingIs(t *testing.T) {
	s := lean(t)
	s.Services[0].Ports = []string{"delay-admin"}
	s.Services[0].Env = map[string]string{"EXTRA": "{{pool}} {{seed}} {{dir}}"}
	s.Services[0].Setup = [][]string{{"/bin/sh", "-c", `env > "$DIR/env"`}}
	o := options(t)
	o.Hooks.Started = func(_ context.Context, l *scenario.Live) error {
		text, err := os.ReadFile(filepath.Join(l.Dir, "delay", "env"))
		_, port, splitErr := net.SplitHostPort(l.Address("delay"))
		require.NoError(t, splitErr)
		dir := filepath.Join(l.Dir, "delay")
		for _, want := range []string{
			"PORT=" + port, "LISTEN=127.0.0.1:" + port, "DELAY_ADDR=127.0.0.1:" + port, "DELAY_PORT=" + port,
			"DELAY_HOST=127.0.0.1", "POOL=3", "DIR=" + dir, "EXTRA=3 1 " + dir,
		} {
			assert.Contains(t, strings.Split(string(text), "\n"), want)
		}
		assert.Contains(t, string(text), "DELAY_ADMIN_PORT=")
		return err
	}
	_, err := run(t, s, o)
	require.NoError(t, err)
}

func TestARunIsKeptIfAsked(t *testing.T) {
	o := options(t)
	o.Keep = true
	_, err := run(t, lean(t), o)
	require.NoError(t, err)
	for _, name := range []string{scenario.RequestLog, "delay.log", "delay/" + scenario.CallLog} {
		found, err := filepath.Glob(filepath.Join(o.Dir, "*", name))
		require.NoError(t, err)
		assert.Len(t, found, 1, name)
	}
}
