package distro

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/internal/netns"
)

// binaryDir names the folder that `make build` and `make build-slim` have filled.
// Unset, the tests build what they need, which takes minutes in a cold cache.
const binaryDir = "OTELCOL_BIN"

const (
	fullMain = "otelcol-custom"
	slimMain = "otelcol-custom-slim"
)

var building sync.Mutex

// binary returns the path of a built main package.
func binary(t *testing.T, name string) string {
	t.Helper()
	if dir := os.Getenv(binaryDir); dir != "" {
		path := filepath.Join(dir, name)
		require.FileExists(t, path, "%s is set: run make build build-slim first", binaryDir)
		return path
	}
	building.Lock()
	defer building.Unlock()
	dir, err := filepath.Abs(filepath.Join(root, "bin"))
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-tags", "grpcnotrace", "-o", dir+"/", "./"+name)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Setenv(binaryDir, dir) // for the same test in its namespace
	return filepath.Join(dir, name)
}

// running is a Collector that was started by a test.
type running struct {
	cmd *exec.Cmd
	log *lockedBuffer
}

// lockedBuffer is what the Collector has written so far.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// launch starts the Collector.
func launch(t *testing.T, path string, args ...string) *running {
	t.Helper()
	r := &running{cmd: exec.Command(path, args...), log: &lockedBuffer{}}
	r.cmd.Stdout, r.cmd.Stderr = r.log, r.log
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, r.cmd.Start())
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill() // a no-op after stop
		if t.Failed() {
			t.Logf("the Collector wrote:\n%s", r.log)
		}
	})
	return r
}

// healthy waits until health_check says that the Collector is ready.
func (r *running) healthy(t *testing.T, port int) {
	t.Helper()
	url := fmt.Sprintf("http://127.0.0.1:%d/", port)
	require.Eventually(t, func() bool {
		response, err := http.Get(url)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	}, time.Minute, 20*time.Millisecond, "not healthy")
}

// says waits until the Collector has written text.
func (r *running) says(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(r.log.String(), text) },
		time.Minute, 20*time.Millisecond, "never said %q", text)
}

// stop asks the Collector to end and checks that it does so in order.
func (r *running) stop(t *testing.T) {
	t.Helper()
	r.says(t, "Everything is ready")
	// Only after this word it asks for signals, and nothing tells when it has.
	time.Sleep(200 * time.Millisecond)
	require.NoError(t, r.cmd.Process.Signal(syscall.SIGTERM))
	done := make(chan error, 1)
	go func() { done <- r.cmd.Wait() }()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(time.Minute):
		t.Fatal("still running a minute after SIGTERM")
	}
	assert.Contains(t, r.log.String(), "Shutdown complete")
}

func validate(t *testing.T, path, config string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), path, "validate", "--config", config).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func TestTheOfficialConfigurationRunsUnchanged(t *testing.T) {
	path := binary(t, fullMain)
	netns.Run(t, func(t *testing.T) {
		const official = "testdata/official.yaml"
		validate(t, path, official)
		r := launch(t, path, "--config", official)
		r.healthy(t, 13133)
		r.stop(t)
		assert.NotContains(t, r.log.String(), "\terror\t")
	})
}
