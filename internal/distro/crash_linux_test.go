package distro

import (
	"context"
	endian "encoding/binary"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip" // what exporters send
	"google.golang.org/grpc/status"

	"github.com/otelcol-custom/otelcol-custom/internal/netns"
)

// What the crash test sends: call n has the first two spans of 20 traces and the
// last three, settled, of 20 that began five calls before. Every third trace
// fails, which only its last spans tell, and nothing else is to be kept.
const (
	crashTraces = 20
	crashDelay  = 5
	crashCalls  = 1200
	crashKills  = 6
)

func crashID(trace int) (id pcommon.TraceID) {
	endian.BigEndian.PutUint64(id[:], uint64(trace)*0x9e3779b97f4a7c15)
	endian.BigEndian.PutUint64(id[8:], uint64(trace)+1)
	return id
}

func crashWanted(trace int) bool { return trace%3 == 0 }

func crashCall(n int) ptrace.Traces {
	td := ptrace.NewTraces()
	ss := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
	add := func(trace, span int) ptrace.Span {
		s := ss.Spans().AppendEmpty()
		s.SetTraceID(crashID(trace))
		s.SetSpanID(pcommon.SpanID{1, byte(span)})
		s.SetParentSpanID(pcommon.SpanID{1})
		return s
	}
	for i := range crashTraces {
		add(n*crashTraces+i, 0)
		add(n*crashTraces+i, 1)
		before := (n-crashDelay)*crashTraces + i
		if before < 0 {
			continue
		}
		add(before, 2)
		add(before, 3)
		last := add(before, 4)
		last.Attributes().PutBool("stitch.settled", true)
		if crashWanted(before) {
			last.Status().SetCode(ptrace.StatusCodeError)
		}
	}
	return td
}

// ledger is a backend that notes which spans of each trace have come. It refuses
// one call in three.
type ledger struct {
	ptraceotlp.UnimplementedGRPCServer
	mu    sync.Mutex
	spans map[pcommon.TraceID]map[byte]bool
	again int // spans that came more than once
}

func (l *ledger) Export(_ context.Context, request ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	if rand.IntN(3) == 0 {
		return ptraceotlp.NewExportResponse(), status.Error(codes.Unavailable, "busy")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, rs := range request.Traces().ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				l.add(s.TraceID(), s.SpanID()[1])
			}
		}
	}
	return ptraceotlp.NewExportResponse(), nil
}

func (l *ledger) add(id pcommon.TraceID, span byte) {
	if l.spans[id] == nil {
		l.spans[id] = map[byte]bool{}
	}
	if l.spans[id][span] {
		l.again++
	}
	l.spans[id][span] = true
}

// sender sends the calls, each until it is accepted, whatever becomes of the
// Collector meanwhile.
type sender struct {
	accepted atomic.Int64
	done     chan struct{}
}

func send(t *testing.T, address string) *sender {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	client := ptraceotlp.NewGRPCClient(connection)
	s := &sender{done: make(chan struct{})}
	calls := make(chan int)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for n := range calls {
				request := ptraceotlp.NewExportRequestFromTraces(crashCall(n))
				for t.Context().Err() == nil {
					if _, err := client.Export(t.Context(), request, grpc.WaitForReady(true)); err == nil {
						s.accepted.Add(1)
						break
					}
				}
			}
		})
	}
	go func() {
		defer close(s.done)
		for n := range crashCalls {
			calls <- n
		}
		close(calls)
		workers.Wait()
		_ = connection.Close()
	}()
	return s
}

// reaches waits until so many calls are accepted.
func (s *sender) reaches(t *testing.T, n int64) {
	require.Eventually(t, func() bool { return s.accepted.Load() >= n }, time.Minute, time.Millisecond, "the Collector accepts nothing")
}

func TestKilledUnderLoadTheCollectorAccountsForEveryTrace(t *testing.T) {
	path := binary(t, fullMain)
	for name, config := range map[string]string{
		"that exports without a queue":         "crash.yaml",
		"that exports through a queue on disk": "crash_queue.yaml",
	} {
		t.Run(name, func(t *testing.T) {
			netns.Run(t, func(t *testing.T) { killUnderLoad(t, path, filepath.Join("testdata", config)) })
		})
	}
}

func killUnderLoad(t *testing.T, path, config string) {
	l := &ledger{spans: map[pcommon.TraceID]map[byte]bool{}}
	t.Setenv("BACKEND", listen(t, l))
	t.Setenv("STORAGE", t.TempDir())
	s := send(t, "127.0.0.1:4317")
	for kill := range int64(crashKills) {
		r := launch(t, path, "--config", config)
		s.reaches(t, (kill*crashCalls+rand.Int64N(crashCalls))/(crashKills+1))
		require.NoError(t, r.cmd.Process.Kill())
		require.Less(t, s.accepted.Load(), int64(crashCalls), "there was load when it was killed")
		_ = r.cmd.Wait() // says that it was killed
	}
	r := launch(t, path, "--config", config)
	<-s.done
	// A queue on disk is not emptied by a shutdown.
	assert.Eventually(t, func() bool { return l.incomplete() == 0 }, time.Minute, 20*time.Millisecond)
	r.stop(t)
	checkLedger(t, l)
}

// incomplete counts the traces to keep of which something is missing.
func (l *ledger) incomplete() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for trace := range (crashCalls - crashDelay) * crashTraces {
		if crashWanted(trace) && len(l.spans[crashID(trace)]) < 5 {
			n++
		}
	}
	return n
}

func checkLedger(t *testing.T, l *ledger) {
	lost, half, unwanted := 0, 0, 0
	all := (crashCalls - crashDelay) * crashTraces
	for trace := range all {
		switch got := len(l.spans[crashID(trace)]); {
		case !crashWanted(trace) && got > 0:
			unwanted++
		case crashWanted(trace) && got == 0:
			lost++
		case crashWanted(trace) && got < 5:
			half++
		}
	}
	assert.Zero(t, lost, "kept traces lost")
	assert.Zero(t, half, "half traces")
	assert.Zero(t, unwanted, "traces that nobody wanted")
	t.Logf("killed %d times: of %d traces %d to keep, %d lost, %d half; %d spans came more than once",
		crashKills, all, len(l.spans), lost, half, l.again)
}
