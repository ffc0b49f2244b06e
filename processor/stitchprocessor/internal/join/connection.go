package join

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"slices"
)

// MethodTCP is the method of a link between the two ends of a connection, and
// MethodContext that of a parent which the caller itself has named.
const (
	MethodTCP     = "tcp"
	MethodContext = "context"
)

// clockSlack is how far the clocks of two processes on one host may seem apart: times
// are turned into Unix time per batch. ns.
const clockSlack = int64(1e6)

// connection is a hash of what names a request on the wire, the same at both ends:
// host, addresses and TCP position. Whoever finds a span by it compares.
type connection uint64

func connectionOf(s *Span) (connection, bool) {
	client, server := s.Local, s.Peer
	if s.Server {
		client, server = server, client
	}
	if !client.IsValid() || !server.IsValid() || client.Port() == 0 {
		return 0, false
	}
	h := s.Process.host.id
	for _, end := range [...]netip.AddrPort{client, server} {
		b := end.Addr().As16()
		h = mix(h, binary.LittleEndian.Uint64(b[:8]))
		h = mix(h, binary.LittleEndian.Uint64(b[8:]))
		h = mix(h, uint64(end.Port()))
	}
	return connection(mix(h, uint64(s.Seq))), true
}

// mix is the multiply-and-fold step of wyhash.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xd1b54a32d192ed03)
	return hi ^ lo
}

// twins reports whether the two spans are the ends of one connection, at one place.
func twins(client, server *Span) bool {
	return client.Seq == server.Seq && client.Local == server.Peer && client.Peer == server.Local &&
		client.Process.host == server.Process.host
}

// connect looks for the other end of the connection of a new span. If it is not
// here but can be expected, that is an open question.
func (a *Assembler) connect(s *Span) {
	host := a.hostOf(s.Process)
	c, ok := connectionOf(s)
	if !ok || a.config.Apart {
		return
	}
	host.meet(s.Local.Addr())
	mine, others := a.clients, a.servers
	if s.Server {
		mine, others = a.servers, a.clients
		a.serve(s)
	}
	mine[c] = s
	if other := others[c]; other != nil {
		if s.Server {
			a.join(other, s)
		} else {
			a.join(s, other)
		}
	}
	if !s.joined {
		a.expect(s)
	}
}

func (a *Assembler) disconnect(s *Span) {
	c, ok := connectionOf(s)
	if !ok {
		return
	}
	mine := a.clients
	if s.Server {
		mine = a.servers
	}
	if mine[c] == s {
		delete(mine, c)
	}
}

// join makes the client's span the parent of the server's: they are two views of one
// request, so this is certain.
func (a *Assembler) join(client, server *Span) {
	if server.joined || client.joined || !twins(client, server) {
		return
	}
	if server.Start < client.Start-clockSlack || server.Start > client.End+clockSlack {
		a.Counts.Rejected[Clock]++
		return
	}
	adopted := a.adopt(client, server)
	if !a.hang(server, client) {
		return
	}
	if adopted || client.WireTrace == server.WireTrace && client.WireParent == server.WireParent {
		server.explicit = false
	}
	if !server.explicit {
		server.method, server.confidence = MethodTCP, 1
	}
	a.Counts.Joins++
	server.joined, client.joined = true, true
	a.answer(client, askPeer)
	a.answer(server, askPeer)
	if lis := client.Process.host.listeners[server.Local]; lis != nil {
		lis.missed = 0
	}
}

// adopt gives the client the context that only the server's end saw in the request:
// the client's capture was cut. It reports whether it did.
func (a *Assembler) adopt(client, server *Span) bool {
	if server.WireTrace.IsEmpty() || !client.WireTrace.IsEmpty() || client.released {
		return false
	}
	t := client.root().tree
	if t.wire.contradicts(server.wire()) {
		return false
	}
	t.wire = t.wire.or(server.wire())
	client.WireTrace, client.WireParent, client.explicit = server.WireTrace, server.WireParent, !server.WireParent.IsEmpty()
	client.WireFormat, client.Foreign = server.WireFormat, server.Foreign
	return true
}

// ---- whether the other end can be expected ------------------------------------

