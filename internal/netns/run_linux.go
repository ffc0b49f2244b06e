package netns

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

const marker = "OTELCOL_TEST_NETNS"

// Run runs body in a new network namespace that has nothing but a loopback
// device. It starts the test's own binary again for this one test, since a
// namespace belongs to threads and a Go test is on many. Needs root, or a kernel
// that lets anyone make user namespaces. Call it first in the test function; all
// else goes into body.
func Run(t *testing.T, body func(t *testing.T)) {
	t.Helper()
	if os.Getenv(marker) == t.Name() {
		require.NoError(t, LoopbackUp())
		body(t)
		return
	}
	cmd := again(t)
	cmd.SysProcAttr = namespace()
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "in its own network namespace:\n%s", out)
	require.Contains(t, string(out), "--- PASS: "+t.Name(), "the test did not run:\n%s", out)
	t.Logf("%s", out)
}

// again is this test alone, in a new process that knows it is the second.
func again(t *testing.T) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run="+pattern(t.Name()), "-test.v", "-test.count=1")
	cmd.Env = append(os.Environ(), marker+"="+t.Name())
	return cmd
}

// pattern matches the test called name alone.
func pattern(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}

func namespace() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if uid := os.Getuid(); uid != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return attr
}
