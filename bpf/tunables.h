/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Set by user space before the programs are loaded. */
#ifndef OTELCOL_BPF_TUNABLES_H
#define OTELCOL_BPF_TUNABLES_H

#include "kernel.h"

/* Payload bytes captured of one message, at most CAPTURE_MAX. */
const volatile __u32 capture_size = 4096;
/* Threads that may hold state; bounds the memory of task storage. */
const volatile __u32 max_threads = 65536;
/* Unread bytes in the ring buffer from which on the reader is woken. */
const volatile __u64 wakeup_bytes = 1 << 20;
/* Report exec and listen of processes that are no targets yet. */
const volatile bool watch_all = true;
/* Follow handoffs between threads. */
const volatile bool handoffs_enabled = true;

#endif
