/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Counting, and the way out: every record that is sent or lost is counted. */
#ifndef OTELCOL_BPF_COUNTERS_H
#define OTELCOL_BPF_COUNTERS_H

#include "compat.h"
#include "abi.h"
#include "tunables.h"

struct counters {
	__u64 value[COUNTERS]; /* by enum counter */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} records SEC(".maps");

/* Per CPU, but an interrupt may count the same cause in between. */
static __always_inline void count(enum counter id)
{
	__u32 zero = 0;
	struct counters *sums = bpf_map_lookup_elem(&counters, &zero);

	if (sums)
		__sync_fetch_and_add(&sums->value[id], 1);
}

/*
 * A full ring buffer wakes its reader. Looking how full it is costs as much as
 * a small record, so one record in so many looks.
 */
#define LOOK_EVERY 8

static __always_inline __u64 wakeup(__u64 nth, bool urgent)
{
	if (urgent || (nth % LOOK_EVERY == 0 &&
		       bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) > wakeup_bytes))
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

/*
 * Sends a record. The reader polls on a timer; it is only woken when the buffer
 * fills up, or when `urgent`: a wakeup per record costs more than the record.
 */
static __always_inline bool emit(void *record, __u64 size, enum counter sent, enum counter lost,
				 bool urgent)
{
	__u32 zero = 0;
	struct counters *sums = bpf_map_lookup_elem(&counters, &zero);

	if (!sums)
		return false;
	if (bpf_ringbuf_output(&records, record, size, wakeup(sums->value[sent], urgent))) {
		__sync_fetch_and_add(&sums->value[lost], 1);
		return false;
	}
	__sync_fetch_and_add(&sums->value[sent], 1);
	__sync_fetch_and_add(&sums->value[COUNT_RECORD_BYTES], size);
	return true;
}

#endif
