package ebpfreceiver

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"

	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/conn"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/kspan"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/metadata"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/monotime"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/probe"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/shard"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/stream"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target"
)

const (
	// format is the format of the spans, for the receiver's own metrics.
	format = "ebpf"
	// maxWorkers bounds the goroutines that follow connections.
	maxWorkers = 8
	// peersInterval is how often the Collector's own connections are looked at.
	peersInterval = 10 * time.Second
)

// ebpfReceiver is the receiver. Start and Shutdown are called once, by the
// Collector.
type ebpfReceiver struct {
	config  *Config
	set     receiver.Settings
	next    consumer.Traces
	obs     *receiverhelper.ObsReport
	metrics *metadata.TelemetryBuilder
	machine machine

	host    component.Host
	kernel  kernel
	tracker tracker
	core    *shard.Core
	stop    context.CancelFunc
	running sync.WaitGroup
}

func newReceiver(set receiver.Settings, config *Config, next consumer.Traces) (*ebpfReceiver, error) {
	obs, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{ReceiverID: set.ID, ReceiverCreateSettings: set})
	if err != nil {
		return nil, err
	}
	metrics, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return &ebpfReceiver{config: config, set: set, next: next, obs: obs, metrics: metrics, machine: thisMachine()}, nil
}

// Start loads the kernel side and begins to trace. If that is not possible here
// the error says what is missing and what to do, and so does the status of the
// component.
func (r *ebpfReceiver) Start(ctx context.Context, host component.Host) error {
	r.host = host
	if err := r.start(); err != nil {
		err = fmt.Errorf("start tracing: %w", errors.Join(err, r.Shutdown(ctx)))
		componentstatus.ReportStatus(host, componentstatus.NewPermanentErrorEvent(err))
		return err
	}
	return nil
}

func (r *ebpfReceiver) start() error {
	var err error
	if r.kernel, err = r.machine.open(r.probeOptions()); err != nil {
		return err
	}
	known := newProcesses(r.kernel, r.config.Targets.MaxProcesses)
	tracker, machineHost, isListening, err := r.machine.track(&r.config.Targets, known)
	if err != nil {
		return fmt.Errorf("find processes: %w", err)
	}
	r.tracker = tracker
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	options := r.coreOptions(machineHost)
	births := newNewborns(known.Resource, r.config.Targets.MaxProcesses)
	options.Resource, options.Undescribed = known.Resource, births.Resource
	options.Conn.Role = roleBy(isListening)
	if options.Conn.Ignore, err = r.ignore(ctx); err != nil {
		return err
	}
	if r.core, err = shard.Start(options); err != nil {
		return err
	}
	if err := r.observe(); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	// What runs when Start returns is traced from then on.
	if err := tracker.Scan(ctx); err != nil {
		return fmt.Errorf("find processes: %w", err)
	}
	r.running.Go(func() {
		r.follow("trace", func() error { return r.kernel.Run(&tee{r.core.Handler(), tracker, births}, r.core.Idle) })
	})
	r.running.Go(func() { r.follow("find processes", func() error { return tracker.Run(ctx) }) })
	return nil
}

// follow runs something that must not end before Shutdown. If it does, the
// receiver says so rather than go on idle.
func (r *ebpfReceiver) follow(what string, run func() error) {
	if err := run(); err != nil {
		err = fmt.Errorf("%s: %w", what, err)
		r.set.Logger.Error("The receiver has stopped", zap.Error(err))
		componentstatus.ReportStatus(r.host, componentstatus.NewPermanentErrorEvent(err))
	}
}

// tee hands events to the core, and changes of processes to those who follow them.
type tee struct {
	event.Handler
	tracker tracker
	births  *newborns
}

// Process takes a change of a process.
func (t *tee) Process(p *event.Process) {
	t.Handler.Process(p)
	t.tracker.Notify(p)
	t.births.note(p)
}

func (r *ebpfReceiver) probeOptions() *probe.Options {
	c := r.config
	return &probe.Options{
		CaptureSize: uint32(c.CaptureSize), RingSize: uint32(c.RingSize),
		MaxConnections: uint32(c.MaxConnections), MaxThreads: uint32(c.MaxThreads),
		NoHandoffs: !c.Evidence,
	}
}

