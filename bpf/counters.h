/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Counting, and the way out: every record that is sent or lost is counted. */
#ifndef OTELCOL_BPF_COUNTERS_H
#define OTELCOL_BPF_COUNTERS_H

#include "compat.h"
#include "abi.h"
#include "tunables.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} records SEC(".maps");

static __always_inline void count_add(enum counter id, __u64 n)
{
	__u32 key = id;
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	/* Per CPU, but an interrupt may count the same cause in between. */
	if (value)
		__sync_fetch_and_add(value, n);
}

static __always_inline void count(enum counter id)
{
	count_add(id, 1);
}

/*
 * Sends a record. The reader polls on a timer; it is only woken when the buffer
 * fills up, or when `urgent`: a wakeup per record costs more than the record.
 */
static __always_inline bool emit(void *record, __u64 size, enum counter sent,
				 enum counter lost, bool urgent)
{
	__u64 flags = BPF_RB_NO_WAKEUP;

	if (urgent || bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) > wakeup_bytes)
		flags = BPF_RB_FORCE_WAKEUP;
	if (bpf_ringbuf_output(&records, record, size, flags)) {
		count(lost);
		return false;
	}
	count(sent);
	count_add(COUNT_RECORD_BYTES, size);
	return true;
}

#endif
