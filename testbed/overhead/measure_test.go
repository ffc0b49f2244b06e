package overhead

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// binary is the Collector to measure, as for every test that needs one.
func binary(t *testing.T) string {
	path := os.Getenv("OTELCOL_BINARY")
	if path == "" {
		path = filepath.Join(repository, "bin", "otelcol-custom-slim")
	}
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	require.FileExists(t, path, "build it with make build-slim, or set OTELCOL_BINARY")
	return path
}

func TestARealProgramIsMeasured(t *testing.T) {
	root, err := filepath.Abs(repository)
	require.NoError(t, err)
	all, err := Workloads(root)
	require.NoError(t, err)
	chosen, err := Named(all, []string{"go-empty-1"})
	require.NoError(t, err)
	var progress strings.Builder
	r, err := Measure(t.Context(), chosen[0], Options{
		Root: root, Binary: binary(t), Turns: 1, Stretch: time.Second, Arms: Arms(), Where: true, Out: &progress, Earlier: binary(t),
	})
	require.NoError(t, err)
	assert.Contains(t, progress.String(), "go-empty-1, turn 1 of 1, beside: ")
	require.Len(t, r.Arms, 5)
	for _, arm := range r.Arms {
		assert.Greater(t, arm.Rate.Median, 100.0, arm.Arm)
		assert.Positive(t, arm.Target.Median, arm.Arm)
		switch arm.Arm {
		case Beside:
			assert.Zero(t, arm.Spans)
		case Traced, Sampled, Earlier:
			// Connections that open and close, processes that start: not quite one.
			assert.InDelta(t, 1, arm.Spans+arm.Lost, 0.05, "%s: %+v", arm.Arm, arm)
			// A read and a write; now and then net/http takes the first byte apart.
			assert.InDelta(t, 2.5, arm.Records, 0.6, arm.Arm)
			assert.Greater(t, arm.Bytes, 2*100.0, arm.Arm)
			assert.Positive(t, arm.Collector.Median, arm.Arm)
		}
		if arm.Arm != Off {
			assert.Greater(t, arm.Memory, 10.0, arm.Arm)
			assert.Greater(t, arm.Kernel, 8.0, arm.Arm)
		}
	}
	names := map[string]HookCost{}
	for _, h := range r.Where.Hooks {
		names[h.Name] = h
	}
	assert.Greater(t, names["sys_exit"].Runs, 1.9, "a read and a write at least")
	assert.Greater(t, names["sys_exit"].PerRun, 10.0)
}

func TestWhatCannotRunIsAnError(t *testing.T) {
	all, err := Workloads(repository)
	require.NoError(t, err)
	w := all[0]
	w.Spec.Services[0].Build.Go = ""
	w.Spec.Services[0].Run = []string{"/no/such/program"}
	_, err = Measure(t.Context(), w, Options{Root: repository, Turns: 1, Stretch: time.Second, Arms: Arms()})
	assert.ErrorContains(t, err, "/no/such/program")
}
