package tailhook

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/metadata"
	"github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/policy"
)

// storageHost is a host with a file_storage extension in a directory.
type storageHost struct {
	component.Host
	id  component.ID
	ext component.Component
}

func (h *storageHost) GetExtensions() map[component.ID]component.Component {
	return map[component.ID]component.Component{h.id: h.ext}
}

func newStorageHost(t *testing.T, dir string) *storageHost {
	f := filestorage.NewFactory()
	cfg := f.CreateDefaultConfig().(*filestorage.Config)
	cfg.Directory = dir
	ext, err := f.Create(t.Context(), extensiontest.NewNopSettings(f.Type()), cfg)
	require.NoError(t, err)
	require.NoError(t, ext.Start(t.Context(), componenttest.NewNopHost()))
	return &storageHost{Host: componenttest.NewNopHost(), id: component.NewID(f.Type()), ext: ext}
}

// startStored starts a hook on the storage in dir. Traces wait until settled.
func startStored(t *testing.T, dir string, next *sink, policies ...policy.Config) (*hook, *storageHost) {
	host := newStorageHost(t, dir)
	cfg := createDefaultConfig().(*Config)
	cfg.Policies = baseline[:1]
	if len(policies) > 0 {
		cfg.Policies = policies
	}
	cfg.DecisionWait = time.Hour
	cfg.NumShards = 2
	cfg.Storage = &host.id
	cfg.Delivery.RetryOnFailure.InitialInterval = 5 * time.Millisecond
	set := nopSettings()
	set.ID = component.NewID(metadata.Type) // the file has its name
	h, err := newHook(set, cfg, next)
	require.NoError(t, err)
	require.NoError(t, h.Start(t.Context(), host))
	return h, host
}

func stopStored(t *testing.T, h *hook, host *storageHost) {
	require.NoError(t, h.Shutdown(t.Context()))
	require.NoError(t, host.ext.Shutdown(t.Context()))
}

// Call n of the crash test has the first two spans of 20 traces and the last
// three, settled, of 20 that began five calls before. Every third trace fails,
// which only its last spans tell.
const (
	crashTraces = 20
	crashDelay  = 5
)

func crashCall(n int) ptrace.Traces {
	td := ptrace.NewTraces()
	ss := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
	add := func(trace, span int, opts ...spanOption) {
		s := ss.Spans().AppendEmpty()
		s.SetTraceID(crashID(trace))
		s.SetSpanID(pcommon.SpanID{1, byte(span)})
		s.SetParentSpanID(pcommon.SpanID{1})
		for _, o := range opts {
			o(s)
		}
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
		if wanted(before) {
			add(before, 4, failing, settled)
		} else {
			add(before, 4, settled)
		}
	}
	return td
}

func crashID(trace int) pcommon.TraceID { return id(trace + 1) }

func wanted(trace int) bool { return trace%3 == 0 }

const childDir = "TAILHOOK_CRASH_DIR"

