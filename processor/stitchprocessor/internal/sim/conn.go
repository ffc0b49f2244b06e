package sim

import (
	"net/netip"
	"time"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// Conn is a TCP connection. Either end may be outside of the world that is watched.
type Conn struct {
	Client, Server netip.AddrPort
	// Tag is the program's own.
	Tag any

	idClient, idServer uint64
	ordClient, ordSrv  uint32
	seqUp, seqIn       uint32 // next byte of requests, as the client and the server count
	seqDown, seqOut    uint32 // of responses, likewise: as the client reads, the server writes

	connect     evidence.Point // of a watched client's connect, until the first exchange
	connectTime int64
	call        *Record // under way, on the client's side
	request     *Record // likewise on the server's side

	// What to do when data arrive.
	atServer, atClient func()
}

// Dial opens a connection from outside, or from a program whose connect was not seen.
func (w *World) Dial(server netip.AddrPort) *Conn {
	w.conns += 2
	w.ports++
	if w.ports < 20000 {
		w.ports = 20000
	}
	c := &Conn{
		Client: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, byte(1 + w.conns>>17)}), w.ports), Server: server,
		idClient: w.conns, idServer: w.conns + 1,
		seqUp: w.Rand.Uint32(), seqDown: w.Rand.Uint32(), ordClient: 5, ordSrv: 5,
	}
	c.seqIn, c.seqOut = c.seqUp, c.seqDown
	return c
}

// Connect opens a connection from a thread that is watched.
func (t *Thread) Connect(server netip.AddrPort) *Conn {
	c := t.Process.World.Dial(server)
	if !server.Addr().IsLoopback() {
		c.Client = netip.AddrPortFrom(t.Process.Host.Addr, c.Client.Port())
	}
	c.ordClient, c.ordSrv = 0, 0
	c.connectTime = t.Process.World.now
	c.connect = evidence.Point{TID: t.TID, IO: t.io, Tick: t.tick, Goid: t.Goid, GoidParent: t.Creator}
	t.Work(5 * time.Microsecond)
	return c
}

// Record is one exchange as one end saw it, with the truth about it.
type Record struct {
	Process *Process
	Server  bool
	// Owner is the request that a call was made for; nil for none.
	Owner *Record
	// Peer is the record of the other end, if that is watched.
	Peer *Record

	evidence  evidence.Exchange
	end       int64
	id        [8]byte
	context   string
	requestID string
	hidden    bool
	opaque    bool
}

// Hide makes the exchange one that is evidence only, of an unknown protocol.
func (r *Record) Hide() { r.hidden, r.opaque = true, true }

// Carry puts trace contexts on the request, in the form of evidence.context.
func (r *Record) Carry(context string) { r.context = context }

// Name puts a request id on the request.
func (r *Record) Name(requestID string) { r.requestID = requestID }

// Write writes a call on c, made for owner. The data arrive at the other end.
func (t *Thread) Write(c *Conn, owner *Record) *Record {
	r := &Record{Process: t.Process, Owner: owner, id: t.Process.World.nextID()}
	e := &r.evidence
	e.ConnID, e.Ordinal, e.Local, e.Peer = c.idClient, c.ordClient, c.Client, c.Server
	e.Connect, e.ConnectTime = c.connect, c.connectTime
	c.connect, c.connectTime = evidence.Point{}, 0
	c.ordClient++
	c.call = r
	e.Request = t.message(evidence.ClientWrite, c, 200)
	if c.atServer != nil {
		t.Process.World.After(t.Process.World.Uniform(10*time.Microsecond, 40*time.Microsecond), c.atServer)
	}
	return r
}

// Read reads the reply on c, which has arrived.
func (t *Thread) Read(c *Conn) *Record {
	r := c.call
	r.evidence.Response = t.message(evidence.ClientRead, c, 500)
	r.finish()
	c.call = nil
	return r
}

