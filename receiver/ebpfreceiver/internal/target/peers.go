package target

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of OwnPeers.
const (
	// ownGrace is how long a connection of the Collector is remembered after it
	// was last seen: what was sent on it may be reported later.
	ownGrace = 30 * time.Second
	ownLimit = 1 << 16
	// ownMinAge is the least time between two looks on demand.
	ownMinAge = 250 * time.Millisecond
)

// OwnPeers knows the TCP connections of the Collector itself, so that the other
// end of one, seen in a traced process, can be recognised: telemetry about
// sending telemetry helps nobody and never ends.
//
// It asks the kernel about its own descriptors rather than read the table of
// all connections of the machine. All methods may be called from anywhere.
type OwnPeers struct {
	netns   uint32
	known   atomic.Pointer[ownSockets]
	refresh sync.Mutex // one at a time
	dropped atomic.Uint64

	sockets   func() ([]ownSocket, error)
	addresses func() ([]net.Addr, error)
}

// ownSocket is a TCP socket of this process. A listening one has no remote end.
type ownSocket struct{ local, remote netip.AddrPort }

// ownSockets is what was seen, immutable.
type ownSockets struct {
	at          time.Time
	connections map[ownSocket]time.Time // when it was last seen
	listening   map[netip.AddrPort]struct{}
	every       map[uint16]struct{} // ports that are listened on at every address
	addresses   map[netip.Addr]struct{}
}

// NewOwnPeers returns an OwnPeers that has looked once. Netns is the network
// namespace of the Collector.
func NewOwnPeers(netns uint32) (*OwnPeers, error) {
	return newOwnPeers(netns, readOwnSockets, net.InterfaceAddrs)
}

func newOwnPeers(netns uint32, sockets func() ([]ownSocket, error), addresses func() ([]net.Addr, error)) (*OwnPeers, error) {
	o := &OwnPeers{netns: netns, sockets: sockets, addresses: addresses}
	o.known.Store(&ownSockets{})
	return o, o.Refresh()
}

// Run refreshes at every interval until ctx is done.
func (o *OwnPeers) Run(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_ = o.Refresh() // what is known stays known
		}
	}
}

// Dropped counts connections of the Collector that could not be remembered.
func (o *OwnPeers) Dropped() uint64 { return o.dropped.Load() }

// Contains reports whether the Collector is at the remote end of a connection
// that a process in this network namespace has with these (unmapped) ends. It
// never waits, and knows what the last Refresh saw.
func (o *OwnPeers) Contains(netns uint32, local, remote netip.AddrPort) bool {
	known := o.known.Load()
	if remote.Addr().IsLoopback() && netns != o.netns {
		return false // another namespace has another loopback
	}
	if _, ok := known.connections[ownSocket{local: remote, remote: local}]; ok {
		return true
	}
	if netns != o.netns {
		return false
	}
	if _, ok := known.listening[remote]; ok {
		return true
	}
	if _, ok := known.every[remote.Port()]; !ok {
		return false
	}
	_, ok := known.addresses[remote.Addr()]
	return ok || remote.Addr().IsLoopback() || remote.Addr() == local.Addr()
}

// Resolve is Contains for a connection that has just been opened: if it is not
// known it looks again, but not more than four times a second. It takes a few
// microseconds for each descriptor of the Collector when it does.
func (o *OwnPeers) Resolve(netns uint32, local, remote netip.AddrPort) bool {
	if o.Contains(netns, local, remote) {
		return true
	}
	if time.Since(o.known.Load().at) < ownMinAge || !o.refresh.TryLock() {
		return false
	}
	err := o.look()
	o.refresh.Unlock()
	return err == nil && o.Contains(netns, local, remote)
}

// Refresh looks at the sockets that the Collector has now.
func (o *OwnPeers) Refresh() error {
	o.refresh.Lock()
	defer o.refresh.Unlock()
	return o.look()
}

// look requires the lock.
func (o *OwnPeers) look() error {
	sockets, err := o.sockets()
	if err != nil {
		return err
	}
	now := time.Now()
	next := &ownSockets{
		at: now, connections: make(map[ownSocket]time.Time, len(sockets)),
		listening: make(map[netip.AddrPort]struct{}), every: make(map[uint16]struct{}), addresses: o.ownAddresses(),
	}
	for _, socket := range sockets {
		switch {
		case !socket.remote.IsValid() && socket.local.Addr().IsUnspecified():
			next.every[socket.local.Port()] = struct{}{}
		case !socket.remote.IsValid():
			next.listening[socket.local] = struct{}{}
		default:
			o.remember(next, socket, now)
		}
	}
	for socket, seen := range o.known.Load().connections {
		if _, again := next.connections[socket]; !again && now.Sub(seen) < ownGrace {
			o.remember(next, socket, seen)
		}
	}
	o.known.Store(next)
	return nil
}

func (o *OwnPeers) remember(next *ownSockets, socket ownSocket, seen time.Time) {
	if len(next.connections) >= ownLimit {
		o.dropped.Add(1)
		return
	}
	next.connections[socket] = seen
}

func (o *OwnPeers) ownAddresses() map[netip.Addr]struct{} {
	list, err := o.addresses()
	if err != nil {
		return o.known.Load().addresses
	}
	addresses := make(map[netip.Addr]struct{}, len(list))
	for _, entry := range list {
		if prefix, err := netip.ParsePrefix(entry.String()); err == nil {
			addresses[prefix.Addr().Unmap()] = struct{}{}
		}
	}
	return addresses
}
