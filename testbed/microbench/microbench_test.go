package microbench

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

func TestLinesOfBenchmarksAreRead(t *testing.T) {
	text := "goos: linux\npkg: x\nBenchmarkWorker/evidence-2 \t 100\t 1234 ns/op\t  16 B/op\t 1 allocs/op\nBenchmarkHook/2_shards-2 5 3.5 ns/op 7.25 ns/span\nBenchmarkOdd-even 1 2 ns/op\nPASS\n"
	got, err := parse("shard", text)
	require.NoError(t, err)
	assert.Equal(t, []Result{
		{"shard", "Worker/evidence", map[string]float64{"ns/op": 1234, "B/op": 16, "allocs/op": 1}},
		{"shard", "Hook/2_shards", map[string]float64{"ns/op": 3.5, "ns/span": 7.25}},
		{"shard", "Odd-even", map[string]float64{"ns/op": 2}},
	}, got)
}

func TestWhatIsNoResultIsAnError(t *testing.T) {
	_, err := parse("shard", "ok  \tx\t0.1s [no tests to run]\n")
	assert.ErrorContains(t, err, "none ran")
	_, err = parse("shard", "BenchmarkX 1 many ns/op\n")
	assert.ErrorContains(t, err, `"many"`)
	_, err = Run(t.Context(), root, Stage{"none", "no/such/package", ".", "1x"})
	assert.ErrorContains(t, err, "benchmarks of no/such/package")
}

// A benchmark that is renamed must not vanish from the list in silence.
func TestEveryStageHasItsBenchmarks(t *testing.T) {
	for _, s := range Stages() {
		top, _, _ := strings.Cut(s.Pattern, "/")
		found := false
		files, err := filepath.Glob(filepath.Join(root, s.Package, "*_test.go"))
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, f := range regexp.MustCompile(`(?m)^func (Benchmark\w+)\(`).FindAllStringSubmatch(string(text), -1) {
				found = found || regexp.MustCompile(top).MatchString(f[1])
			}
		}
		assert.True(t, found, "%s: no %s", s.Package, top)
	}
}

func TestARealBenchmarkRuns(t *testing.T) {
	got, err := Run(t.Context(), root, Stage{"decode", "receiver/ebpfreceiver/internal/event", "^BenchmarkDecode$", "10x"})
	require.NoError(t, err)
	assert.Equal(t, "decode", got[0].Stage)
	assert.Positive(t, got[0].Metrics["ns/op"])
	assert.Contains(t, got[0].Metrics, "allocs/op")
}

func TestTablesForPeople(t *testing.T) {
	var out strings.Builder
	require.NoError(t, Print(&out, []Result{
		{"hooks", "Calls", map[string]float64{"ns/op": 1e9, "off-ns/getppid": 190, "traced-ns/read": 347.2}},
		{"tailhook", "Hook", map[string]float64{"ns/op": 51.25, "ns/span": 800, "B/op": 3}},
	}))
	lines := strings.Split(out.String(), "\n")
	assert.Regexp(t, `^tailhook +Hook +51\.2 +3 +0 +800 ns/span$`, lines[1])
	assert.NotContains(t, out.String(), "1000000000")
	assert.Regexp(t, `(?m)^ +getppid +190 +\+0 +\+0 +\+0$`, out.String())
	assert.Regexp(t, `(?m)^ +read +0 +\+0 +\+347 +\+0$`, out.String())
}
