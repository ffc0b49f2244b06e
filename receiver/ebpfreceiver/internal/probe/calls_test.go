package probe

import (
	"math"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Calls of each kind in a batch, and batches. The fastest batch counts: nothing
// else ran in it.
const (
	callsInBatch = 64
	callBatches  = 3000
)

// callCosts is what actCalls found, in nanoseconds per system call.
type callCosts struct {
	Getppid float64 // no hook looks at it
	Again   float64 // a read of an empty socket
	Read    float64 // of one byte
	Write   float64 // of one byte, which is not sent yet
}

// actCalls times system calls that cost little themselves.
func actCalls() (any, error) {
	runtime.LockOSThread()
	p, err := connect("127.0.0.1")
	if err != nil {
		return nil, err
	}
	for _, fd := range []int{p.client, p.server} {
		if err := unix.SetNonblock(fd, true); err != nil {
			return nil, err
		}
	}
	costs := callCosts{math.Inf(1), math.Inf(1), math.Inf(1), math.Inf(1)}
	buffer := make([]byte, callsInBatch)
	for range callBatches {
		if err := unix.SetsockoptInt(p.client, unix.IPPROTO_TCP, unix.TCP_CORK, 1); err != nil {
			return nil, err
		}
		fastest(&costs.Getppid, func() { unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0) })
		fastest(&costs.Again, func() { rawIO(unix.SYS_READ, p.server, buffer) })
		fastest(&costs.Write, func() { rawIO(unix.SYS_WRITE, p.client, buffer[:1]) })
		if err := unix.SetsockoptInt(p.client, unix.IPPROTO_TCP, unix.TCP_CORK, 0); err != nil {
			return nil, err
		}
		fastest(&costs.Read, func() { rawIO(unix.SYS_READ, p.server, buffer[:1]) })
		// An answer: what follows is another message, of which bytes are captured.
		rawIO(unix.SYS_WRITE, p.server, buffer[:1])
		rawIO(unix.SYS_READ, p.client, buffer)
	}
	return costs, nil
}

// fastest keeps the least time that a call in a batch took.
func fastest(ns *float64, call func()) {
	begin := time.Now()
	for range callsInBatch {
		call()
	}
	*ns = min(*ns, float64(time.Since(begin).Nanoseconds())/callsInBatch)
}

func rawIO(nr uintptr, fd int, b []byte) {
	_, _, _ = unix.RawSyscall(nr, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
}