// Receive reads a request on c, which has arrived.
func (t *Thread) Receive(c *Conn) *Record {
	r := &Record{Process: t.Process, Server: true, id: t.Process.World.nextID()}
	e := &r.evidence
	e.ConnID, e.Ordinal, e.Local, e.Peer = c.idServer, c.ordSrv, c.Server, c.Client
	if translate := t.Process.World.Translate; translate != nil {
		e.Peer, e.Local = translate(c.Client, c.Server)
	}
	c.ordSrv++
	e.Request = t.message(evidence.ServerRead, c, 200)
	if c.call != nil {
		r.Peer, c.call.Peer = c.call, r
		r.context, r.requestID = c.call.context, c.call.requestID
	}
	t.Process.open[r] = struct{}{}
	c.request = r
	return r
}

// Reply writes the reply of r on c.
func (t *Thread) Reply(c *Conn, r *Record) {
	r.evidence.Response = t.message(evidence.ServerWrite, c, 500)
	delete(t.Process.open, r)
	r.finish()
	c.request = nil
	if c.atClient != nil {
		t.Process.World.After(t.Process.World.Uniform(10*time.Microsecond, 40*time.Microsecond), c.atClient)
	}
}

func (r *Record) finish() {
	r.end = r.evidence.Response.End
	r.Process.done = append(r.Process.done, r)
}

// position is the next byte in the direction of a message, as that end counts.
func (c *Conn) position(kind evidence.Kind) *uint32 {
	switch kind {
	case evidence.ServerRead:
		return &c.seqIn
	case evidence.ServerWrite:
		return &c.seqOut
	case evidence.ClientWrite:
		return &c.seqUp
	}
	return &c.seqDown
}

// Target is a server that can be called.
type Target interface {
	Address() netip.AddrPort
	// Accept takes a new connection: it sets what happens when data arrive.
	Accept(c *Conn)
}

// Backend is a Target outside of what is watched. It answers after Min to Max.
type Backend struct {
	World    *World
	Port     uint16
	Min, Max time.Duration
}

// Address is where the backend listens.
func (b *Backend) Address() netip.AddrPort { return local(b.Port) }

// Accept answers everything.
func (b *Backend) Accept(c *Conn) {
	c.atServer = func() { b.World.After(b.World.Uniform(b.Min, b.Max), func() { c.atClient() }) }
}

func local(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
}

// Blocking makes calls on connections with blocking sockets.
type Blocking struct {
	target Target
	idle   []*Conn
}

// NewBlocking returns a client of b that keeps connections.
func NewBlocking(target Target) *Blocking { return &Blocking{target: target} }

// Call makes a call for owner and returns when its reply has been read.
func (b *Blocking) Call(t *Thread, owner *Record) *Record { return b.CallWith(t, owner, "") }

// CallWith is Call with a trace context on the request.
func (b *Blocking) CallWith(t *Thread, owner *Record, context string) *Record {
	var c *Conn
	if n := len(b.idle); n > 0 {
		c, b.idle = b.idle[n-1], b.idle[:n-1]
	} else {
		c = t.Connect(b.target.Address())
		b.target.Accept(c)
	}
	box := &inbox{}
	c.atClient = box.arrive
	t.Write(c, owner).Carry(context)
	box.await(t)
	r := t.Read(c)
	b.idle = append(b.idle, c)
	return r
}

// inbox wakes a thread that reads a blocking socket.
type inbox struct {
	ready  int
	reader *Thread
}

func (b *inbox) arrive() {
	b.ready++
	if t := b.reader; t != nil {
		b.reader = nil
		t.wakeIn(t.Process.World.Uniform(5*time.Microsecond, 30*time.Microsecond))
	}
}

func (b *inbox) await(t *Thread) {
	for b.ready == 0 {
		b.reader = t
		t.park()
	}
	b.ready--
	t.waited |= evidence.WaitedPoll
}