// TestCrashChild is the process that the crash test kills: it takes the numbers of
// calls from its input, says which were accepted, and logs what it delivers.
func TestCrashChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		return // not the child
	}
	out, err := os.OpenFile(filepath.Join(dir, "delivered"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	next := &sink{answer: func(_ context.Context, _ int, td ptrace.Traces) error {
		if rand.IntN(3) == 0 {
			return errBusy
		}
		return logSpans(out, td)
	}}
	h, host := startStored(t, dir, next)
	var wg sync.WaitGroup
	lines := make(chan int)
	for range 4 {
		wg.Go(func() {
			for n := range lines {
				if h.ConsumeTraces(t.Context(), crashCall(n)) == nil {
					fmt.Printf("accepted %d\n", n)
				}
			}
		})
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var n int
		_, err := fmt.Sscan(in.Text(), &n)
		require.NoError(t, err)
		lines <- n
	}
	close(lines)
	wg.Wait()
	stopStored(t, h, host)
	fmt.Println("done")
}

// logSpans appends the spans of a call by a single write, which a kill cannot split.
func logSpans(out io.Writer, td ptrace.Traces) error {
	var b strings.Builder
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				fmt.Fprintf(&b, "%s %d\n", s.TraceID(), s.SpanID()[1])
			}
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// crasher sends calls to a child until they are accepted, across its deaths.
type crasher struct {
	t    *testing.T
	dir  string
	left map[int]bool
}

// run starts a child, sends it what is left, and kills it when it has accepted so
// many calls; a life of 0 lets it end.
func (c *crasher) run(life int) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrashChild$")
	cmd.Env = append(os.Environ(), childDir+"="+c.dir)
	in, err := cmd.StdinPipe()
	require.NoError(c.t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(c.t, err)
	require.NoError(c.t, cmd.Start())
	dead := make(chan struct{})
	go func() {
		defer in.Close()
		for n := range crashCalls {
			if c.left[n] {
				if _, err := fmt.Fprintln(in, n); err != nil {
					return
				}
			}
		}
		if life > 0 {
			<-dead // idle until it is killed
		}
	}()
	accepted, ended := c.read(out, func(accepted int) {
		if accepted == life {
			_ = cmd.Process.Kill()
		}
	})
	close(dead)
	err = cmd.Wait()
	if life == 0 {
		require.NoError(c.t, err)
		require.True(c.t, ended)
	}
	for _, n := range accepted {
		delete(c.left, n)
	}
}

func (c *crasher) read(out io.Reader, each func(accepted int)) (accepted []int, ended bool) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var n int
		if _, err := fmt.Sscanf(lines.Text(), "accepted %d", &n); err == nil {
			accepted = append(accepted, n)
			each(len(accepted))
		}
		ended = ended || lines.Text() == "done"
	}
	return accepted, ended
}

const crashCalls = 3000

func TestKilledUnderLoadNothingIsLostAndNoTraceIsHalf(t *testing.T) {
	c := &crasher{t: t, dir: t.TempDir(), left: map[int]bool{}}
	for n := range crashCalls {
		c.left[n] = true
	}
	for range 8 {
		c.run(1 + rand.IntN(250))
	}
	c.run(0)
	require.Empty(t, c.left, "every call was accepted in the end")

	spans := c.delivered()
	lost, half, unwanted := 0, 0, 0
	for trace := range (crashCalls - crashDelay) * crashTraces {
		switch got := len(spans[crashID(trace).String()]); {
		case !wanted(trace) && got > 0:
			unwanted++
		case wanted(trace) && got == 0:
			lost++
		case wanted(trace) && got < 5:
			half++
		}
	}
	assert.Zero(t, lost, "kept traces lost")
	assert.Zero(t, half, "half traces")
	assert.Zero(t, unwanted, "traces that nobody wanted")

	h, host := startStored(t, c.dir, &sink{})
	assert.Zero(t, h.journal.Pending(), "nothing is left in the storage")
	stopStored(t, h, host)
}

// delivered reads which spans of each trace came out, and logs how many twice.
func (c *crasher) delivered() map[string]map[string]bool {
	data, err := os.ReadFile(filepath.Join(c.dir, "delivered"))
	require.NoError(c.t, err)
	spans := map[string]map[string]bool{}
	again := 0
	for line := range strings.Lines(string(data)) {
		trace, span, _ := strings.Cut(strings.TrimSpace(line), " ")
		if spans[trace] == nil {
			spans[trace] = map[string]bool{}
		}
		if spans[trace][span] {
			again++
		}
		spans[trace][span] = true
	}
	c.t.Logf("%d traces delivered, %d spans more than once", len(spans), again)
	return spans
}

