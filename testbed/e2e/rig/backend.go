package rig

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/testbed/delay"
	"github.com/otelcol-custom/otelcol-custom/testbed/load"
	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// Backend is an HTTP server of the test itself, which is not traced. It answers
// at once, but on /hang: there only when the test ends.
type Backend struct {
	Address string
	// Hanging gets one value for each request to /hang that has arrived.
	Hanging chan struct{}

	server *http.Server
	end    chan struct{}

	mu     sync.Mutex
	served map[string]int // by path
}

// StartBackend serves until the test ends.
func StartBackend(t testing.TB) *Backend {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b := &Backend{Address: listener.Addr().String(), Hanging: make(chan struct{}, 1024), end: make(chan struct{}), served: map[string]int{}}
	b.server = &http.Server{Handler: http.HandlerFunc(b.serve)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = b.server.Serve(listener)
	}()
	t.Cleanup(func() {
		close(b.end)
		_ = b.server.Close()
		<-served
	})
	return b
}

func (b *Backend) serve(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/hang") {
		b.Hanging <- struct{}{}
		select {
		case <-b.end:
		case <-r.Context().Done():
		}
		return
	}
	b.mu.Lock()
	b.served[r.URL.Path]++
	b.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write([]byte("ok\n"))
}

// Await returns when n requests for path have been served.
func (b *Backend) Await(t testing.TB, path string, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.served[path] >= n
	}, patience, 10*time.Millisecond)
}

// AwaitHanging returns when n requests hang.
func (b *Backend) AwaitHanging(t testing.TB, n int) {
	t.Helper()
	for range n {
		select {
		case <-b.Hanging:
		case <-time.After(patience):
			require.Fail(t, "requests do not arrive")
		}
	}
}

// Ask sends n requests for /work to address on new connections, so many in flight,
// demands that each is answered, and returns their log. Their tokens depend on
// seed alone.
func Ask(t testing.TB, address string, seed uint64, inFlight, n int) []truth.Request {
	t.Helper()
	result, err := load.Run(t.Context(), load.Plan{
		Address: address, Targets: []load.Target{{Class: "work", Weight: 1, Path: "/work?id={id}"}},
		InFlight: inFlight, Requests: n, Seed: seed, Timeout: patience,
	})
	require.NoError(t, err)
	require.Empty(t, result.Failures)
	return result.Log
}

// StartDelay serves until the test ends at the address that it returns. Each request
// is answered after 1 to 20 ms.
func StartDelay(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := delay.New(1, io.Discard)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		assert.NoError(t, server.Close(context.Background()))
		assert.NoError(t, <-served)
	})
	return listener.Addr().String()
}
