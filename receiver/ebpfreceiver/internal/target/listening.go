package target

import (
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/procfs"
)

// Listening knows the ports that are listened on in each network namespace with
// traced processes. One goroutine writes it, any may ask; asking never waits.
type Listening struct {
	nets  atomic.Pointer[map[uint32]*listeners]
	wants func(port uint16) bool // whether a rule names the port
}

// listeners are those of one namespace, immutable.
type listeners struct {
	sockets []procfs.Listener
	every   map[uint16]struct{} // ports that are listened on at every address
	some    map[netip.AddrPort]struct{}
	hash    uint64            // of the sockets
	wanted  map[uint64]uint16 // inode to port, of ports that rules name
	basis   uint64            // hash of wanted
}

func newListening(wants func(port uint16) bool) *Listening {
	l := &Listening{wants: wants}
	l.nets.Store(&map[uint32]*listeners{})
	return l
}

// IsListening reports whether a connection with this local end was accepted by
// a listener, as far as is known now. The address is an unmapped one.
//
// A connection that somebody opened towards its own listening port, from a
// socket bound to it, cannot be told from an accepted one; nobody does that.
func (l *Listening) IsListening(netns uint32, local netip.AddrPort) bool {
	found := (*l.nets.Load())[netns]
	if found == nil {
		return false
	}
	if _, ok := found.every[local.Port()]; ok {
		return true
	}
	_, ok := found.some[local]
	return ok
}

// has reports whether anybody listens on the port, at whatever address.
func (l *listeners) has(port uint16) bool {
	return slices.ContainsFunc(l.sockets, func(s procfs.Listener) bool { return s.Local.Port() == port })
}

func (l *Listening) in(netns uint32) *listeners { return (*l.nets.Load())[netns] }

// update replaces what is known of a namespace.
func (l *Listening) update(netns uint32, sockets []procfs.Listener) *listeners {
	found := l.index(sockets)
	if old := l.in(netns); old != nil && old.hash == found.hash && len(old.sockets) == len(sockets) {
		return old
	}
	l.edit(func(nets map[uint32]*listeners) { nets[netns] = found })
	return found
}

// add notes a port that an event tells of. The next update replaces it.
func (l *Listening) add(netns uint32, port uint16) {
	var sockets []procfs.Listener
	if old := l.in(netns); old != nil {
		sockets = old.sockets
	}
	l.update(netns, append(slices.Clip(sockets), procfs.Listener{Local: netip.AddrPortFrom(netip.IPv6Unspecified(), port)}))
}

// retain forgets all namespaces but those that keep says.
func (l *Listening) retain(keep func(netns uint32) bool) {
	for netns := range *l.nets.Load() {
		if !keep(netns) {
			l.edit(func(nets map[uint32]*listeners) { delete(nets, netns) })
		}
	}
}

func (l *Listening) edit(change func(map[uint32]*listeners)) {
	old := *l.nets.Load()
	nets := make(map[uint32]*listeners, len(old)+1)
	for netns, found := range old {
		nets[netns] = found
	}
	change(nets)
	l.nets.Store(&nets)
}

func (l *Listening) index(sockets []procfs.Listener) *listeners {
	found := &listeners{
		sockets: sockets, every: make(map[uint16]struct{}), some: make(map[netip.AddrPort]struct{}), wanted: make(map[uint64]uint16),
	}
	for _, socket := range sockets {
		port := socket.Local.Port()
		// Sums: the order changes with the hash tables of the kernel.
		hash := (socket.Inode<<16 | uint64(port)) * 0x9e3779b97f4a7c15
		found.hash += hash
		if l.wants(port) {
			found.wanted[socket.Inode] = port
			found.basis += hash
		}
		if socket.Local.Addr().IsUnspecified() {
			found.every[port] = struct{}{}
		} else {
			found.some[socket.Local] = struct{}{}
		}
	}
	return found
}
