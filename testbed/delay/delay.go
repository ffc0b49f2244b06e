package delay

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// Shortest and Longest bound the delay, and Mean is that of the delays between.
const (
	Shortest = 1 * time.Millisecond
	Longest  = 20 * time.Millisecond
	Mean     = (Shortest + Longest) / 2
)

// CountPath answers with how many calls have been served, and is not one.
const CountPath = "/-/count"

// Server answers calls. Its log is complete only after Close.
type Server struct {
	seed uint64
	http http.Server

	mu    sync.Mutex // guards what follows
	log   *bufio.Writer
	count int
	err   error
}

// New returns a server whose delays depend on seed, the token and the path of
// a call alone. It writes one truth.Call a line to log.
func New(seed uint64, log io.Writer) *Server {
	s := &Server{seed: seed, log: bufio.NewWriterSize(log, 1<<16)}
	s.http = http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second}
	return s
}

// Serve answers calls on l until Close.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// Close waits for the calls in flight until ctx is done, flushes the log and
// returns the first error that logging met.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(err, s.err, s.log.Flush())
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	if r.URL.Path == CountPath {
		s.serveCount(w)
		return
	}
	token, _ := truth.Find(r.RequestURI)
	time.Sleep(Of(s.seed, token, r.URL.Path))
	s.record(truth.Call{
		Token: token, Path: r.URL.Path, Peer: r.RemoteAddr,
		Start: start.UnixNano(), End: time.Now().UnixNano(),
	})
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, "ok\n") // the caller may have gone; the log has the call
}

func (s *Server) serveCount(w http.ResponseWriter) {
	s.mu.Lock()
	n := s.count
	s.mu.Unlock()
	_, _ = io.WriteString(w, strconv.Itoa(n))
}

func (s *Server) record(c truth.Call) {
	line, err := json.Marshal(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	if err == nil {
		_, err = s.log.Write(append(line, '\n'))
	}
	if s.err == nil {
		s.err = err
	}
}

// Of returns the delay of the call that token makes to path.
func Of(seed uint64, token truth.Token, path string) time.Duration {
	h := fnv.New64a()
	_, _ = io.WriteString(h, path) // never fails
	return Shortest + time.Duration(token.Choose(seed^h.Sum64(), uint64(Longest-Shortest)+1))
}
