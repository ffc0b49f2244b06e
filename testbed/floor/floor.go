package floor

import (
	"errors"
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/otelcol-custom/otelcol-custom/testbed/score"
)

// ErrMissed says that a score is below its floor.
var ErrMissed = errors.New("below the floor")

// Floor is the least that is accepted of one scenario under one load.
type Floor struct {
	Recall float64 `yaml:"recall"` // per cent of calls, at least
	Wrong  float64 `yaml:"wrong"`  // per cent of calls, at most
	Calls  int     `yaml:"calls"`  // that must have been judged, so that nothing is no success
}

// Floors are floors by scenario and load.
type Floors map[string]map[string]Floor

// Read returns the floors in the YAML file at path. Unknown keys are errors.
func Read(path string) (Floors, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("floors: %w", err)
	}
	defer f.Close()
	var out Floors
	dec := yaml.NewDecoder(f)
	dec.KnownFields(true)
	if err := dec.Decode(&out); err != nil {
		return nil, fmt.Errorf("floors: %s: %w", path, err)
	}
	for scenario, loads := range out {
		for load, floor := range loads {
			if floor.Recall < 0 || floor.Recall > 100 || floor.Wrong < 0 || floor.Wrong > 100 || floor.Calls < 1 {
				return nil, fmt.Errorf("floors: %s: %s %s: recall and wrong must be from 0 to 100 and calls at least 1", path, scenario, load)
			}
		}
	}
	return out, nil
}

// Check returns ErrMissed with the numbers if r is below its floor, and an error if
// there is none for it.
func (f Floors) Check(r *score.Result) error {
	floor, ok := f[r.Scenario][r.Load]
	if !ok {
		return fmt.Errorf("%s %s: there is no floor", r.Scenario, r.Load)
	}
	recall, wrong := 100*r.Recall.Value, 100*r.WrongRate.Value
	if n := r.Calls.Total(); n < floor.Calls || recall < floor.Recall || wrong > floor.Wrong {
		return fmt.Errorf("%s %s: %w: recall %.2f %% (at least %g), wrong %.2f %% (at most %g), %d calls (at least %d), %d requests unseen",
			r.Scenario, r.Load, ErrMissed, recall, floor.Recall, wrong, floor.Wrong, n, floor.Calls, r.Unseen)
	}
	return nil
}
