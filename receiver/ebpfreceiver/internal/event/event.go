package event

import "net/netip"

// Role says who opened a connection.
type Role uint8

// Roles of a connection (enum conn_role).
const (
	RoleUnknown Role = iota // nothing says so
	RoleServer              // accepted by the process
	RoleClient              // connected by the process
)

// Direction is the way bytes cross the process.
type Direction uint8

// Directions of I/O (enum io_direction).
const (
	Ingress Direction = iota // read
	Egress                   // written
)

// Flags of an I/O event (enum io_flags).
type Flags uint16

// Members of Flags.
const (
	Head        Flags = 1 << 0 // first segment after a change of direction
	First       Flags = 1 << 1 // first I/O on the connection since it opened
	NoPayload   Flags = 1 << 2 // only the length is known: sendfile, splice
	Fault       Flags = 1 << 3 // payload cut: memory not resident
	VectorLimit Flags = 1 << 4 // payload cut: too many buffers
	WaitedFutex Flags = 1 << 8
	WaitedPoll  Flags = 1 << 9
	WaitedEpoll Flags = 1 << 10
	WaitedSleep Flags = 1 << 11
	WaitedFD    Flags = 1 << 12
)

// Point is a place in the life of a thread (struct thread_point).
type Point struct {
	PID, TID         uint32
	IO, Tick         uint32
	Goid, GoidParent uint64
}

// Handoff is struct handoff; Time is CLOCK_MONOTONIC ns. The values of
// SourceKind and Edge are those of evidence.Kind and evidence.Edge.
type Handoff struct {
	Time, Address                 uint64
	SourceTID, SourceIO, WakerTID uint32
	SourceKind, Edge, Hops        uint8
}

// Conn announces a connection. For RoleClient, At and Time say who called
// connect and when; for RoleServer, accept; for one that was found, the first I/O.
// At.IO is the ordinal of the I/O that the thread had made before.
type Conn struct {
	ID            uint64 // never used twice while the probe is loaded
	Role          Role
	Found         bool   // it existed before tracing began
	Time          uint64 // CLOCK_MONOTONIC ns
	At            Point
	Local, Remote netip.AddrPort // IPv4 unmapped
	NetNS         uint32
}

// IO is one system call that moved bytes. Handoffs and Payload are borrowed:
// they are valid only during the Handler call.
type IO struct {
	ConnID      uint64
	Direction   Direction
	Role        Role
	Flags       Flags
	Enter, Exit uint64 // CLOCK_MONOTONIC ns
	Seq         uint32 // TCP position of the first byte
	Len         uint32 // bytes moved
	At          Point
	Comm        string // thread name, borrowed like Payload
	Handoffs    []Handoff
	Payload     []byte // first bytes of the segment, len(Payload) <= Len
}

// Close says that a connection is gone.
type Close struct {
	ConnID uint64
	Time   uint64 // CLOCK_MONOTONIC ns
	Errno  uint32 // of the socket: ECONNREFUSED, ECONNRESET ...; 0: orderly
	// Connecting says that connect had not succeeded: Errno tells why; 0: the
	// process gave it up.
	Connecting bool
}

// Retransmit says that this host sent a segment of a connection again: of the
// handshake, or of data that was not acknowledged in time.
type Retransmit struct {
	ConnID uint64
	Time   uint64 // CLOCK_MONOTONIC ns
}

// Change is what happened to a process (enum proc_change).
type Change uint8

// Changes of a process.
const (
	Fork   Change = iota + 1 // a target made this new process, itself a target now
	Exec                     // any process runs another program
	Exit                     // the last thread of a target is gone
	Listen                   // any process listens on Port
)

// Process is a change of a process.
type Process struct {
	Change      Change
	PID, Parent uint32
	Port        uint16
	Time        uint64 // CLOCK_MONOTONIC ns
	Comm        string
}

// Handler takes events in the order of the ring buffer. Nothing that it is given
// may be kept.
type Handler interface {
	Conn(*Conn)
	IO(*IO)
	Close(*Close)
	Retransmit(*Retransmit)
	Process(*Process)
}