func TestARestartGoesOnWhereItStopped(t *testing.T) {
	dir := t.TempDir()
	next := &sink{}
	h, host := startStored(t, dir, &sink{answer: func(context.Context, int, ptrace.Traces) error { return errBusy }})
	require.NoError(t, h.ConsumeTraces(t.Context(), spans(1, 2, failing, settled)))
	require.NoError(t, h.ConsumeTraces(t.Context(), spans(2, 2, settled)))
	h.cfg.Delivery.ShutdownTimeout = 50 * time.Millisecond
	require.Error(t, h.Shutdown(t.Context()), "the next component is dead")
	require.NoError(t, host.ext.Shutdown(t.Context()))

	h, host = startStored(t, dir, next)
	require.NoError(t, h.ConsumeTraces(t.Context(), spans(1, 1, child)))
	require.NoError(t, h.ConsumeTraces(t.Context(), spans(2, 1, child, failing, settled)))
	stopStored(t, h, host)
	assert.Equal(t, 3, next.of(1), "what was not delivered, and a late span")
	assert.Zero(t, next.of(2), "the decision is remembered")
}

func TestMarksSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	rare := policy.Config{Name: "half", Type: policy.Probabilistic, Probabilistic: policy.ProbabilisticConfig{SamplingPercentage: 50, HashSalt: "pepper"}}
	var states [2]map[pcommon.TraceID]string
	for i := range states {
		next := &sink{}
		h, host := startStored(t, dir, next, rare)
		for n := range 50 {
			require.NoError(t, h.ConsumeTraces(t.Context(), spans(n+1, 1, settled)))
		}
		stopStored(t, h, host)
		states[i] = map[pcommon.TraceID]string{}
		for _, td := range next.all {
			for _, rs := range td.ResourceSpans().All() {
				for _, s := range rs.ScopeSpans().At(0).Spans().All() {
					states[i][s.TraceID()] = s.TraceState().AsRaw()
				}
			}
		}
	}
	require.Greater(t, len(states[0]), 10)
	assert.Equal(t, states[0], states[1], "late spans after it are marked alike")
	for _, state := range states[0] {
		assert.Contains(t, state, "rv:")
		assert.Contains(t, state, "th:8")
	}
}

func TestAStoredCallThatIsBrokenIsGivenUp(t *testing.T) {
	dir := t.TempDir()
	h, host := startStored(t, dir, &sink{})
	_, err := h.journal.Accept([]byte{0xff}, 1)
	require.NoError(t, err)
	stopStored(t, h, host)
	h, host = startStored(t, dir, &sink{})
	require.NoError(t, h.ConsumeTraces(t.Context(), spans(1, 1, settled)))
	stopStored(t, h, host)
	h, host = startStored(t, dir, &sink{})
	assert.Zero(t, h.journal.Pending())
	stopStored(t, h, host)
}

// fullStorage is a storage extension and client that takes nothing.
type fullStorage struct {
	component.Component
	storage.Client
}

func (f *fullStorage) Start(context.Context, component.Host) error { return nil }
func (f *fullStorage) Shutdown(context.Context) error              { return nil }

func (f *fullStorage) GetClient(context.Context, component.Kind, component.ID, string) (storage.Client, error) {
	return f, nil
}

func (f *fullStorage) Batch(context.Context, ...*storage.Operation) error {
	return storage.ErrStorageFull
}

func TestAFullStorageRefusesCalls(t *testing.T) {
	host := &storageHost{Host: componenttest.NewNopHost(), id: component.MustNewID("full"), ext: &fullStorage{Client: storage.NewNopClient()}}
	r := startOn(t, host, &sink{}, func(c *Config) { c.Storage = &host.id })
	err := r.ConsumeTraces(t.Context(), spans(1, 1, failing, settled))
	require.ErrorIs(t, err, storage.ErrStorageFull)
	assert.False(t, consumererror.IsPermanent(err))
	assert.Equal(t, int64(1), r.count("tailhook_storage_errors"))
	assert.Equal(t, int64(1), r.count("tailhook_refused_spans"))
	r.close()
}

func TestStartFailsForAStorageThatIsNotThere(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Policies = baseline
	missing := component.MustNewID("nowhere")
	cfg.Storage = &missing
	h, err := newHook(nopSettings(), cfg, &sink{})
	require.NoError(t, err)
	err = h.Start(t.Context(), componenttest.NewNopHost())
	assert.ErrorContains(t, err, `no storage extension with the id "nowhere"`)
	require.NoError(t, h.Shutdown(t.Context()))
}
