package overhead

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

// Stages of the Collector's work in user space that no package stands for.
const (
	stageGC      = "garbage collection"
	stageRuntime = "Go runtime"
	stageOther   = "other"
)

// stagePackages says which stage a function's package belongs to: the longest
// prefix that fits. What is not here (pdata, maps, memory) belongs to whoever
// called it.
func stagePackages() map[string]string {
	const own = "github.com/otelcol-custom/otelcol-custom/"
	const core = "go.opentelemetry.io/collector/"
	const contrib = "github.com/open-telemetry/opentelemetry-collector-contrib/"
	return map[string]string{
		own + "receiver/ebpfreceiver":                   "receiver",
		own + "receiver/ebpfreceiver/internal/probe":    "read",
		own + "receiver/ebpfreceiver/internal/event":    "decode",
		own + "receiver/ebpfreceiver/internal/shard":    "shard",
		own + "receiver/ebpfreceiver/internal/stream":   "stream",
		own + "receiver/ebpfreceiver/internal/conn":     "conn",
		own + "receiver/ebpfreceiver/internal/protocol": "protocol",
		own + "receiver/ebpfreceiver/internal/kspan":    "kspan",
		own + "receiver/ebpfreceiver/internal/target":   "target",
		own + "processor/stitchprocessor":               "stitch",
		own + "exporter/tailhook":                       "tailhook",
		core + "processor":                              "other processors",
		core + "exporter":                               stageExport,
		contrib + "exporter":                            stageExport,
		"github.com/cilium/ebpf":                        "read",
		"google.golang.org/grpc":                        stageExport,
		"golang.org/x/net/http2":                        stageExport,
		"net/http":                                      stageExport,
		"compress":                                      stageExport,
		"github.com/klauspost/compress":                 stageExport,
	}
}

// stageExport is what goes on behind the last connector or processor.
const stageExport = "export"

// Stage is the share of a stage in the Collector's processor time.
type Stage struct {
	Name  string  `json:"name"`
	Share float64 `json:"share"`
}

// fetchProfile asks a Collector's pprof extension for a CPU profile of d, and
// keeps it in a file if that has a name.
func fetchProfile(ctx context.Context, endpoint string, d time.Duration, file string) ([]Stage, error) {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", endpoint, max(int(d.Seconds()), 1))
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("profile the Collector: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		return nil, fmt.Errorf("profile the Collector: %s: %s", response.Status, text)
	}
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("profile the Collector: %w", err)
	}
	if file != "" {
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			return nil, err
		}
	}
	p, err := profile.ParseData(raw)
	if err != nil {
		return nil, fmt.Errorf("profile the Collector: %w", err)
	}
	return stages(p), nil
}

// stages sums a CPU profile by stage, the largest first.
func stages(p *profile.Profile) []Stage {
	packages := stagePackages()
	sums := map[string]int64{}
	var total int64
	for _, s := range p.Sample {
		n := s.Value[len(s.Value)-1] // samples, then nanoseconds
		sums[stageOf(s, packages)] += n
		total += n
	}
	var out []Stage
	for name, n := range sums {
		out = append(out, Stage{name, float64(n) / float64(total)})
	}
	slices.SortFunc(out, func(a, b Stage) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), strings.Compare(a.Name, b.Name))
	})
	return out
}

// stageOf is the stage of the innermost function that has one. Collecting garbage
// on behalf of an allocation is no work of the stage that made it.
func stageOf(s *profile.Sample, packages map[string]string) string {
	inRuntime := false
	for _, location := range s.Location {
		for _, line := range location.Line {
			name := line.Function.Name
			if collectsGarbage(name) {
				return stageGC
			}
			if stage, ok := lookUp(packages, packageOf(name)); ok {
				return stage
			}
			inRuntime = strings.HasPrefix(name, "runtime.") || strings.HasPrefix(name, "internal/runtime/")
		}
	}
	if inRuntime { // the outermost function: schedulers, timers, idle threads
		return stageRuntime
	}
	return stageOther
}

func collectsGarbage(function string) bool {
	for _, prefix := range []string{
		"runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.bgsweep", "runtime.bgscavenge",
		"runtime.gcStart", "runtime.gcMarkTermination", "runtime.gcMarkDone", "runtime.deductSweepCredit",
	} {
		if strings.HasPrefix(function, prefix) {
			return true
		}
	}
	return false
}

// packageOf returns the import path of a function: up to the first dot behind the
// last slash that stands before type arguments.
func packageOf(function string) string {
	plain, _, _ := strings.Cut(function, "[")
	slash := strings.LastIndexByte(plain, '/') + 1
	name, _, _ := strings.Cut(plain[slash:], ".")
	return plain[:slash] + name
}

// lookUp finds the stage of a package or of the nearest one above it.
func lookUp(packages map[string]string, path string) (string, bool) {
	for {
		if stage, ok := packages[path]; ok {
			return stage, true
		}
		up := strings.LastIndexByte(path, '/')
		if up < 0 {
			return "", false
		}
		path = path[:up]
	}
}
