package ebpfreceiver

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/probe"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/shard"
)

// causes are the values of one metric by cause.
type causes map[string]uint64

// observe registers the metrics. The values are read when they are collected.
func (r *ebpfReceiver) observe() error {
	m := r.metrics
	return errors.Join(
		r.observeKernel(),
		m.RegisterReceiverEbpfEventsCallback(r.one(func(s *shard.Stats) uint64 { return s.Events })),
		m.RegisterReceiverEbpfEventsDroppedCallback(r.byCause(func(s *shard.Stats) causes {
			return causes{"queue_full_io": s.DroppedIO, "queue_full_control": s.DroppedControl}
		})),
		m.RegisterReceiverEbpfThreadsCallback(r.one(func(s *shard.Stats) uint64 { return uint64(s.Threads) })),
		m.RegisterReceiverEbpfThreadsEvictedCallback(r.one(func(s *shard.Stats) uint64 { return s.EvictedThreads })),
		m.RegisterReceiverEbpfThreadHolesCallback(r.one(func(s *shard.Stats) uint64 { return s.Holes })),
		m.RegisterReceiverEbpfLateSpansCallback(r.one(func(s *shard.Stats) uint64 { return s.Late })),
		m.RegisterReceiverEbpfMalformedContextsCallback(r.one(func(s *shard.Stats) uint64 { return s.BadContexts })),
		m.RegisterReceiverEbpfUndescribedBatchesCallback(r.one(func(s *shard.Stats) uint64 { return s.Undescribed })),
		m.RegisterReceiverEbpfSpansDroppedCallback(r.byCause(func(s *shard.Stats) causes {
			return causes{"consumer_slow": s.DroppedSpans, "process_limit": s.DroppedProcess}
		})),
		r.observeConnections(),
		r.observeProcesses(),
	)
}

func (r *ebpfReceiver) observeConnections() error {
	m := r.metrics
	return errors.Join(
		m.RegisterReceiverEbpfConnectionsCallback(r.one(func(s *shard.Stats) uint64 { return uint64(s.Conn.Connections) })),
		m.RegisterReceiverEbpfConnectionsDroppedCallback(r.byCause(func(s *shard.Stats) causes {
			return causes{"limit": s.Conn.Evicted, "idle": s.Conn.IdledOut}
		})),
		m.RegisterReceiverEbpfConnectionsIgnoredCallback(r.one(func(s *shard.Stats) uint64 { return s.Conn.Ignored })),
		m.RegisterReceiverEbpfLateRetransmitsCallback(r.one(func(s *shard.Stats) uint64 { return s.Conn.LateRetransmits })),
		m.RegisterReceiverEbpfConnectionsUnannouncedCallback(r.one(func(s *shard.Stats) uint64 { return s.Conn.Unannounced })),
		m.RegisterReceiverEbpfBufferedBytesCallback(r.one(func(s *shard.Stats) uint64 { return uint64(s.Conn.Buffered) })),
		m.RegisterReceiverEbpfExchangesCallback(r.one(func(s *shard.Stats) uint64 { return s.Conn.Delivered })),
		m.RegisterReceiverEbpfExchangesPendingCallback(r.one(func(s *shard.Stats) uint64 { return uint64(s.Conn.Pending) })),
		m.RegisterReceiverEbpfExchangesDroppedCallback(r.byCause(func(s *shard.Stats) causes {
			return causes{
				"connection_evicted": s.Conn.DroppedEvicted, "pending_limit": s.Conn.DroppedPending, "opaque": s.Conn.DroppedOpaque,
				"one_sided": s.Conn.DroppedOneSided, "role_unknown": s.Conn.DroppedNoRole, "shutdown": s.Conn.DroppedShutdown,
			}
		})),
		m.RegisterReceiverEbpfStreamLossesCallback(r.byCause(func(s *shard.Stats) causes {
			return causes{
				"hole": s.Conn.Streams.Lost, "lost_turn": s.Conn.LostTurns, "lost_frame": s.Conn.LostFrames, "merged": s.Conn.Streams.Merged,
				"stream_limit": s.Conn.Streams.StreamLimit, "total_limit": s.Conn.Streams.TotalLimit, "unsolicited": s.Conn.Unsolicited,
			}
		})),
	)
}

func (r *ebpfReceiver) observeProcesses() error {
	return errors.Join(
		r.metrics.RegisterReceiverEbpfProcessesCallback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(int64(r.tracker.Stats().Processes))
			return nil
		}),
		r.metrics.RegisterReceiverEbpfProcessesDroppedCallback(func(_ context.Context, o metric.Int64Observer) error {
			s := r.tracker.Stats()
			observeCauses(o, "cause", causes{"limit": s.Refused, "failed": s.Failed, "denied": s.Denied, "queue_full": s.Dropped})
			return nil
		}),
	)
}

// observeKernel registers the counters of the kernel side: what it reported, and
// by cause what it could not.
func (r *ebpfReceiver) observeKernel() error {
	return errors.Join(
		r.metrics.RegisterReceiverEbpfKernelRecordsCallback(r.counters("kind", probe.RecordsConn, probe.RecordsRetransmit)),
		r.metrics.RegisterReceiverEbpfKernelLossesCallback(r.counters("cause", probe.LostRingConn, probe.Counter(probe.NumCounters-1))),
		r.metrics.RegisterReceiverEbpfKernelBytesCallback(func(_ context.Context, o metric.Int64Observer) error {
			values, err := r.kernel.Counters()
			if err == nil {
				o.Observe(int64(values[probe.RecordBytes]))
			}
			return err
		}),
	)
}

// counters observes the counters first to last of the kernel side by name.
func (r *ebpfReceiver) counters(key string, first, last probe.Counter) metric.Int64Callback {
	return func(_ context.Context, o metric.Int64Observer) error {
		values, err := r.kernel.Counters()
		if err != nil {
			return err
		}
		for c := first; c <= last; c++ {
			o.Observe(int64(values[c]), metric.WithAttributes(attribute.String(key, c.String())))
		}
		return nil
	}
}

// one observes a single value of the core.
func (r *ebpfReceiver) one(value func(*shard.Stats) uint64) metric.Int64Callback {
	return func(_ context.Context, o metric.Int64Observer) error {
		s := r.core.Stats()
		o.Observe(int64(value(&s)))
		return nil
	}
}

// byCause observes a value of the core by cause.
func (r *ebpfReceiver) byCause(values func(*shard.Stats) causes) metric.Int64Callback {
	return func(_ context.Context, o metric.Int64Observer) error {
		s := r.core.Stats()
		observeCauses(o, "cause", values(&s))
		return nil
	}
}

func observeCauses(o metric.Int64Observer, key string, values causes) {
	for cause, n := range values {
		o.Observe(int64(n), metric.WithAttributes(attribute.String(key, cause)))
	}
}