func (r *ebpfReceiver) coreOptions(host *target.Host) *shard.Options {
	c := r.config
	return &shard.Options{
		Workers: min(max(runtime.GOMAXPROCS(0)/2, 1), maxWorkers),
		Conn: conn.Options{
			MaxConnections: c.MaxConnections, MaxPending: c.MaxPendingExchanges, MaxExchanges: c.MaxExchanges,
			Bytes:           stream.Limits{StreamBytes: c.MaxStreamBytes, TotalBytes: c.MaxBufferedBytes},
			ExchangeTimeout: c.ExchangeTimeout, IdleTimeout: c.IdleTimeout,
			Protocols: c.enabledProtocols(), Parser: r.parserOptions(), Opaque: c.Opaque != OpaqueDrop,
		},
		Span: kspan.Options{
			Evidence: c.Evidence, HideOpaque: c.Opaque == OpaqueEvidence, Seed: host.ID + "/" + host.BootID,
			Context: c.TraceContext.options(),
		},
		Scope:      kspan.Scope{Name: metadata.ScopeName, Version: r.set.BuildInfo.Version},
		MaxThreads: c.MaxThreads, MaxProcesses: c.Targets.MaxProcesses, MaxSpans: c.MaxPendingSpans,
		FlushInterval: c.FlushInterval,
		Clock:         &monotime.System{},
		Consume:       r.consume,
	}
}

func (r *ebpfReceiver) parserOptions() *protocol.Options {
	c := r.config
	o := &protocol.Options{
		ContextHeaders: tracectx.NewReader(c.TraceContext.options()).HeaderNames(), RawStatements: !c.Sanitize.Statements,
		RawQueries: !c.Sanitize.Queries, MaxStatement: c.MaxTextLength,
	}
	for _, name := range c.CaptureHeaders {
		o.CaptureHeaders = append(o.CaptureHeaders, strings.ToLower(name))
	}
	return o
}

// roleBy finds the role of a connection that existed before tracing and of which the
// kernel side cannot tell it: accepted, if there is a listener on its local port.
// Without one it may have been a server's whose listener is closed: the protocol will
// tell.
func roleBy(isListening listening) func(*event.Conn) event.Role {
	return func(c *event.Conn) event.Role {
		if isListening(c.NetNS, c.Local) {
			return event.RoleServer
		}
		return event.RoleUnknown
	}
}

// ignore returns what recognises the Collector's own peers, nil if they are to be
// traced.
func (r *ebpfReceiver) ignore(ctx context.Context) (func(*event.Conn) bool, error) {
	if r.config.TraceOwnPeers {
		return nil, nil
	}
	peers, err := r.machine.own()
	if err != nil {
		return nil, fmt.Errorf("find the Collector's own connections: %w", err)
	}
	r.running.Go(func() { r.refresh(ctx, peers) })
	return func(c *event.Conn) bool { return peers.Resolve(c.NetNS, c.Local, c.Remote) }, nil
}

// refresh looks at the Collector's own connections now and then.
func (r *ebpfReceiver) refresh(ctx context.Context, peers ownPeers) {
	ticker := time.NewTicker(peersInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := peers.Refresh(); err != nil {
				r.set.Logger.Debug("Cannot look at the Collector's own connections", zap.Error(err))
			}
		}
	}
}

// consume hands a batch on. One that is refused is gone, and counted by the
// receiver's refused and failed spans: to offer it again could deliver it twice,
// and what comes meanwhile would be lost instead.
func (r *ebpfReceiver) consume(ctx context.Context, traces ptrace.Traces) {
	spans := traces.SpanCount()
	ctx = r.obs.StartTracesOp(ctx)
	err := r.next.ConsumeTraces(ctx, traces)
	r.obs.EndTracesOp(ctx, format, spans, err)
}

// Shutdown stops tracing and delivers what was seen.
func (r *ebpfReceiver) Shutdown(ctx context.Context) (err error) {
	r.metrics.Shutdown()
	if r.kernel != nil {
		err = r.kernel.Close()
	}
	if r.stop != nil {
		r.stop()
	}
	r.running.Wait()
	if r.core != nil {
		err = errors.Join(err, r.core.Shutdown(ctx))
	}
	r.kernel, r.stop, r.core = nil, nil, nil
	return err
}
