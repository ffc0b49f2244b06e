package target

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/procfs"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/resource"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/selector"
)

// Sink is told which processes are traced. It is called by the goroutine of
// Tracker.Run, one call at a time; for one pid the calls are in order.
type Sink interface {
	// Add says that a process is traced from now on. Called again for the same
	// process, it brings a new description: the process runs another program or
	// was moved to another container. An error means that it is not traced after
	// all; it is tried again at the next rescan.
	Add(p *Process) error
	// Remove says that a process is not traced (any more). It may name one that
	// was never added, since the kernel traces a fork before anybody is asked,
	// and one that does not exist any more.
	Remove(pid uint32)
}

// Options are for tests and for what the configuration does not say.
type Options struct {
	Root  string // file system of the host; default "/"
	Self  uint32 // process that is never traced; default this one
	Queue int    // events waiting to be looked at; default 8192
	// UnknownGo is called once for each Go program whose goroutines cannot be told
	// apart, by the goroutine of Run.
	UnknownGo func(executable, version string)
}

// Stats counts what a Tracker did since it was made.
type Stats struct {
	Processes uint64 // traced now
	Inspected uint64 // processes looked at
	Vanished  uint64 // gone while they were looked at: no fault
	Denied    uint64 // could not be looked at for want of privileges
	Refused   uint64 // not traced for max_processes
	Failed    uint64 // not traced since the Sink could not
	Dropped   uint64 // events lost to a full queue: the next rescan repairs
	UnknownGo uint64 // Go programs, by file, whose goroutines cannot be told apart
	Rescans   uint64
	// ScanErrors counts rescans that could not read the list of processes.
	ScanErrors uint64
}

// Tracker follows which processes are to be traced.
//
// Notify and the queries may be called from anywhere and never wait; all else
// happens in the goroutine that calls Run.
type Tracker struct {
	selector  *selector.Selector
	sink      Sink
	describer *resource.Describer
	reader    *procfs.Reader
	host      *Host
	listening *Listening
	queue     chan change
	interval  time.Duration
	limit     int // of traced processes
	self      uint32

	known      map[uint32]*entry
	knownLimit int
	tables     map[uint32]uint64 // by network namespace, the rescan in which its listeners were read
	traced     int
	scanned    bool // the first scan is done

	counts struct {
		processes, inspected, vanished, denied, refused, failed, dropped, unknownGo, rescans, scanErrors atomic.Uint64
	}
}

// change is what is kept of an event.
type change struct {
	kind        event.Change
	port        uint16
	pid, parent uint32
}

// New returns a Tracker that does nothing before Run.
func New(config *Config, sink Sink, options *Options) (*Tracker, error) {
	o := Options{}
	if options != nil {
		o = *options
	}
	if o.Root == "" {
		o.Root = "/"
	}
	if o.Self == 0 {
		o.Self = uint32(os.Getpid())
	}
	if o.Queue == 0 {
		o.Queue = 8192
	}
	rules, err := selector.New(config.Include, config.Exclude)
	if err != nil {
		return nil, fmt.Errorf("compile targets: %w", err)
	}
	host, err := resource.ReadHost(o.Root)
	if err != nil {
		return nil, err
	}
	host.ID = cmp.Or(config.HostID, host.ID)
	reader := procfs.New(o.Root)
	t := &Tracker{
		selector: rules, sink: sink, reader: reader, host: host, listening: newListening(rules.WantsPort), queue: make(chan change, o.Queue),
		interval: config.RescanInterval, limit: config.MaxProcesses, self: o.Self, known: make(map[uint32]*entry), knownLimit: knownLimit,
		tables: make(map[uint32]uint64),
	}
	t.describer = resource.NewDescriber(reader, &resource.Options{
		Host: host, Root: o.Root, CommandArgs: config.CommandArgs,
		UnknownGo: func(executable, version string) {
			t.counts.unknownGo.Add(1)
			if o.UnknownGo != nil {
				o.UnknownGo(executable, version)
			}
		},
	})
	return t, nil
}

// Notify tells of a change that the kernel saw. It keeps nothing of p. When too
// many changes wait it is dropped and counted, and the next rescan repairs.
func (t *Tracker) Notify(p *event.Process) {
	select {
	case t.queue <- change{kind: p.Change, port: p.Port, pid: p.PID, parent: p.Parent}:
	default:
		t.counts.dropped.Add(1)
	}
}

// Scan looks at the processes that exist. When it returns those that match are
// traced. It may be called once, before Run, which otherwise begins with it.
func (t *Tracker) Scan(ctx context.Context) error { return t.rescan(ctx) }

// Run scans the processes that exist and follows them until ctx is done. It is
// to be called once. It returns an error only if /proc cannot be read at first.
// On return the Sink is left as it is.
func (t *Tracker) Run(ctx context.Context) error {
	if !t.scanned {
		if err := t.Scan(ctx); err != nil {
			return err
		}
	}
	ticker := time.NewTicker(t.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case c := <-t.queue:
			t.handle(c)
		case <-ticker.C:
			if err := t.rescan(ctx); err != nil {
				t.counts.scanErrors.Add(1)
			}
		}
	}
}

// Host returns the facts that all processes share.
func (t *Tracker) Host() *Host { return t.host }

// IsListening is Listening.IsListening of the namespaces with traced processes.
func (t *Tracker) IsListening(netns uint32, local netip.AddrPort) bool {
	return t.listening.IsListening(netns, local)
}

// Stats returns the counters. They are not of one instant.
func (t *Tracker) Stats() Stats {
	c := &t.counts
	return Stats{
		Processes: c.processes.Load(), Inspected: c.inspected.Load(), Vanished: c.vanished.Load(), Denied: c.denied.Load(),
		Refused: c.refused.Load(), Failed: c.failed.Load(), Dropped: c.dropped.Load(), UnknownGo: c.unknownGo.Load(), Rescans: c.rescans.Load(),
		ScanErrors: c.scanErrors.Load(),
	}
}
