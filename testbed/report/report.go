package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/otelcol-custom/otelcol-custom/testbed/sweep"
)

// About says where and when a sweep was made.
type About struct {
	Date    string `json:"date"`
	Machine string `json:"machine"`
	Commit  string `json:"commit"`
}

// Write writes accuracy.md and, beside it, the plots and numbers in accuracy/, into
// dir. Cells that have not run are told as such.
func Write(dir string, about About, cells []*sweep.Cell) error {
	cells = slices.Clone(cells)
	slices.SortStableFunc(cells, func(a, b *sweep.Cell) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Scenario, b.Scenario))
	})
	files := filepath.Join(dir, "accuracy")
	if err := os.MkdirAll(files, 0o755); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := writeJSON(filepath.Join(files, "results.json"), about, cells); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := plots(files, cells); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "accuracy.md"), []byte(Document(about, cells)), 0o644); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// writeJSON writes one cell a line, so that differences between sweeps can be read.
func writeJSON(path string, about About, cells []*sweep.Cell) error {
	head, err := json.Marshal(about)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\"about\":%s,\"cells\":[", head)
	for i, c := range cells {
		line, err := json.Marshal(c)
		if err != nil {
			return err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		b.Write(line)
	}
	b.WriteString("\n]}\n")
	return os.WriteFile(path, b.Bytes(), 0o644)
}
