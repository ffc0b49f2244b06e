package unfit_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/collector"
	"github.com/otelcol-custom/otelcol-custom/testbed/e2e/rig"
)

func TestMain(m *testing.M) { rig.Main(m, nil) }

const config = `
receivers: {ebpf: {targets: {include: [{exe: none-of-this-name}]}}}
exporters: {debug: {}}
service: {pipelines: {traces: {receivers: [ebpf], exporters: [debug]}}}
`

// run runs the Collector below a command that takes something from it, and returns
// what it wrote and its exit status.
func run(t *testing.T, wrapper ...string) (output string, status int) {
	t.Helper()
	binary, err := collector.BinaryPath("")
	require.NoError(t, err)
	dir := open(t)
	path := filepath.Join(dir, "config.yaml")
	require.NoError(t, os.WriteFile(path, []byte(config), 0o644))
	// Another user may not come to where the binary is built.
	copied := filepath.Join(dir, "otelcol")
	require.NoError(t, exec.Command("cp", "--dereference", binary, copied).Run())
	require.NoError(t, os.Chmod(copied, 0o755))

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	text, err := exec.CommandContext(ctx, wrapper[0], append(wrapper[1:], copied, "--config", path)...).CombinedOutput()
	require.NoError(t, ctx.Err(), "it idles:\n%s", text)
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "%s", text)
	return string(text), exit.ExitCode()
}

// open returns a directory that every user can read.
func open(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	return dir
}

// Whoever starts the Collector where it may not trace is told so in one line, with
// what is missing and what to do, and gets an exit status.
func TestWhatIsMissingIsNamedInOneError(t *testing.T) {
	const remedy = "run as root, or with the capabilities BPF, PERFMON, SYS_PTRACE and DAC_READ_SEARCH"
	for name, tt := range map[string]struct {
		wrapper []string
		want    []string
	}{
		"another user": {
			[]string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"},
			[]string{"missing privileges (BPF, PERFMON, SYS_PTRACE, DAC_READ_SEARCH)", remedy},
		},
		"root without capabilities": {
			[]string{"setpriv", "--bounding-set=-all", "--inh-caps=-all"},
			[]string{"missing privileges (BPF, PERFMON, SYS_PTRACE, DAC_READ_SEARCH)", remedy},
		},
		"may load programs and see no process": {
			[]string{"setpriv", "--bounding-set=-all,+bpf,+perfmon", "--inh-caps=-all"},
			[]string{"missing privileges (SYS_PTRACE, DAC_READ_SEARCH)", remedy},
		},
		"a process namespace of its own": {
			[]string{"unshare", "--pid", "--fork", "--mount-proc"},
			[]string{"process namespace", "--pid=host", "hostPID: true"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			output, status := run(t, tt.wrapper...)
			assert.Equal(t, 1, status)
			assert.NotContains(t, output, "panic")
			assert.NotContains(t, output, "goroutine ")
			var errs []string
			for line := range strings.Lines(output) {
				if strings.HasPrefix(line, "Error: ") {
					errs = append(errs, line)
				}
			}
			require.Len(t, errs, 1, "%s", output)
			assert.Contains(t, errs[0], `"ebpf" receiver`)
			for _, want := range tt.want {
				assert.Contains(t, errs[0], want)
			}
			assert.Less(t, len(errs[0]), 400, "one clear error")
		})
	}
}

// The four capabilities that the error asks for are enough, without root.
func TestTheNamedCapabilitiesAreEnough(t *testing.T) {
	binary, err := collector.BinaryPath("")
	require.NoError(t, err)
	dir := open(t)
	const caps = "-all,+bpf,+perfmon,+sys_ptrace,+dac_read_search"
	wrapper := filepath.Join(dir, "otelcol")
	script := fmt.Sprintf("#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=%[1]s --ambient-caps=%[1]s --bounding-set=%[1]s %[2]s \"$@\"\n", caps, binary)
	require.NoError(t, os.WriteFile(wrapper, []byte(script), 0o755))

	backend := rig.StartBackend(t)
	gateway := rig.StartPython(t, "gateway.py", "UPSTREAM="+backend.Address)
	r := rig.Start(t, rig.Options{PIDs: []int{gateway.PID}, Binary: wrapper})
	log := rig.Ask(t, gateway.Address, 1, 4, 50)
	c := r.Settle(t, 0)
	spans := r.Spans()
	spans.Sound(t)
	c.Balanced(t, len(spans))
	assert.Equal(t, 100, len(spans))
	assert.Zero(t, spans.Score(rig.Measured(log)).Unseen)
	for _, span := range spans {
		assert.Equal(t, "gateway", span.Service, "read from the environment of another user's process")
	}
}
