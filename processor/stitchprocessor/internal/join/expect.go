package join

import (
	"net/netip"
	"slices"
)

// place is an address that is served. See Span.scope.
type place struct {
	scope uint64
	at    netip.AddrPort
}

func (s *Span) place(at netip.AddrPort) place { return place{s.scope(at.Addr()), at} }

// listener is an address that processes serve.
type listener struct {
	by      []*Process
	waiting []*Span // calls to it whose server span is not here, by arrival
	missed  int     // requests in a row of a loopback or of nobody known, without a client span
	used    int64   // when it was served last, ns
}

// caller is an address from which calls have come that are traced.
type caller struct {
	missed int   // requests of it in a row without a client span
	used   int64 // when it called last, ns
}

const (
	maxHosts     = 4096
	maxListeners = 16384
	maxServing   = 256 // processes that share an address
	maxCallers   = 65536
	// maxMissed is after how many requests without a client span none is expected any
	// more: whoever calls is not traced.
	maxMissed = 64
)

// hostOf returns the host of a process. All that find no room share one.
func (a *Assembler) hostOf(p *Process) *host {
	if p.host == nil || p.host.gone {
		p.host = a.host(p.hostID)
	}
	p.host.used = a.now
	return p.host
}

func (a *Assembler) host(id string) *host {
	if h := a.hosts[id]; h != nil {
		return h
	}
	if !a.roomForHost() {
		id = ""
	}
	if a.hosts[id] == nil {
		a.made++
		a.hosts[id] = &host{id: a.made}
	}
	return a.hosts[id]
}

// roomForHost reports whether there is room for another host. The one that is shared stays,
// beside the others, and one of which requests wait.
func (a *Assembler) roomForHost() bool {
	shared, most := a.hosts[""], maxHosts
	if shared != nil {
		most++
	}
	return roomFor(&a.rooms.hosts, a.hosts, most, a.now, func(h *host) int64 {
		if h == shared || len(h.waiting) > 0 {
			return a.now
		}
		h.gone = h.used+idle < a.now
		return h.used
	}, &a.Counts.Hosts)
}

// meet remembers an address of which calls come that are traced.
func (a *Assembler) meet(addr netip.Addr) {
	if addr.IsLoopback() {
		return
	}
	c := a.callers[addr]
	if c == nil {
		if !a.roomForCaller() {
			return
		}
		c = &caller{}
		a.callers[addr] = c
	}
	c.used = a.now
}

func (a *Assembler) roomForCaller() bool {
	return roomFor(&a.rooms.callers, a.callers, maxCallers, a.now, func(c *caller) int64 { return c.used }, &a.Counts.Callers)
}

// serve remembers that the process of s serves its local address.
func (a *Assembler) serve(s *Span) {
	lis := a.listener(s.place(s.Local))
	if lis == nil || slices.Contains(lis.by, s.Process) {
		return
	}
	if len(lis.by) == maxServing {
		a.Counts.Listeners++
		return
	}
	lis.by = append(lis.by, s.Process)
	s.Process.serves = append(s.Process.serves, lis)
}

func (a *Assembler) listener(at place) *listener {
	lis := a.listeners[at]
	if lis == nil {
		if !a.roomForListener() {
			return nil
		}
		lis = &listener{}
		a.listeners[at] = lis
	}
	lis.used = a.now
	return lis
}

// roomForListener reports whether there is room for another address. One for which calls
// wait stays.
func (a *Assembler) roomForListener() bool {
	return roomFor(&a.rooms.listeners, a.listeners, maxListeners, a.now, func(lis *listener) int64 {
		if len(lis.waiting) > 0 {
			return a.now
		}
		return lis.used
	}, &a.Counts.Listeners)
}

// alias remembers that the address which the client called leads to that of the server.
func (a *Assembler) alias(client, server *Span) {
	to, from := a.listeners[server.place(server.Local)], client.place(client.Peer)
	if to == nil || a.listeners[from] != nil {
		return
	}
	if a.roomForListener() {
		a.listeners[from] = to
	}
}

// expect opens the question of the other end, if that is traced, too.
func (a *Assembler) expect(s *Span) {
	if s.Server {
		if missed := a.missed(s); missed == nil || *missed >= maxMissed || a.nobody(s) {
			return
		}
		if s.inside() {
			s.Process.host.wait(s)
		}
	} else {
		lis := a.listeners[s.place(s.Peer)]
		if lis == nil || len(lis.by) == 0 {
			return
		}
		lis.trim()
		lis.waiting = append(lis.waiting, s)
	}
	a.ask(s, askPeer)
	a.expecting.push(s, a.now+a.config.PeerWait)
}

// inside reports whether a request came from its own host for certain.
func (s *Span) inside() bool {
	return !s.decided && (s.Peer.Addr().IsLoopback() || s.Peer.Addr() == s.Local.Addr())
}

// nobody reports whether whoever made the request is not traced: it came from the host
// itself, and all calls that had begun there by then are here.
func (a *Assembler) nobody(s *Span) bool {
	return s.inside() && s.Start+clockSlack < s.Process.host.calls
}

func (h *host) wait(s *Span) {
	for len(h.waiting) > 0 && h.waiting[0].open&askPeer == 0 {
		h.waiting[0] = nil
		h.waiting = h.waiting[1:]
	}
	h.waiting = append(h.waiting, s)
}

// Calls says that all client spans of the host of p which began before t have been
// added. Who has found no call by then was called by a process that is not traced.
func (a *Assembler) Calls(p *Process, t, now int64) {
	a.now = max(a.now, now)
	h := a.hostOf(p)
	h.calls = max(h.calls, t)
	h.waiting = slices.DeleteFunc(h.waiting, func(s *Span) bool {
		if s.open&askPeer == 0 {
			return true
		}
		if !a.nobody(s) {
			return false
		}
		a.answer(s, askPeer)
		return true
	})
}

// missed returns where it is counted that nobody was seen to call who called like the
// client of this server span. Nil: nobody can be seen.
func (a *Assembler) missed(s *Span) *int {
	peer, lis := s.Peer.Addr(), a.listeners[s.place(s.Local)]
	switch {
	case lis == nil:
		return nil
	case peer.IsLoopback():
		if s.decided { // the agent has joined what there is
			return nil
		}
		return &lis.missed
	case s.decided && peer == s.Local.Addr():
		return nil
	case a.callers[peer] != nil:
		return &a.callers[peer].missed
	case s.decided: // a gateway sees all hosts, though not all at once
		return &lis.missed
	}
	return nil
}

// trim drops the calls at the head that wait no longer.
func (l *listener) trim() {
	n := 0
	for n < len(l.waiting) && l.waiting[n].open&askPeer == 0 {
		n++
	}
	l.waiting = slices.Delete(l.waiting, 0, n)
}

// giveUpPeers closes questions that have been open for too long.
func (a *Assembler) giveUpPeers() {
	for s := a.expecting.due(a.now); s != nil; s = a.expecting.due(a.now) {
		if s.App != nil {
			a.leave(s)
			continue
		}
		if s.open&askPeer == 0 {
			continue
		}
		if s.Server {
			if missed := a.missed(s); missed != nil {
				*missed++
			}
		}
		a.answer(s, askPeer)
	}
}

// Watermark says that all server spans of p which began before t have been added.
// Calls that had ended by then will not find their server span any more.
func (a *Assembler) Watermark(p *Process, t, now int64) {
	a.now = max(a.now, now)
	p.watermark, p.seen = max(p.watermark, t), a.now
	a.enterWaiting(p)
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
