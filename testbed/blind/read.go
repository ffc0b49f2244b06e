package blind

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"github.com/otelcol-custom/otelcol-custom/testbed/spanfile"
)

// Span is one line of a spans file, which is sorted by end time.
type Span struct {
	ID          string `json:"span_id"`
	Service     string `json:"service"`
	Kind        string `json:"kind"` // "server" or "client"
	Name        string `json:"name"`
	Start       int64  `json:"start_ns"` // Unix ns
	End         int64  `json:"end_ns"`
	Peer        string `json:"peer_span_id"` // the other end of the hop; may be empty
	PeerService string `json:"peer_service"`
}

// Truth is one line of a truth file: the server span that caused a client span.
type Truth struct {
	Client  string `json:"client"`
	Server  string `json:"server"`
	Trace   int    `json:"trace"`
	Service string `json:"service"`
	Counted bool   `json:"counted"` // the published accuracy counts this service
}

// ReadSpans reads a spans file, which may be compressed.
func ReadSpans(path string) ([]Span, error) { return readLines[Span](path) }

// ReadTruth reads a truth file, which may be compressed.
func ReadTruth(path string) ([]Truth, error) { return readLines[Truth](path) }

func readLines[T Span | Truth](path string) ([]T, error) {
	r, err := spanfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []T
	for dec := json.NewDecoder(bufio.NewReaderSize(r, 1<<20)); ; {
		var line T
		if err := dec.Decode(&line); err == io.EOF {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("read %s, line %d: %w", path, len(out)+1, err)
		}
		out = append(out, line)
	}
}
