package conn

import (
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/stream"
)

// Outcome says how an exchange ended.
type Outcome uint8

// Outcomes of an exchange.
const (
	Answered    Outcome = iota // with its response
	OneWay                     // the protocol expects no response
	Closed                     // the connection closed first: see Exchange.Errno
	TimedOut                   // no response within the time limit
	Exited                     // the process exited first
	Lost                       // the response, if there was one, was not seen
	Unconnected                // nothing was asked: connect failed, see Exchange.Errno
)

// Exchange is a request and its response on one connection, or an attempt to make
// one: of that (Unconnected), Request tells when and where connect was called.
type Exchange struct {
	// Conn is the connection. Its Role is never unknown. Local and Remote are
	// invalid if its announcement was lost.
	Conn *event.Conn
	// LocalText and RemoteText are the addresses of Conn without port.
	LocalText, RemoteText string
	// Ordinal counts the exchanges before this one on the connection.
	Ordinal uint32
	// Request and Response tell how the messages moved. Response.Ops is zero if
	// none was seen.
	Request, Response stream.Message
	// RequestMessage and ResponseMessage are what the parser understood: nil if
	// the message was told by change of direction alone.
	RequestMessage, ResponseMessage *protocol.Message
	Outcome                         Outcome
	Errno                           uint32 // of the socket, if Outcome is Closed or Unconnected
	// End is the CLOCK_MONOTONIC time (ns) at which the exchange was over.
	End uint64
	// Opened marks the first exchange of a connection whose accept or connect was
	// seen: Conn.At and Conn.Time tell where and when.
	Opened bool
	// Opaque says that the request could not be read.
	Opaque bool
	// Retransmits counts the segments that this host sent again while the exchange
	// was the oldest one on the connection that was not over; if the process is the
	// client, also those before it: of the handshake, and of the request on its way.
	Retransmits uint32
	// Lossy says that bytes or events around the exchange are known to be missing.
	Lossy bool

	due      bool // the request is complete but for bytes that have yet to arrive
	torn     bool // it ended before they did: the stream still refers to RequestMessage
	reported bool // timed out and delivered: waits only to absorb its response
	beside   bool // an aside
}

// Server says whether the traced process answered the request.
func (e *Exchange) Server() bool { return e.Conn.Role == event.RoleServer }

// oneSided says that e is an opaque run which nothing answered although something
// could have: not an exchange then, but a stream.
func (e *Exchange) oneSided() bool {
	return e.Opaque && e.Outcome != Answered && e.Outcome != Lost && e.Errno == 0
}

// pending is the queue of the exchanges of a connection that wait for their
// response, oldest first.
type pending struct {
	list []*Exchange
	head int
}

func (p *pending) len() int { return len(p.list) - p.head }

func (p *pending) all() []*Exchange { return p.list[p.head:] }

func (p *pending) push(e *Exchange) {
	if p.head > 0 && len(p.list) == cap(p.list) {
		n := copy(p.list, p.list[p.head:])
		clear(p.list[n:])
		p.list, p.head = p.list[:n], 0
	}
	p.list = append(p.list, e)
}

// take removes the exchange that a response with this ID answers, nil if none
// waits for it.
func (p *pending) take(id uint64) *Exchange {
	if id == 0 {
		return p.pop()
	}
	for i, e := range p.all() {
		if e.RequestMessage != nil && e.RequestMessage.ID == id {
			copy(p.list[p.head+1:p.head+i+1], p.list[p.head:p.head+i])
			p.list[p.head] = e
			return p.pop()
		}
	}
	return nil
}

// pop removes the oldest exchange, nil if there is none.
func (p *pending) pop() *Exchange {
	if p.len() == 0 {
		return nil
	}
	e := p.list[p.head]
	p.list[p.head] = nil
	p.head++
	if p.head == len(p.list) {
		p.list, p.head = p.list[:0], 0
	}
	return e
}
