package rig

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/collector"
	"github.com/otelcol-custom/otelcol-custom/testbed/load"
	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// LoadSpec reads a scenario of the catalog.
func LoadSpec(t testing.TB, name string) *scenario.Spec {
	t.Helper()
	s, err := scenario.Load(Root(t), name)
	require.NoError(t, err)
	return s
}

// Root is the folder of the module.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := collector.ModuleRoot()
	require.NoError(t, err)
	return dir
}

// StartScenario brings up the services of a scenario until the test ends,
// installing Debian packages that are missing.
func StartScenario(t testing.TB, s *scenario.Spec) *scenario.Live {
	t.Helper()
	dir := t.TempDir()
	// Databases run as users of their own, who must get to their directories.
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	live, err := scenario.Start(t.Context(), s, scenario.Options{Root: Root(t), Dir: dir, Seed: 1, Install: true, Out: os.Stderr})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, live.Close(context.Background())) })
	return live
}

// PIDsOf are the processes that a scenario wants traced.
func PIDsOf(live *scenario.Live) []int {
	var out []int
	for _, target := range live.Targets() {
		out = append(out, target.PIDs...)
	}
	return out
}

// Load sends a plan's requests, demands that each is answered, and waits for the
// work that goes on after the reply. It returns the log, warm-up included.
func Load(t testing.TB, live *scenario.Live, plan load.Plan) []truth.Request {
	t.Helper()
	result, err := live.Load(t.Context(), plan)
	require.NoError(t, err)
	require.Empty(t, result.Failures)
	require.NoError(t, live.Drain(t.Context(), result.Log))
	return result.Log
}

// Measured returns the tokens of the requests of a log that are not of its warm-up.
func Measured(log []truth.Request) map[truth.Token]bool {
	out := map[truth.Token]bool{}
	for _, r := range log {
		if r.Phase == truth.PhaseRun {
			out[r.Token] = true
		}
	}
	return out
}
