package conn

import (
	"time"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/stream"
)

// Options bound a Table and say what it needs to know of the world. Every bound
// must be above zero.
type Options struct {
	MaxConnections int
	MaxPending     int // exchanges that wait for a response, per connection
	MaxExchanges   int // the same, of all connections
	Bytes          stream.Limits

	// ExchangeTimeout ends an exchange without a response, IdleTimeout forgets a
	// connection without I/O.
	ExchangeTimeout time.Duration
	IdleTimeout     time.Duration

	// Protocols are tried in this order, at most 64 of them.
	Protocols []protocol.Protocol
	Parser    *protocol.Options
	// Opaque delivers the exchanges on connections whose protocol cannot be read.
	Opaque bool

	// Role finds the role of a connection of which the kernel side does not know it;
	// RoleUnknown leaves it to the protocol. Nil knows none.
	Role func(*event.Conn) event.Role
	// Ignore names connections that are none of our business: the Collector's own
	// peers. Nil ignores none. Both are called by several goroutines at once.
	Ignore func(*event.Conn) bool
}

// Fixed bounds.
const (
	// maxTries is how many runs a protocol gets to be recognised on a connection
	// that is not followed from its first byte, and how many failures in a row it
	// is forgiven later.
	maxTries = 8
	// quietTime (ns) ends a run that no change of direction has ended: of a message
	// whose protocol is known, and of an opaque one, which the stitcher needs soon.
	quietTime       = uint64(time.Second)
	opaqueQuietTime = uint64(250 * time.Millisecond)
	// opaqueHold (ns) is how long an opaque exchange counts as open.
	opaqueHold = uint64(2 * time.Second)
	// holdTicks is how many ticks a reply waits for a request whose record it may
	// have overtaken.
	holdTicks = 2
)

// Stats counts what a Table met. Gauges are values now, the rest grows.
type Stats struct {
	Connections int // gauge
	Pending     int // gauge: exchanges that wait
	Buffered    int // gauge: bytes

	Opened          uint64
	Unannounced     uint64 // connections whose announcement was lost
	Evicted         uint64 // connections dropped for MaxConnections
	IdledOut        uint64 // connections dropped for IdleTimeout
	Delivered       uint64 // exchanges
	DroppedEvicted  uint64 // exchanges of evicted connections
	DroppedPending  uint64 // requests beyond MaxPending or MaxExchanges
	DroppedOpaque   uint64 // exchanges that Opaque does not want
	Ignored         uint64 // connections that Options.Ignore named
	DroppedOneSided uint64 // opaque runs that nothing answered
	DroppedShutdown uint64 // exchanges open at the end
	DroppedNoRole   uint64 // runs on connections whose role stayed unknown
	Unsolicited     uint64 // responses that no request waited for
	Late            uint64 // responses of exchanges that had timed out
	LostFrames      uint64 // a parser lost the boundary of messages
	LostTurns       uint64 // a whole run in one direction is missing
	LateRetransmits uint64 // that no exchange tells of
	Streams         stream.Stats
}

// Add adds o to s, gauges included.
func (s *Stats) Add(o *Stats) {
	s.Connections += o.Connections
	s.Pending += o.Pending
	s.Buffered += o.Buffered
	s.Opened += o.Opened
	s.Unannounced += o.Unannounced
	s.Evicted += o.Evicted
	s.IdledOut += o.IdledOut
	s.Delivered += o.Delivered
	s.DroppedEvicted += o.DroppedEvicted
	s.DroppedPending += o.DroppedPending
	s.DroppedOpaque += o.DroppedOpaque
	s.Ignored += o.Ignored
	s.DroppedOneSided += o.DroppedOneSided
	s.DroppedShutdown += o.DroppedShutdown
	s.DroppedNoRole += o.DroppedNoRole
	s.Unsolicited += o.Unsolicited
	s.Late += o.Late
	s.LostFrames += o.LostFrames
	s.LostTurns += o.LostTurns
	s.LateRetransmits += o.LateRetransmits
	s.Streams.Add(&o.Streams)
}