// listener is an address that processes of a host serve.
type listener struct {
	by      []*Process
	waiting []*Span // calls to it whose server span is not here, by arrival
	missed  int     // local connections in a row whose client was never seen
}

const (
	maxHosts     = 4096
	maxListeners = 16384
	maxServing   = 256 // processes that share an address
	maxAddresses = 256 // local addresses of a host
	// maxMissed is after how many local connections without a client span none is
	// expected any more: whoever calls is not traced.
	maxMissed = 64
)

// hostOf returns the host of a process. All that find no room share one.
func (a *Assembler) hostOf(p *Process) *host {
	if p.host != nil {
		return p.host
	}
	id := p.hostID
	if a.hosts[id] == nil && len(a.hosts) == maxHosts {
		a.Counts.Hosts++
		id = ""
	}
	if a.hosts[id] == nil {
		a.hosts[id] = &host{id: uint64(len(a.hosts)), addresses: map[netip.Addr]struct{}{}, listeners: map[netip.AddrPort]*listener{}}
	}
	p.host = a.hosts[id]
	return p.host
}

// meet remembers an address of the host's own.
func (h *host) meet(addr netip.Addr) {
	if _, known := h.addresses[addr]; !known && len(h.addresses) < maxAddresses {
		h.addresses[addr] = struct{}{}
	}
}

// local reports whether addr is one of the host's own, as far as is known.
func (h *host) local(addr netip.Addr) bool {
	_, known := h.addresses[addr]
	return known || addr.IsLoopback()
}

// serve remembers that the process of s serves its local address.
func (a *Assembler) serve(s *Span) {
	host := s.Process.host
	lis := host.listeners[s.Local]
	if lis == nil {
		if a.listeners == maxListeners {
			a.Counts.Listeners++
			return
		}
		a.listeners++
		lis = &listener{}
		host.listeners[s.Local] = lis
	}
	if len(lis.by) < maxServing && !slices.Contains(lis.by, s.Process) {
		lis.by = append(lis.by, s.Process)
		s.Process.serves = append(s.Process.serves, lis)
	}
}

// expect opens the question of the other end, if it is on this host and traced.
func (a *Assembler) expect(s *Span) {
	host := s.Process.host
	if s.Server {
		lis := host.listeners[s.Local]
		if lis == nil || lis.missed >= maxMissed || !host.local(s.Peer.Addr()) {
			return
		}
	} else {
		lis := host.listeners[s.Peer]
		if lis == nil || len(lis.by) == 0 {
			return
		}
		lis.waiting = append(lis.waiting, s)
	}
	a.ask(s, askPeer)
	a.expecting.push(s, a.now+a.config.PeerWait)
}

// giveUpPeers closes questions that have been open for too long.
func (a *Assembler) giveUpPeers() {
	for s := a.expecting.due(a.now); s != nil; s = a.expecting.due(a.now) {
		if s.open&askPeer == 0 {
			continue
		}
		if lis := s.Process.host.listeners[s.Local]; s.Server && lis != nil {
			lis.missed++
		}
		a.answer(s, askPeer)
	}
}

// Watermark says that all server spans of p which began before t have been added.
// Calls that had ended by then will not find their server span any more.
func (a *Assembler) Watermark(p *Process, t, now int64) {
	a.now = max(a.now, now)
	p.watermark, p.seen = max(p.watermark, t), a.now
	for _, lis := range p.serves {
		least := a.leastWatermark(lis)
		n := 0
		for n < len(lis.waiting) {
			s := lis.waiting[n]
			if s.open&askPeer != 0 && s.End >= least {
				break
			}
			a.answer(s, askPeer)
			n++
		}
		lis.waiting = slices.Delete(lis.waiting, 0, n)
	}
}

// leastWatermark is the time up to which all server spans at lis are here. A process
// that has not been heard of for long is gone, and serves nothing.
func (a *Assembler) leastWatermark(lis *listener) int64 {
	least := int64(1<<63 - 1)
	lis.by = slices.DeleteFunc(lis.by, func(p *Process) bool {
		gone := p.seen+2*a.config.PeerWait < a.now && p.seen != 0
		if !gone {
			least = min(least, p.watermark)
		} else {
			p.serves = slices.DeleteFunc(p.serves, func(other *listener) bool { return other == lis })
		}
		return gone
	})
	return least
}
