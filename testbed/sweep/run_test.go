package sweep_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/recorder"
	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
	"github.com/otelcol-custom/otelcol-custom/testbed/sweep"
)

// options sweep little, with a Collector that is not there.
func options(t *testing.T, out *strings.Builder) sweep.Options {
	t.Helper()
	loads, err := sweep.Named("c1,c8")
	require.NoError(t, err)
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	return sweep.Options{
		Recorder: recorder.Options{Binary: "no-such-collector", Scenario: scenario.Options{Root: root, Dir: t.TempDir()}},
		Loads:    loads, Seed: 1, Dir: t.TempDir(), Out: out,
	}
}

func specs(t *testing.T, names ...string) (all []*scenario.Spec) {
	t.Helper()
	for _, name := range names {
		s, err := scenario.Load("../..", name)
		require.NoError(t, err)
		all = append(all, s)
	}
	return all
}

func TestACellThatCannotRunSaysWhyAndTheRestGoesOn(t *testing.T) {
	var out strings.Builder
	broken := specs(t, "go-direct")
	broken[0].Services[0].Packages = []string{"no-such-package"}
	cells, err := sweep.Run(t.Context(), append(broken, specs(t, "go-direct")...), options(t, &out))
	require.NoError(t, err)
	require.Len(t, cells, 4)
	assert.Contains(t, cells[1].Error, "no-such-package")
	assert.Contains(t, cells[2].Error, "no Collector binary")
	assert.Contains(t, out.String(), "[4/4] go-direct")
	assert.Contains(t, out.String(), "COULD NOT RUN: no Collector binary")
}

func TestASweepThatIsResumedKeepsWhatRan(t *testing.T) {
	var out strings.Builder
	o := options(t, &out)
	o.Resume = true
	kept := `{"scenario":"go-direct","group":"go","load":"c8","live":{"requests":7}}`
	require.NoError(t, os.WriteFile(filepath.Join(o.Dir, "go-direct-c8.json"), []byte(kept), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(o.Dir, "go-direct-c1.json"), []byte(`{"error":"once"}`), 0o644))
	cells, err := sweep.Run(t.Context(), specs(t, "go-direct"), o)
	require.NoError(t, err)
	assert.Equal(t, 7, cells[1].Live.Requests)
	assert.Contains(t, cells[0].Error, "no Collector binary", "what could not run is tried again")
	assert.Contains(t, out.String(), "[1/1] go-direct")

	require.NoError(t, os.WriteFile(filepath.Join(o.Dir, "go-direct-c8.json"), []byte(`{`), 0o644))
	_, err = sweep.Run(t.Context(), specs(t, "go-direct"), o)
	assert.ErrorContains(t, err, "go-direct-c8")
}

func TestASweepEndsWhenItIsTold(t *testing.T) {
	var out strings.Builder
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := sweep.Run(ctx, specs(t, "go-direct"), options(t, &out))
	assert.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, out.String())
}

func TestCellsForWhichThereIsNoTimeSaySo(t *testing.T) {
	var out strings.Builder
	o := options(t, &out)
	o.Within = 1
	cells, err := sweep.Run(t.Context(), specs(t, "go-direct"), o)
	require.NoError(t, err)
	require.Len(t, cells, 2)
	for _, c := range cells {
		assert.Contains(t, c.Error, "no time left")
	}
}
