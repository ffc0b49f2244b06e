package join

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// Methods of links that are made here.
const (
	MethodTCP     = "tcp"          // the two ends of a connection
	MethodNAT     = "tcp_position" // the same, though the addresses differ
	MethodContext = "context"      // the caller itself has named its parent
)

// natConfidence is that of a link by positions alone: 64 random bits and two lengths.
const natConfidence = 0.9999

// Path is how the two ends of a connection that were joined lie.
type Path uint8

// Paths.
const (
	OneHost    Path = iota // on one host
	TwoHosts               // on two
	Translated             // the two ends know each other under different addresses
	Paths
)

// String is the value of the attribute path in metrics.
func (p Path) String() string {
	return [...]string{"host", "hosts", "translated", "unknown"}[min(p, Paths)]
}

// clockSlack is how far the clocks of two processes on one host may seem apart: times
// are turned into Unix time per batch. ns.
const clockSlack = int64(1e6)

// connection is a hash of what names a request on the wire, the same at both ends:
// addresses and TCP position. Whoever finds a span by it compares.
type connection uint64

func connectionOf(s *Span) (connection, bool) {
	client, server := s.Local, s.Peer
	if s.Server {
		client, server = server, client
	}
	if !client.IsValid() || !server.IsValid() || client.Port() == 0 {
		return 0, false
	}
	h := s.scope(s.Local.Addr())
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

// scope is within what an address has a meaning: a loopback's on its host, any
// other's everywhere. Where that is not so, as in networks of containers, the TCP
// position still tells connections apart.
func (s *Span) scope(addr netip.Addr) uint64 {
	if addr.IsLoopback() {
		return s.Process.host.id
	}
	return 0
}

// twins reports whether the two spans are the ends of one connection, at one place.
func twins(client, server *Span) bool {
	return client.Seq == server.Seq && client.Local == server.Peer && client.Peer == server.Local &&
		client.scope(client.Local.Addr()) == server.scope(server.Local.Addr())
}

// connect looks for the other end of the connection of a new span. If it is not
// here but can be expected, that is an open question.
func (a *Assembler) connect(s *Span) {
	a.hostOf(s.Process)
	c, ok := connectionOf(s)
	if !ok || a.config.Apart || s.joined {
		return
	}
	a.meet(s.Local.Addr())
	mine, others := a.clients, a.servers
	if s.Server {
		mine, others = a.servers, a.clients
		a.serve(s)
	}
	mine[c] = s
	if client, server := ends(s, others[c]); client != nil && twins(client, server) {
		a.join(client, server, MethodTCP)
	}
	a.connectAlike(s)
	if !s.joined {
		a.expect(s)
	}
}

// ends puts two spans in order. The first is nil if they are not two.
func ends(s, other *Span) (client, server *Span) {
	switch {
	case other == nil:
		return nil, nil
	case s.Server:
		return other, s
	}
	return s, other
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
	a.unlist(s)
}

// join makes the client's span the parent of the server's: they are two views of one
// request, so this is certain.
func (a *Assembler) join(client, server *Span, method string) {
	if server.joined || client.joined {
		return
	}
	oneHost := client.Process.host == server.Process.host
	if oneHost && !within(client, server, 0, clockSlack) {
		a.Counts.Rejected[Clock]++
		return
	}
	adopted := a.adopt(client, server)
	if !a.hang(server, client) {
		return
	}
	if adopted || a.aliases.of(client.wire()).trace == a.aliases.of(server.wire()).trace && client.WireParent == server.WireParent {
		server.explicit = false
	}
	if !server.explicit {
		server.method, server.confidence = method, 1
		if method == MethodNAT {
			server.confidence = natConfidence
		}
	}
	if !oneHost {
		a.compareClocks(client, server)
	}
	a.joined(client, server, method, oneHost)
}

// joined notes that two ends have found each other, and what that tells of others.
func (a *Assembler) joined(client, server *Span, method string, oneHost bool) {
	switch {
	case method == MethodNAT:
		a.Counts.Joins[Translated]++
		a.meet(server.Peer.Addr())
		a.alias(client, server)
	case oneHost:
		a.Counts.Joins[OneHost]++
	default:
		a.Counts.Joins[TwoHosts]++
	}
	server.joined, client.joined = true, true
	a.unlist(client)
	a.unlist(server)
	a.answer(client, askPeer)
	a.answer(server, askPeer)
	if missed := a.missed(server); missed != nil {
		*missed = 0
	}
}

// within reports whether the server's span began while the client's was open, if the
// server's clock is ahead by offset, give or take slack. ns.
func within(client, server *Span, offset, slack int64) bool {
	start := server.Start - offset
	return start >= client.Start-slack && start <= client.End+slack
}

// adopt gives the client the context that only the server's end saw in the request:
// the client's capture was cut. It reports whether it did.
func (a *Assembler) adopt(client, server *Span) bool {
	if server.WireTrace.IsEmpty() || !client.WireTrace.IsEmpty() || client.released {
		return false
	}
	t, w := client.root().tree, a.aliases.of(server.wire())
	if t.wire.contradicts(w) {
		return false
	}
	t.wire = t.wire.or(w)
	client.WireTrace, client.WireParent, client.explicit = server.WireTrace, server.WireParent, !server.WireParent.IsEmpty()
	client.WireFormat, client.Foreign = server.WireFormat, server.Foreign
	return true
}
