package floor_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/floor"
	"github.com/otelcol-custom/otelcol-custom/testbed/score"
)

func read(t *testing.T, text string) (floor.Floors, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "floors.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return floor.Read(path)
}

func result(load string, right, wrong, orphan int) *score.Result {
	r := &score.Result{Scenario: "app", Load: load, Calls: score.Count{Right: right, Wrong: wrong, Orphan: orphan}}
	r.Recall, r.WrongRate = r.Calls.Recall(), r.Calls.WrongShare()
	return r
}

func TestAScoreMustReachItsFloor(t *testing.T) {
	f, err := read(t, "app:\n  c8: {recall: 90, wrong: 1, calls: 100}\n")
	require.NoError(t, err)
	require.NoError(t, f.Check(result("c8", 90, 1, 9)))
	for name, r := range map[string]*score.Result{
		"too little found":  result("c8", 89, 1, 10),
		"too much wrong":    result("c8", 95, 2, 3),
		"too little judged": result("c8", 99, 0, 0),
		"nothing at all":    result("c8", 0, 0, 0),
	} {
		assert.ErrorIs(t, f.Check(r), floor.ErrMissed, name)
	}
	assert.ErrorContains(t, f.Check(result("c8", 89, 1, 10)), "recall 89.00 % (at least 90)")
	assert.ErrorContains(t, f.Check(result("c64", 100, 0, 0)), "no floor")
}

func TestFloorsThatMakeNoSense(t *testing.T) {
	for _, text := range []string{
		"app: {c8: {recall: 101, wrong: 1, calls: 1}}", "app: {c8: {recall: 90, wrong: -1, calls: 1}}",
		"app: {c8: {recall: 90, wrong: 1}}", "app: {c8: {recal: 90}}", "app: [",
	} {
		_, err := read(t, text)
		assert.ErrorContains(t, err, "floors", text)
	}
	_, err := floor.Read("no-such-file")
	assert.ErrorIs(t, err, os.ErrNotExist)
}
