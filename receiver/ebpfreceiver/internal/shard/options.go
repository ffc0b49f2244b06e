package shard

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/conn"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/kspan"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/monotime"
)

// Options say how to spread the work and where spans go. All are required.
type Options struct {
	Workers int
	// Conn and its bounds are those of all workers together.
	Conn  conn.Options
	Span  kspan.Options
	Scope kspan.Scope

	MaxThreads    int // threads whose ordinals are followed
	MaxProcesses  int // processes whose watermark is followed
	MaxSpans      int // spans that wait for the consumer, of all workers
	FlushInterval time.Duration

	Clock monotime.Clock
	// Resource returns what describes a process, which is only read; false if it is
	// not known yet. It is asked for one second, or until the process is gone; then
	// Undescribed says what is known of it.
	Resource    func(pid uint32) (pcommon.Resource, bool)
	Undescribed func(pid uint32) pcommon.Resource
	// Consume takes a batch. It is called by one goroutine and may block. The core
	// does not repeat a batch that fails.
	Consume func(context.Context, ptrace.Traces)
}

// Fixed bounds.
const (
	queueBatches  = 16
	batchEvents   = 256
	batchBytes    = 128 << 10
	batchHandoffs = 512
	batchControl  = 16384
	queueWait     = 100 * time.Millisecond
	kickEvents    = 4096 // since the last flush
	describeWait  = time.Second
	restTime      = uint64(time.Minute) // after which a resting process is forgotten
)

// Stats counts what the core did since it was started.
type Stats struct {
	Conn conn.Stats // of all workers

	Events         uint64 // taken from the reader, but for those dropped
	DroppedIO      uint64 // for a full queue
	DroppedControl uint64 // the same: announcements, closes and exits
	Holes          uint64 // in the ordinals of threads
	Threads        int    // gauge
	EvictedThreads uint64 // for MaxThreads

	Spans          uint64 // handed to the consumer
	DroppedSpans   uint64 // for MaxSpans
	DroppedProcess uint64 // spans of processes beyond MaxProcesses
	Undescribed    uint64 // batches of processes without a description
	BadContexts    uint64 // requests with headers of a trace context, but no valid one
	Late           uint64 // server spans behind their watermark
	Watermarks     uint64
}
