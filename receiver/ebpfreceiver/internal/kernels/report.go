package kernels

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// prefix starts every line of the console that is meant for the host.
const prefix = "@kernels "

// Report is one line from the guest to the host.
type Report struct {
	// Kernel is what uname says. Set on the first line, alone.
	Kernel string `json:",omitempty"`
	// Unfit is the error of probe.Check: nothing else follows but Done.
	Unfit string `json:",omitempty"`
	// Result is what one case came to.
	Result *Result `json:",omitempty"`
	// Done is set on the last line. Without it the guest has died.
	Done bool `json:",omitempty"`
}

// Result is what one case came to.
type Result struct {
	Case     Case
	Attempts int     // more than one if the kernel skipped programs
	Requests int     // traced over three processes
	Handoffs int     // seen on their records
	Programs int     // loaded and attached
	Seconds  float64 // of which Load is the time to load and attach
	Load     float64
	Errors   []string `json:",omitempty"` // none: all was as it should be
}

// Write sends r to the host.
func (r *Report) Write(w io.Writer) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\n%s%s\n", prefix, line)
	return err
}

// Parse returns the report in a line of the console, or nil if there is none.
// What the kernel prints between is not for the host.
func Parse(line string) (*Report, error) {
	text, ok := strings.CutPrefix(strings.TrimSpace(line), prefix)
	if !ok {
		return nil, nil
	}
	r := &Report{}
	if err := json.Unmarshal([]byte(text), r); err != nil {
		return nil, fmt.Errorf("report of the guest %q: %w", text, err)
	}
	return r, nil
}
