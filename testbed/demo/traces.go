package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/testbed/demo/tree"
)

// traceFile reads what the Collector's file exporter appends: one JSON document
// per batch and line.
type traceFile struct {
	path string
	at   int64
}

// next returns the traces written since the last call.
func (f *traceFile) next() ([]*tree.Trace, error) {
	file, err := os.Open(f.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if _, err := file.Seek(f.at, io.SeekStart); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	end := bytes.LastIndexByte(text, '\n') + 1
	f.at += int64(end)
	all := ptrace.NewTraces()
	for line := range bytes.Lines(text[:end]) {
		td, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", f.path, err)
		}
		td.ResourceSpans().MoveAndAppendTo(all.ResourceSpans())
	}
	return tree.Collect(all), nil
}
