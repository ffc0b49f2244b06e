package truth

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Phases of a run, as Request.Phase names them.
const (
	PhaseWarm = "warm" // before anything is measured
	PhaseRun  = "run"
)

// Request is what the load generator saw of one request. Times are Unix ns.
type Request struct {
	Token  Token  `json:"id"`
	Class  string `json:"class"`
	Phase  string `json:"phase"`
	Due    int64  `json:"due"`   // when it was to be sent; Start in a closed loop
	Start  int64  `json:"start"` // first byte out
	End    int64  `json:"end"`   // last byte of the reply in
	Status int    `json:"status"`
	Port   int    `json:"port"` // of the load generator's end
	Error  string `json:"error,omitempty"`
	// Retried says that the server closed a kept connection before it read the
	// request, which was then sent again on a new one: Port is that of the new one.
	Retried bool `json:"retried,omitempty"`
}

// Call is what the delay server saw of one call. Times are Unix ns.
type Call struct {
	Token Token  `json:"id"`
	Path  string `json:"path"`
	Start int64  `json:"start"` // request read
	End   int64  `json:"end"`   // reply about to be written
	Peer  string `json:"peer"`  // address of the caller's end
}

// ReadLog reads a log of one JSON object a line.
func ReadLog[T Request | Call](path string) ([]T, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open truth log: %w", err)
	}
	defer f.Close()
	var out []T
	for dec := json.NewDecoder(bufio.NewReader(f)); ; {
		var rec T
		if err := dec.Decode(&rec); err == io.EOF {
			return out, nil
		} else if err != nil {
			return out, fmt.Errorf("read truth log %s, record %d: %w", path, len(out)+1, err)
		}
		out = append(out, rec)
	}
}

// WriteLog writes recs to path, one JSON object a line.
func WriteLog[T Request | Call](path string, recs []T) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("create truth log: %w", err)
	}
	w := bufio.NewWriter(f)
	enc := json.NewEncoder(w)
	for i := range recs {
		if err := enc.Encode(&recs[i]); err != nil {
			f.Close()
			return fmt.Errorf("write truth log: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		f.Close()
		return fmt.Errorf("write truth log: %w", err)
	}
	return f.Close()
}
