package collector

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // what exporters compress with
)

// KeyReceived is the resource attribute in which the Sink notes when a batch came
// (Unix ns). Scoring reads it as score.KeyReleased.
const KeyReceived = "testbed.released"

// Sink is an OTLP/gRPC server that keeps the spans it is sent.
type Sink struct {
	ptraceotlp.UnimplementedGRPCServer

	listener net.Listener
	server   *grpc.Server

	mu      sync.Mutex
	batches []ptrace.Traces
	spans   int
	last    time.Time
}

// NewSink starts a Sink on a free port of the loopback.
func NewSink() (*Sink, error) { return NewSinkAt("127.0.0.1:0") }

// NewSinkAt starts a Sink at host:port, where another one may have been.
func NewSinkAt(address string) (*Sink, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	s := &Sink{listener: listener, server: grpc.NewServer(grpc.MaxRecvMsgSize(64 << 20))}
	ptraceotlp.RegisterGRPCServer(s.server, s)
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

// Endpoint is where the Sink listens.
func (s *Sink) Endpoint() string { return s.listener.Addr().String() }

// Close ends the server. What was received stays.
func (s *Sink) Close() { s.server.Stop() }

// Export implements ptraceotlp.GRPCServer.
func (s *Sink) Export(_ context.Context, r ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	kept := ptrace.NewTraces()
	r.Traces().CopyTo(kept)
	now := time.Now()
	for _, rs := range kept.ResourceSpans().All() {
		rs.Resource().Attributes().PutInt(KeyReceived, now.UnixNano())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches = append(s.batches, kept)
	s.spans += kept.SpanCount()
	s.last = now
	return ptraceotlp.NewExportResponse(), nil
}

// Spans is how many spans have been received.
func (s *Sink) Spans() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spans
}

// Since returns the batches received after the first n. They stay the Sink's and
// are not to be changed.
func (s *Sink) Since(n int) []ptrace.Traces {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.batches[min(n, len(s.batches)):])
}

// Batches returns what has been received since the last Take, batch by batch in
// the order of arrival and without KeyReceived, and forgets it.
func (s *Sink) Batches() []ptrace.Traces {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.batches
	for _, b := range out {
		for _, rs := range b.ResourceSpans().All() {
			rs.Resource().Attributes().Remove(KeyReceived)
		}
	}
	s.batches, s.spans = nil, 0
	return out
}

// Take returns all that has been received since the last Take, as one.
func (s *Sink) Take() ptrace.Traces {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := ptrace.NewTraces()
	for _, b := range s.batches {
		b.ResourceSpans().MoveAndAppendTo(out.ResourceSpans())
	}
	s.batches, s.spans = nil, 0
	return out
}

// WaitQuiet returns when nothing has been received for the given time, or ctx
// ends.
func (s *Sink) WaitQuiet(ctx context.Context, quiet time.Duration) error {
	began := time.Now()
	for {
		s.mu.Lock()
		last := s.last
		s.mu.Unlock()
		if last.Before(began) {
			last = began
		}
		wait := time.Until(last.Add(quiet))
		if wait <= 0 {
			return nil
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// FreePort returns a port of the loopback on which nothing listened a moment ago.
func FreePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
