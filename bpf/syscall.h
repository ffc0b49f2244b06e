/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Which system calls matter, and what they move. */
#ifndef OTELCOL_BPF_SYSCALL_H
#define OTELCOL_BPF_SYSCALL_H

#include "compat.h"

enum syscall_class {
	CLASS_NONE = 0,
	CLASS_READ,	/* (fd, buffer, length) */
	CLASS_RECVFROM, /* (fd, buffer, length, flags) */
	CLASS_READV,	/* (fd, iovec, n) */
	CLASS_RECVMSG,	/* (fd, msghdr, flags) */
	CLASS_RECVMMSG, /* (fd, mmsghdr, n, flags) */
	CLASS_WRITE,
	CLASS_WRITEV,
	CLASS_SENDMSG,
	CLASS_SENDMMSG,
	CLASS_SENDFILE, /* (out, in) */
	CLASS_SPLICE,	/* (in, offset, out) */
	CLASS_ACCEPT,	/* returns the new fd */
	CLASS_EPOLL,
	CLASS_POLL,
	CLASS_FUTEX, /* (address, op) */
	CLASS_FUTEX_WAIT,
	CLASS_SLEEP,
};

#define SYSCALLS 512

static const __u8 syscall_class[SYSCALLS] = {
	[NR_READ] = CLASS_READ,
	[NR_RECVFROM] = CLASS_RECVFROM,
	[NR_READV] = CLASS_READV,
	[NR_PREADV2] = CLASS_READV,
	[NR_RECVMSG] = CLASS_RECVMSG,
	[NR_RECVMMSG] = CLASS_RECVMMSG,
	[NR_WRITE] = CLASS_WRITE,
	[NR_SENDTO] = CLASS_WRITE,
	[NR_WRITEV] = CLASS_WRITEV,
	[NR_PWRITEV2] = CLASS_WRITEV,
	[NR_SENDMSG] = CLASS_SENDMSG,
	[NR_SENDMMSG] = CLASS_SENDMMSG,
	[NR_SENDFILE] = CLASS_SENDFILE,
	[NR_SPLICE] = CLASS_SPLICE,
	[NR_ACCEPT] = CLASS_ACCEPT,
	[NR_ACCEPT4] = CLASS_ACCEPT,
	[NR_EPOLL_PWAIT] = CLASS_EPOLL,
	[NR_EPOLL_PWAIT2] = CLASS_EPOLL,
	[NR_IO_URING_ENTER] = CLASS_EPOLL,
	[NR_PPOLL] = CLASS_POLL,
	[NR_PSELECT6] = CLASS_POLL,
	[NR_FUTEX] = CLASS_FUTEX,
	[NR_FUTEX_WAIT] = CLASS_FUTEX_WAIT,
	[NR_FUTEX_WAITV] = CLASS_FUTEX_WAIT,
	[NR_NANOSLEEP] = CLASS_SLEEP,
	[NR_CLOCK_NANOSLEEP] = CLASS_SLEEP,
#if defined(__TARGET_ARCH_x86)
	[NR_EPOLL_WAIT] = CLASS_EPOLL,
	[NR_POLL] = CLASS_POLL,
	[NR_SELECT] = CLASS_POLL,
#endif
};

static __always_inline enum syscall_class classify(long nr)
{
	if (nr < 0 || nr >= SYSCALLS)
		return CLASS_NONE;
	return syscall_class[nr];
}

static __always_inline bool class_moves_bytes(enum syscall_class class)
{
	return class >= CLASS_READ && class <= CLASS_SPLICE;
}

static __always_inline bool class_writes(enum syscall_class class)
{
	return class >= CLASS_WRITE && class <= CLASS_SENDMMSG;
}

/* linux/futex.h */
#define FUTEX_CMD_MASK 0x7f
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_REQUEUE 3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAKE_OP 5
#define FUTEX_LOCK_PI 6
#define FUTEX_UNLOCK_PI 7
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_WAIT_REQUEUE_PI 11
#define FUTEX_CMP_REQUEUE_PI 12
#define FUTEX_LOCK_PI2 13

static __always_inline bool futex_waits(__u32 op)
{
	op &= FUTEX_CMD_MASK;
	return op == FUTEX_WAIT || op == FUTEX_WAIT_BITSET || op == FUTEX_LOCK_PI ||
	       op == FUTEX_LOCK_PI2 || op == FUTEX_WAIT_REQUEUE_PI;
}

/* Wakes that may reach a waiter of another word than the caller names. */
static __always_inline bool futex_moves_waiters(__u32 op)
{
	op &= FUTEX_CMD_MASK;
	return op == FUTEX_REQUEUE || op == FUTEX_CMP_REQUEUE || op == FUTEX_WAKE_OP ||
	       op == FUTEX_CMP_REQUEUE_PI;
}

#endif
