package sweep

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/testbed/recorder"
	"github.com/otelcol-custom/otelcol-custom/testbed/replay"
	"github.com/otelcol-custom/otelcol-custom/testbed/score"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// Cell is one scenario under one load, and all that was found out.
type Cell struct {
	Scenario string `json:"scenario"`
	Group    string `json:"group"`
	Load     string `json:"load"`
	// Error says why the cell could not run, or what was not as it should be. In the
	// second case there are scores.
	Error   string  `json:"error,omitempty"`
	Seconds float64 `json:"seconds"` // from the start of its Collector to the end of its verdicts

	Traffic  *Traffic      `json:"traffic,omitempty"`
	Live     *score.Result `json:"live,omitempty"`     // what the Collector released
	Replayed *score.Result `json:"replayed,omitempty"` // what its raw spans become offline
	// First is what the Collector made of the warm-up, while it learned the habits of
	// the programs.
	First *Outcome `json:"first,omitempty"`
	// Differ is how many spans have another parent live than replayed, of all released.
	Differ   int `json:"differ"`
	Released int `json:"released"`

	Rivals map[string]Outcome `json:"rivals,omitempty"` // rules on the raw spans
	// Without is the outcome with one method switched off, by the name of the method,
	// replayed.
	Without map[string]Outcome `json:"without,omitempty"`
	// Lost are the Collector's own counters of what it dropped, if above zero.
	Lost map[string]float64 `json:"lost,omitempty"`
}

// Traffic is how the load went.
type Traffic struct {
	Requests uint64         `json:"requests"`
	Rate     float64        `json:"requests_per_second"`
	P50      float64        `json:"p50_ms"`
	P99      float64        `json:"p99_ms"`
	Failures map[string]int `json:"failures,omitempty"`
	Retried  int            `json:"retried,omitempty"`
	Overrun  int            `json:"overrun,omitempty"`
}

// Outcome is the part of a score that is compared.
type Outcome struct {
	Calls     score.Count `json:"calls"`
	Traces    int         `json:"traces"`
	Right     int         `json:"traces_right"`
	Misplaced int         `json:"misplaced"`
}

// OutcomeOf returns that part of r.
func OutcomeOf(r *score.Result) Outcome {
	return Outcome{Calls: r.Calls, Traces: r.Traces, Right: r.TracesRight, Misplaced: r.Misplaced}
}

// path is where the files of a cell are, without their suffixes.
func (c *Cell) path(dir string) string { return filepath.Join(dir, c.Scenario+"-"+c.Load) }

// save keeps the cell in dir.
func (c *Cell) save(dir string) error {
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("keep cell: %w", err)
	}
	// Under its name only when it is whole: a rerun may look for it at any time.
	path := c.path(dir) + ".json"
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("keep cell: %w", err)
	}
	return os.Rename(path+".new", path)
}

// load reads what save kept and reports whether it is there and ran.
func (c *Cell) load(dir string) (bool, error) {
	text, err := os.ReadFile(c.path(dir) + ".json")
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var kept Cell
	if err := json.Unmarshal(text, &kept); err != nil {
		return false, fmt.Errorf("%s: %w", c.path(dir), err)
	}
	if kept.Live == nil {
		return false, nil
	}
	*c = kept
	return true, nil
}

// keep writes the recording of the cell into dir.
func (c *Cell) keep(dir string, r *recorder.Recording) error {
	if err := replay.Write(c.path(dir)+".pb.gz", r.Raw); err != nil {
		return err
	}
	if err := replay.Write(c.path(dir)+".stitched.pb.gz", []ptrace.Traces{r.Stitched}); err != nil {
		return err
	}
	return truth.WriteLog(c.path(dir)+".requests.jsonl", r.Requests)
}

// fail notes what went wrong, beside what did before.
func (c *Cell) fail(err error) {
	if err == nil {
		return
	}
	if c.Error != "" {
		c.Error += "; "
	}
	c.Error += strings.TrimSpace(err.Error())
}

// lost picks the counters of a Collector that tell of something dropped.
func lost(metrics map[string]float64) map[string]float64 {
	out := maps.Clone(metrics)
	maps.DeleteFunc(out, func(name string, n float64) bool {
		return n <= 0 || !strings.HasPrefix(name, "otelcol_") || !strings.Contains(name, "{") || !tellsLoss(name)
	})
	return out
}

func tellsLoss(name string) bool {
	for _, word := range []string{"loss", "dropped", "discarded", "failed"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
