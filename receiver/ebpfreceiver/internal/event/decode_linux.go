package event

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"unsafe"

	"github.com/otelcol-custom/otelcol-custom/bpf"
)

// ErrRecord says that a record does not have the form of bpf/abi.h.
var ErrRecord = errors.New("malformed record")

// Types of records (enum record_type).
const (
	recordConn  = 1
	recordIO    = 2
	recordClose = 3
	recordProc  = 4
	recordAgain = 5
)

// Decoder turns records into events. It keeps one event of each kind, which it
// lends to the Handler: one Decoder per goroutine.
type Decoder struct {
	conn     Conn
	io       IO
	closed   Close
	process  Process
	again    Retransmit
	handoffs []Handoff
}

// Decode hands the event in record, which it borrows, to h. A record that is too
// short for what it says of itself, or of no known type, is ErrRecord.
func (d *Decoder) Decode(record []byte, h Handler) error {
	if len(record) == 0 {
		return fmt.Errorf("%w: empty", ErrRecord)
	}
	switch record[0] {
	case recordIO:
		return d.decodeIO(record, h)
	case recordConn:
		r, err := view[bpf.CaptureConnRecord](record)
		if err != nil {
			return err
		}
		d.decodeConn(r, h)
	case recordClose:
		r, err := view[bpf.CaptureCloseRecord](record)
		if err != nil {
			return err
		}
		d.closed = Close{ConnID: r.Conn, Time: r.TimeNs, Errno: r.Error, Connecting: r.Connecting != 0}
		h.Close(&d.closed)
	case recordAgain:
		r, err := view[bpf.CaptureRetransmitRecord](record)
		if err != nil {
			return err
		}
		d.again = Retransmit{ConnID: r.Conn, Time: r.TimeNs}
		h.Retransmit(&d.again)
	case recordProc:
		r, err := view[bpf.CaptureProcRecord](record)
		if err != nil {
			return err
		}
		d.process = Process{Change: Change(r.Change), PID: r.Pid, Parent: r.Parent, Port: r.Port, Time: r.TimeNs, Comm: text(r.Comm[:])}
		h.Process(&d.process)
	default:
		return fmt.Errorf("%w: type %d", ErrRecord, record[0])
	}
	return nil
}

func (d *Decoder) decodeConn(r *bpf.CaptureConnRecord, h Handler) {
	d.conn = Conn{
		ID:     r.Conn,
		Role:   Role(r.Role),
		Found:  r.Found != 0,
		Time:   r.TimeNs,
		At:     point(&r.At),
		Local:  netip.AddrPortFrom(netip.AddrFrom16(r.LocalAddr).Unmap(), r.LocalPort),
		Remote: netip.AddrPortFrom(netip.AddrFrom16(r.RemoteAddr).Unmap(), r.RemotePort),
		NetNS:  r.Netns,
	}
	h.Conn(&d.conn)
}

func (d *Decoder) decodeIO(record []byte, h Handler) error {
	r, err := view[bpf.CaptureIoRecord](record)
	if err != nil {
		return err
	}
	const handoffSize = int(unsafe.Sizeof(bpf.CaptureHandoff{}))
	rest := record[unsafe.Sizeof(*r):]
	if len(rest) < int(r.Handoffs)*handoffSize+int(r.Captured) {
		return fmt.Errorf("%w: %d bytes for %d handoffs and %d of payload", ErrRecord, len(rest), r.Handoffs, r.Captured)
	}
	d.handoffs = d.handoffs[:0]
	for range r.Handoffs {
		d.handoffs = append(d.handoffs, handoff((*bpf.CaptureHandoff)(unsafe.Pointer(&rest[0]))))
		rest = rest[handoffSize:]
	}
	enter := r.EnterNs
	if enter == 0 || enter > r.ExitNs {
		enter = r.ExitNs // the thread became a target inside this call
	}
	d.io = IO{
		ConnID: r.Conn, Direction: Direction(r.Direction), Role: Role(r.Role), Flags: Flags(r.Flags),
		Enter: enter, Exit: r.ExitNs, Seq: r.Seq, Len: r.Len, At: point(&r.At), Comm: text(r.Comm[:]),
		Handoffs: d.handoffs, Payload: rest[:r.Captured:r.Captured],
	}
	h.IO(&d.io)
	return nil
}

func view[T any](record []byte) (*T, error) {
	var t T
	if len(record) < int(unsafe.Sizeof(t)) {
		return nil, fmt.Errorf("%w: %d bytes for type %d", ErrRecord, len(record), record[0])
	}
	return (*T)(unsafe.Pointer(&record[0])), nil
}

func point(p *bpf.CaptureThreadPoint) Point {
	return Point{PID: p.Pid, TID: p.Tid, IO: p.Io, Tick: p.Tick, Goid: p.Goid, GoidParent: p.GoidParent}
}

func handoff(h *bpf.CaptureHandoff) Handoff {
	return Handoff{
		Time: h.TimeNs, Address: h.Address, SourceTID: h.SourceTid, SourceIO: h.SourceIo,
		WakerTID: h.WakerTid, SourceKind: h.SourceKind, Edge: h.Edge, Hops: h.Hops,
	}
}

// text is the C string in b, borrowed.
func text(b []byte) string {
	if n := bytes.IndexByte(b, 0); n >= 0 {
		b = b[:n]
	}
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(&b[0], len(b))
}
