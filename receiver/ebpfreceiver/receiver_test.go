package ebpfreceiver

import (
	"context"
	"errors"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/metadata"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/monotime"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/probe"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/simkernel"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target"
)

// fakeKernel is a kernel side whose events come from a simulated kernel.
type fakeKernel struct {
	marks
	options *probe.Options
	handler chan event.Handler
	closed  chan struct{}
	once    sync.Once
	failure chan error
}

func newFakeKernel() *fakeKernel {
	return &fakeKernel{
		marks: marks{targets: map[uint32]probe.Target{}}, handler: make(chan event.Handler, 1),
		closed: make(chan struct{}), failure: make(chan error, 1),
	}
}

func (k *fakeKernel) Run(h event.Handler, idle func()) error {
	idle()
	k.handler <- h
	select {
	case <-k.closed:
		return nil
	case err := <-k.failure:
		return err
	}
}

func (k *fakeKernel) Close() error {
	k.once.Do(func() { close(k.closed) })
	return nil
}

func (k *fakeKernel) Counters() ([probe.NumCounters]uint64, error) {
	var values [probe.NumCounters]uint64
	for i := range values {
		values[i] = uint64(1000 + i)
	}
	return values, nil
}

// fakeTracker traces the processes it is made with.
type fakeTracker struct {
	sink     target.Sink
	process  *target.Process
	mu       sync.Mutex
	notified []event.Process
}

func (f *fakeTracker) Scan(context.Context) error { return f.sink.Add(f.process) }

func (f *fakeTracker) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func (f *fakeTracker) Notify(p *event.Process) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notified = append(f.notified, *p)
}

func (f *fakeTracker) Stats() target.Stats {
	return target.Stats{Processes: 1, Refused: 2, Failed: 3, Denied: 4, Dropped: 5}
}

// noPeers is a Collector with a connection to port 4317 alone.
type noPeers struct{}

func (noPeers) Refresh() error { return nil }
func (noPeers) Resolve(_ uint32, _, remote netip.AddrPort) bool {
	return remote.Port() == 4317
}

// host remembers the status that a component reports.
type host struct {
	component.Host
	mu     sync.Mutex
	events []*componentstatus.Event
}

func (h *host) Report(ev *componentstatus.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, ev)
}

func (h *host) last() *componentstatus.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.events) == 0 {
		return nil
	}
	return h.events[len(h.events)-1]
}

// rig is a receiver on a fake machine.
type rig struct {
	*ebpfReceiver
	kernel  *fakeKernel
	tracker *fakeTracker
	host    *host
	sim     *simkernel.Kernel
}

func newRig(t *testing.T, set receiver.Settings, next consumer.Traces, change func(*Config)) *rig {
	t.Helper()
	config := load(t, "ebpf")
	if change != nil {
		change(config)
	}
	r, err := newReceiver(set, config, next)
	require.NoError(t, err)
	g := &rig{ebpfReceiver: r, kernel: newFakeKernel(), tracker: &fakeTracker{process: process(100, 1)}, host: &host{Host: componenttest.NewNopHost()}}
	r.machine = machine{
		open: func(o *probe.Options) (kernel, error) {
			g.kernel.options = o
			return g.kernel, nil
		},
		track: func(_ *target.Config, sink target.Sink) (tracker, *target.Host, listening, error) {
			g.tracker.sink = sink
			return g.tracker, &target.Host{ID: "host", BootID: "boot"}, func(uint32, netip.AddrPort) bool { return true }, nil
		},
		own: func() (ownPeers, error) { return noPeers{}, nil },
	}
	return g
}

func (g *rig) start(t *testing.T) {
	t.Helper()
	require.NoError(t, g.Start(t.Context(), g.host))
	g.sim = simkernel.New(<-g.kernel.handler)
	g.sim.Now = new(monotime.System).Now().Mono
}

const (
	request  = "GET /cart?id=7 HTTP/1.1\r\nHost: shop\r\nX-Tenant: blue\r\n\r\n"
	response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
)

func (g *rig) exchange(s *simkernel.Socket, t *simkernel.Thread) {
	s.Read(t, request)
	s.Write(t, response)
}

func settings() receiver.Settings { return receivertest.NewNopSettings(metadata.Type) }

