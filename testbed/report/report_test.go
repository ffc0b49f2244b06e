package report_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/report"
	"github.com/otelcol-custom/otelcol-custom/testbed/score"
	"github.com/otelcol-custom/otelcol-custom/testbed/sweep"
)

// result is the score of calls found, wrong and without a parent.
func result(right, wrong, orphan int) *score.Result {
	c := score.Count{Right: right, Wrong: wrong, Orphan: orphan}
	return &score.Result{
		Calls: c, Recall: c.Recall(), WrongRate: c.WrongShare(), Traces: 100, TracesRight: 80, TraceRate: score.NewShare(80, 100), Misplaced: 3,
		Release: &score.Release{P50: 120, P99: 480},
		Claims:  map[string][]score.Bin{"reply": {{Low: 0.999, Links: right + wrong, Right: right, Claimed: 0.9999}}},
	}
}

func cells() []*sweep.Cell {
	return []*sweep.Cell{
		{
			Scenario: "app", Group: "go", Load: "c64", Traffic: &sweep.Traffic{Rate: 512},
			Live: result(90, 4, 6), Replayed: result(91, 4, 5), Differ: 1, Released: 200,
			First:   &sweep.Outcome{Calls: score.Count{Right: 30, Wrong: 1, Orphan: 9}},
			Rivals:  map[string]sweep.Outcome{"fcfs": {Calls: score.Count{Right: 30, Wrong: 70}}},
			Without: map[string]sweep.Outcome{"reply": {Calls: score.Count{Right: 41, Wrong: 4, Orphan: 55}, Traces: 100, Right: 30}},
		},
		{Scenario: "broken", Group: "java", Load: "c8", Error: "needs Debian packages:\n a | b"},
	}
}

func TestTheReportTellsWhatWasFound(t *testing.T) {
	text := report.Document(report.About{Date: "2026-01-02", Machine: "2 cores", Commit: "abc"}, cells())
	for _, want := range []string{
		"2026-01-02, 2 cores, commit abc. 2 cells of 2 scenarios.",
		"| broken | c8 | **no** | needs Debian packages: a \\| b |",
		"| java | broken | c8 | could not run, see above |",
		"| go | app | c64 | 512 | 100 | 90.0 [82.6, 94.5] | 4.0 [1.6, 9.8] | 6.0 | 100 | 80.0 [71.1, 86.7] | 3 | 120 / 480 | 75.0 / 2.5 |",
		"| stitch | – / – | 90.0 / 4.0 |",
		"| fcfs | – / – | 30.0 / 70.0 |",
		"| reply | -50.00 | +0.00 | +50.00 | -50.00 | app c64: -50.0 |",
		"| reply | 0.999 | 94 | 99.99 | 95.7 [89.6, 98.3] | too bold |",
		"another parent than the Collector did for 1 of 200 spans in 1 cells",
		"| app | c64 | 1 | 200 | 90.0 | 91.0 |",
	} {
		assert.Contains(t, text, want)
	}
}

func TestASweepWithoutFailuresSaysSo(t *testing.T) {
	text := report.Document(report.About{}, cells()[:1])
	assert.Contains(t, text, "Every cell ran")
	assert.NotContains(t, text, "could not run")
}

func TestTheReportIsWrittenWithNumbersAndPlots(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, report.Write(dir, report.About{Commit: "abc"}, cells()))
	text, err := os.ReadFile(filepath.Join(dir, "accuracy", "results.json"))
	require.NoError(t, err)
	var kept struct {
		About report.About
		Cells []sweep.Cell
	}
	require.NoError(t, json.Unmarshal(text, &kept))
	assert.Equal(t, "abc", kept.About.Commit)
	require.Len(t, kept.Cells, 2)
	assert.Equal(t, 90, kept.Cells[0].Live.Calls.Right)
	for _, name := range []string{"recall.svg", "wrong.svg"} {
		svg, err := os.ReadFile(filepath.Join(dir, "accuracy", name))
		require.NoError(t, err)
		assert.Contains(t, string(svg), "<svg")
		for _, linker := range []string{"stitch", "deepflow-full", "fcfs"} {
			assert.True(t, strings.Contains(string(svg), linker), "%s names %s", name, linker)
		}
	}
	assert.Error(t, report.Write(filepath.Join(dir, "accuracy.md"), report.About{}, cells()), "a file is in the way")
}
