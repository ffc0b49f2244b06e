package overhead

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const ours = "github.com/otelcol-custom/otelcol-custom/"

// sample is a stack, innermost function first.
func sample(p *profile.Profile, ns int64, functions ...string) {
	s := &profile.Sample{Value: []int64{1, ns}}
	for _, name := range functions {
		f := &profile.Function{ID: uint64(len(p.Function) + 1), Name: name}
		l := &profile.Location{ID: uint64(len(p.Location) + 1), Line: []profile.Line{{Function: f}}}
		p.Function, p.Location = append(p.Function, f), append(p.Location, l)
		s.Location = append(s.Location, l)
	}
	p.Sample = append(p.Sample, s)
}

func newProfile() *profile.Profile {
	return &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}}}
}

func TestASampleBelongsToTheInnermostStage(t *testing.T) {
	worker := ours + "receiver/ebpfreceiver/internal/shard.(*worker).run"
	for _, test := range []struct {
		name  string
		stack []string
		want  string
	}{
		{"pdata is its caller's", []string{"go.opentelemetry.io/collector/pdata/pcommon.Map.PutStr", ours + "receiver/ebpfreceiver/internal/kspan.addNetwork", worker}, "kspan"},
		{"memory is its caller's", []string{"runtime.mallocgc", "runtime.newobject", ours + "processor/stitchprocessor/internal/window.NewNode[...]", worker}, "stitch"},
		{"a parser is a protocol", []string{ours + "receiver/ebpfreceiver/internal/protocol/http1.(*Parser).Parse", ours + "receiver/ebpfreceiver/internal/conn.(*connection).parse", worker}, "protocol"},
		{"the worker alone", []string{"runtime.mapaccess1", worker}, "shard"},
		{"a method of a generic type", []string{ours + "processor/stitchprocessor/internal/window.dropFrom[go.shape.uint64]", worker}, "stitch"},
		{"the ring buffer", []string{"syscall.Syscall6", "github.com/cilium/ebpf/ringbuf.(*Reader).ReadInto", ours + "receiver/ebpfreceiver/internal/probe.(*Probe).Run"}, "read"},
		{"helping to collect garbage", []string{"runtime.scanObject", "runtime.gcAssistAlloc1", "runtime.mallocgc", worker}, stageGC},
		{"collecting garbage", []string{"runtime.scanObject", "runtime.gcDrain", "runtime.gcBgMarkWorker"}, stageGC},
		{"finding work", []string{"runtime.futex", "runtime.findRunnable", "runtime.mcall"}, stageRuntime},
		{"compression", []string{"compress/flate.(*compressor).deflate", "compress/gzip.(*Writer).Write"}, stageExport},
		{"what nobody thought of", []string{"example.org/x.F", "main.main"}, stageOther},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newProfile()
			sample(p, 1, test.stack...)
			assert.Equal(t, test.want, stageOf(p.Sample[0], stagePackages()))
		})
	}
}

func TestStagesAreSharesOfTheWhole(t *testing.T) {
	p := newProfile()
	sample(p, 10, "example.org/x.F")
	sample(p, 20, ours+"processor/stitchprocessor.(*shard).run")
	sample(p, 10, ours+"processor/stitchprocessor/internal/join.F")
	assert.Equal(t, []Stage{{"stitch", 0.75}, {stageOther, 0.25}}, stages(p))
}

func TestPackagesOfFunctions(t *testing.T) {
	for function, want := range map[string]string{
		"runtime.mallocgc":                    "runtime",
		"net/http.(*conn).serve":              "net/http",
		"example.org/a.b/c.F.func1":           "example.org/a.b/c",
		"example.org/a.F[example.org/b/c.T]":  "example.org/a",
		"example.org/a.(*T[go.shape.int]).M1": "example.org/a",
	} {
		assert.Equal(t, want, packageOf(function), function)
	}
}

func TestAProfileIsFetched(t *testing.T) {
	p := newProfile()
	sample(p, 10, ours+"exporter/tailhook.F")
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.String()
		var b bytes.Buffer
		assert.NoError(t, p.Write(&b))
		_, _ = w.Write(b.Bytes())
	}))
	defer server.Close()
	kept := filepath.Join(t.TempDir(), "cpu.pprof")
	got, err := fetchProfile(t.Context(), server.Listener.Addr().String(), 3*time.Second, kept)
	require.NoError(t, err)
	raw, err := os.ReadFile(kept)
	require.NoError(t, err)
	_, err = profile.ParseData(raw)
	assert.NoError(t, err)
	assert.Equal(t, "/debug/pprof/profile?seconds=3", asked)
	assert.Equal(t, []Stage{{"tailhook", 1}}, got)
}

func TestAProfileThatCannotBeHadIsAnError(t *testing.T) {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "already in use", http.StatusInternalServerError)
	}))
	defer refusing.Close()
	_, err := fetchProfile(t.Context(), refusing.Listener.Addr().String(), time.Second, "")
	assert.ErrorContains(t, err, "already in use")
	babbling := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }))
	defer babbling.Close()
	_, err = fetchProfile(t.Context(), babbling.Listener.Addr().String(), time.Second, "")
	assert.Error(t, err)
	_, err = fetchProfile(t.Context(), "127.0.0.1:1", time.Second, "")
	assert.Error(t, err)
}