func TestEventsBecomeSpans(t *testing.T) {
	sink := new(consumertest.TracesSink)
	g := newRig(t, settings(), sink, func(c *Config) { c.CaptureHeaders = []string{"X-Tenant"} })
	g.start(t)
	thread := g.sim.Process(100, "shop").Thread()
	g.exchange(g.sim.Accept(thread, "10.0.0.1:80", "10.0.0.2:1234"), thread)
	g.exchange(g.sim.Existing("10.0.0.1:80", "10.0.0.2:1235"), thread)
	peer := g.sim.Dial(thread, "10.0.0.1:999", "10.0.0.9:4317")
	peer.Write(thread, request)
	peer.Read(thread, response)
	g.sim.Process(100, "shop").Exit()
	require.NoError(t, g.Shutdown(t.Context()))
	require.Equal(t, 2, sink.SpanCount(), "what is sent to the Collector is nobody's business")
	rs := sink.AllTraces()[0].ResourceSpans().At(0)
	name, _ := rs.Resource().Attributes().Get("service.name")
	assert.Equal(t, "shop", name.Str())
	assert.Equal(t, metadata.ScopeName, rs.ScopeSpans().At(0).Scope().Name())
	span := rs.ScopeSpans().At(0).Spans().At(0)
	assert.Equal(t, "GET", span.Name())
	a := span.Attributes().AsRaw()
	assert.Equal(t, []any{"blue"}, a["http.request.header.x-tenant"])
	assert.NotContains(t, a["url.query"], "7", "values are replaced by default")
	assert.Equal(t, event.Exit, g.tracker.notified[0].Change)
	assert.Equal(t, probe.Target{GoidOffset: 152, GoidParentOffset: 280}, g.kernel.targets[100])
}

func TestOptionsReachTheKernel(t *testing.T) {
	g := newRig(t, settings(), consumertest.NewNop(), func(c *Config) {
		c.CaptureSize, c.RingSize, c.MaxConnections, c.MaxThreads = 512, 1<<20, 10, 20
		c.Evidence, c.Opaque = false, OpaqueDrop
	})
	g.start(t)
	defer func() { require.NoError(t, g.Shutdown(t.Context())) }()
	assert.Equal(t, &probe.Options{CaptureSize: 512, RingSize: 1 << 20, MaxConnections: 10, MaxThreads: 20, NoHandoffs: true}, g.kernel.options)
}

func TestAnUnfitMachineIsAClearError(t *testing.T) {
	unfit := errors.New("no BTF type information: use a kernel built with CONFIG_DEBUG_INFO_BTF")
	tests := []struct {
		name   string
		change func(*machine)
	}{
		{"the kernel side does not load", func(m *machine) {
			m.open = func(*probe.Options) (kernel, error) { return nil, unfit }
		}},
		{"processes cannot be read", func(m *machine) {
			m.track = func(*target.Config, target.Sink) (tracker, *target.Host, listening, error) {
				return nil, nil, nil, unfit
			}
		}},
		{"the Collector's own sockets cannot be read", func(m *machine) {
			m.own = func() (ownPeers, error) { return nil, unfit }
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newRig(t, settings(), consumertest.NewNop(), nil)
			tt.change(&g.machine)
			err := g.Start(t.Context(), g.host)
			require.ErrorIs(t, err, unfit)
			require.NotNil(t, g.host.last())
			assert.Equal(t, componentstatus.StatusPermanentError, g.host.last().Status())
			assert.ErrorIs(t, g.host.last().Err(), unfit)
			assert.NoError(t, g.Shutdown(t.Context()), "the Collector may shut it down all the same")
		})
	}
}

func TestAReaderThatFailsIsNotSilent(t *testing.T) {
	g := newRig(t, settings(), consumertest.NewNop(), nil)
	g.start(t)
	broken := errors.New("read the ring buffer: broken")
	g.kernel.failure <- broken
	assert.Eventually(t, func() bool { return g.host.last() != nil }, 5*time.Second, time.Millisecond)
	assert.Equal(t, componentstatus.StatusPermanentError, g.host.last().Status())
	assert.ErrorIs(t, g.host.last().Err(), broken)
	assert.NoError(t, g.Shutdown(t.Context()))
}

func TestOtherSystemsAreToldToGoWithout(t *testing.T) {
	if runtime.GOOS == "linux" {
		return // TestLive shows that it runs
	}
	r, err := newReceiver(settings(), load(t, "ebpf"), consumertest.NewNop())
	require.NoError(t, err)
	err = r.Start(t.Context(), componenttest.NewNopHost())
	assert.ErrorContains(t, err, "needs Linux")
}

// TestARefusedBatchIsCounted shows what becomes of spans that nobody takes.
func TestARefusedBatchIsCounted(t *testing.T) {
	telemetry := componenttest.NewTelemetry()
	defer func() { require.NoError(t, telemetry.Shutdown(context.Background())) }()
	set := settings()
	set.TelemetrySettings = telemetry.NewTelemetrySettings()
	g := newRig(t, set, consumertest.NewErr(errors.New("queue is full")), nil)
	g.start(t)
	thread := g.sim.Process(100, "shop").Thread()
	g.exchange(g.sim.Accept(thread, "10.0.0.1:80", "10.0.0.2:1234"), thread)
	require.NoError(t, g.Shutdown(t.Context()))
	assert.EqualValues(t, 1, sum(t, telemetry, "otelcol_receiver_refused_spans")+sum(t, telemetry, "otelcol_receiver_failed_spans"))
	assert.Zero(t, sum(t, telemetry, "otelcol_receiver_accepted_spans"))
}
