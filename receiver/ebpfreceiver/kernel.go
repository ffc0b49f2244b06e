package ebpfreceiver

import (
	"context"
	"net/netip"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/probe"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target"
)

// reader reads what the kernel side sees.
type reader interface {
	// Run hands events to h until Close; then it returns nil, once all is read that
	// came before. idle is called whenever there is nothing more to read for now.
	Run(h event.Handler, idle func()) error
	Close() error
}

// marker tells the kernel side which processes to look at.
type marker interface {
	SetTarget(pid uint32, t probe.Target) error
	ClearTarget(pid uint32) error
}

// kernel is the kernel side at work.
type kernel interface {
	reader
	marker
	Counters() ([probe.NumCounters]uint64, error)
}

// tracker finds the processes to trace.
type tracker interface {
	// Scan finds those that exist; then Run follows the changes.
	Scan(ctx context.Context) error
	Run(ctx context.Context) error
	Notify(p *event.Process)
	Stats() target.Stats
}

// machine is what the receiver needs of the machine, for tests to replace.
type machine struct {
	// open loads the kernel side. Its error says what is missing and what to do.
	open func(o *probe.Options) (kernel, error)
	// track returns a tracker that reports to sink, who runs it, and which ports
	// are listened on.
	track func(c *target.Config, sink target.Sink) (tracker, *target.Host, listening, error)
	// own returns what knows the Collector's own connections.
	own func() (ownPeers, error)
}

// listening says whether local is a listener's address in a network namespace.
type listening func(netns uint32, local netip.AddrPort) bool

// ownPeers knows the connections of the Collector.
type ownPeers interface {
	Refresh() error
	Resolve(netns uint32, local, remote netip.AddrPort) bool
}
