// Package spanfile reads and writes recordings: OTLP traces as one JSON object
// a line (.json, .jsonl) or as protobuf messages, each after its length in four
// bytes, big endian (.pb), which are the two forms of the Collector's file
// exporter. A further .gz means gzip.
package spanfile

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// maxMessage bounds one message, so that a damaged length is an error and not an
// allocation.
const maxMessage = 256 << 20

var errTooLong = errors.New("message longer than 256 MiB")

// Each calls f with every message of the recording at path until f returns an error.
func Each(path string, f func(ptrace.Traces) error) error {
	r, err := Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	next, n := reader(r, strings.TrimSuffix(path, ".gz")), 0
	for {
		td, err := next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s, message %d: %w", path, n+1, err)
		}
		if err := f(td); err != nil {
			return err
		}
		n++
	}
}

// Open opens a file that may be compressed. Closing the result closes it.
func Open(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open recording: %w", err)
	}
	if !strings.HasSuffix(path, ".gz") {
		return f, nil
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open recording %s: %w", path, err)
	}
	return struct {
		io.Reader
		io.Closer
	}{z, f}, nil
}

func reader(r io.Reader, path string) func() (ptrace.Traces, error) {
	in := bufio.NewReaderSize(r, 1<<20)
	if strings.HasSuffix(path, ".pb") {
		return func() (ptrace.Traces, error) { return readProto(in) }
	}
	return func() (ptrace.Traces, error) { return readJSON(in) }
}

func readJSON(in *bufio.Reader) (ptrace.Traces, error) {
	line, err := in.ReadBytes('\n')
	if len(line) == 0 {
		return ptrace.Traces{}, err
	}
	return (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
}

func readProto(in *bufio.Reader) (ptrace.Traces, error) {
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return ptrace.Traces{}, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxMessage {
		return ptrace.Traces{}, errTooLong
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(in, body); err != nil {
		return ptrace.Traces{}, err
	}
	return (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(body)
}

// Writer writes a recording. Close it. It is not safe for concurrent use.
type Writer struct {
	proto bool
	out   *bufio.Writer
	close []func() error // from the outside in
}

// Create makes the recording at path, in the form that its name says.
func Create(path string) (*Writer, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create recording: %w", err)
	}
	w := &Writer{proto: strings.HasSuffix(strings.TrimSuffix(path, ".gz"), ".pb"), close: []func() error{f.Close}}
	var to io.Writer = f
	if strings.HasSuffix(path, ".gz") {
		z := gzip.NewWriter(f)
		to, w.close = z, append([]func() error{z.Close}, w.close...)
	}
	w.out = bufio.NewWriterSize(to, 1<<20)
	return w, nil
}

// Write adds td to the recording.
func (w *Writer) Write(td ptrace.Traces) error {
	if !w.proto {
		text, err := (&ptrace.JSONMarshaler{}).MarshalTraces(td)
		if err != nil {
			return fmt.Errorf("encode recording: %w", err)
		}
		_, err = w.out.Write(append(text, '\n'))
		return err
	}
	body, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
	if err != nil {
		return fmt.Errorf("encode recording: %w", err)
	}
	_, err = w.out.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
	return err
}

// Close completes the recording.
func (w *Writer) Close() error {
	errs := []error{w.out.Flush()}
	for _, f := range w.close {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}
