package microbench

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// Result is what one benchmark printed.
type Result struct {
	Stage   string             `json:"stage"`
	Name    string             `json:"name"`    // without Benchmark and the number of processors
	Metrics map[string]float64 `json:"metrics"` // by unit
}

// Run runs the benchmarks of a stage in the module at root. It takes as long as
// their compilation and some seconds.
func Run(ctx context.Context, root string, s Stage) ([]Result, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", s.Pattern, "-benchtime", s.Time, "-benchmem", "./"+s.Package)
	cmd.Dir = root
	text, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("benchmarks of %s: %w\n%s", s.Package, err, text)
	}
	out, err := parse(s.Name, string(text))
	if err != nil {
		return nil, fmt.Errorf("benchmarks of %s: %w", s.Package, err)
	}
	return out, nil
}

// parse reads lines of the form `BenchmarkName/sub-2   100   12.5 ns/op   3 B/op`
// (golang.org/design/14313-benchmark-format).
func parse(stage, text string) ([]Result, error) {
	var out []Result
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		r := Result{Stage: stage, Name: plainName(fields[0]), Metrics: map[string]float64{}}
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, fmt.Errorf("line %q: %w", strings.TrimSpace(line), err)
			}
			r.Metrics[fields[i+1]] = value
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		return nil, errors.New("none ran")
	}
	return out, nil
}

// plainName takes off what every name begins and may end with.
func plainName(name string) string {
	name = strings.TrimPrefix(name, "Benchmark")
	if at := strings.LastIndexByte(name, '-'); at > 0 {
		if _, err := strconv.Atoi(name[at+1:]); err == nil {
			return name[:at]
		}
	}
	return name
}
