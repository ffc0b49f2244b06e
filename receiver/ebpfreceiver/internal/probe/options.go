package probe

import "time"

// Options are the limits and switches of the kernel side. Zero values take the
// defaults of New.
type Options struct {
	// CaptureSize is how many payload bytes of one message are captured, at most
	// CaptureMax. Default 4096.
	CaptureSize uint32
	// RingSize is the size of the ring buffer in bytes, a power of two and a
	// multiple of the page size. Default 8 MiB.
	RingSize uint32
	// MaxConnections bounds the kernel's connection table. Default 65536.
	MaxConnections uint32
	// MaxThreads bounds the threads that hold state (about 400 bytes each).
	// Default 65536.
	MaxThreads uint32
	// Poll is how often the ring buffer is read when it does not fill up.
	// Default 20 ms.
	Poll time.Duration
	// OnlyTargets switches off the reports of exec and listen by processes that
	// are no targets: right when targets are named by pid alone.
	OnlyTargets bool
	// NoHandoffs switches off following handoffs between threads.
	NoHandoffs bool
}

// CaptureMax is the most payload that one record carries (CAPTURE_MAX of
// bpf/abi.h).
const CaptureMax = 8192

func (o Options) withDefaults() Options {
	def := func(v *uint32, d uint32) {
		if *v == 0 {
			*v = d
		}
	}
	def(&o.CaptureSize, 4096)
	def(&o.RingSize, 8<<20)
	def(&o.MaxConnections, 65536)
	def(&o.MaxThreads, 65536)
	if o.Poll == 0 {
		o.Poll = 20 * time.Millisecond
	}
	return o
}

// Target is what the kernel side has to know of a process it traces.
type Target struct {
	// GoidOffset and GoidParentOffset are the offsets of goid and parentGoid in
	// runtime.g; zero when the process is not Go or the offset is not known.
	GoidOffset, GoidParentOffset uint32
}

// Counter is one of the kernel side's counters (enum counter of bpf/abi.h).
type Counter int

// The counters, in the order of bpf/abi.h. Lost: something happened that will
// not be seen. Cut: it is seen with less than all of its evidence or payload.
const (
	RecordsConn Counter = iota
	RecordsIO
	RecordsClose
	RecordsProcess
	RecordsRetransmit
	RecordBytes
	LostRingConn
	LostRingIO
	LostRingClose
	LostRingProcess
	LostRingRetransmit
	LostConnTable
	LostThreadLimit
	LostStorage
	LostFDTable
	CutFault
	CutVectors
	CutHandoffs
	SkippedCompat
	SkippedStaleConn
	numCounters
	// LostRecursion and CutRecursion count runs of a program that the kernel
	// skipped because the program was already running on that CPU: of those that
	// report, and of those that only add evidence: the one that takes the time of
	// entry, and the one that follows wakes, which interrupts strike now and then
	// (their wakes are no handoffs). They come from the kernel's program info, not
	// from the counter map.
	LostRecursion = numCounters
	CutRecursion  = numCounters + 1
	// NumCounters is how many values Counters returns.
	NumCounters = int(CutRecursion) + 1
)

// counterNames are the values of the `cause` or `kind` attribute of the metrics.
var counterNames = [NumCounters]string{
	RecordsConn: "conn", RecordsIO: "io", RecordsClose: "close", RecordsProcess: "process", RecordsRetransmit: "retransmit", RecordBytes: "bytes",
	LostRingConn: "ring_full_conn", LostRingIO: "ring_full_io", LostRingClose: "ring_full_close", LostRingProcess: "ring_full_process",
	LostRingRetransmit: "ring_full_retransmit",
	LostConnTable:      "conn_table_full", LostThreadLimit: "thread_limit", LostStorage: "task_storage", LostFDTable: "fd_table_full",
	CutFault: "payload_fault", CutVectors: "payload_vectors", CutHandoffs: "handoffs",
	SkippedCompat: "compat_syscall", SkippedStaleConn: "stale_conn", LostRecursion: "recursion", CutRecursion: "wake_recursion",
}

// String is the counter's name in metrics.
func (c Counter) String() string {
	if c < 0 || int(c) >= len(counterNames) {
		return "unknown"
	}
	return counterNames[c]
}
