/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * All that differs between architectures and kernels.
 *
 * Oldest kernel: 5.15, for bpf_task_pt_regs (dd6e10fbd9fb, "bpf: Add
 * bpf_task_pt_regs() helper"); task storage in tracing programs came with 5.11.
 * `make kernels` loads and runs them on 6.1, the oldest tested, 6.12 and 7.x.
 */
#ifndef OTELCOL_BPF_COMPAT_H
#define OTELCOL_BPF_COMPAT_H

#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/*
 * System call numbers and arguments. At sys_exit the argument registers still
 * hold what user space passed: both architectures restore them on return and
 * keep the one that the result replaces (ax, x0) apart.
 */
#if defined(__TARGET_ARCH_x86)

enum syscall_nr {
	NR_READ = 0,
	NR_WRITE = 1,
	NR_CLOSE = 3,
	NR_POLL = 7,
	NR_READV = 19,
	NR_WRITEV = 20,
	NR_SELECT = 23,
	NR_NANOSLEEP = 35,
	NR_SENDFILE = 40,
	NR_CONNECT = 42,
	NR_ACCEPT = 43,
	NR_SENDTO = 44,
	NR_RECVFROM = 45,
	NR_SENDMSG = 46,
	NR_RECVMSG = 47,
	NR_EXIT = 60,
	NR_FUTEX = 202,
	NR_CLOCK_NANOSLEEP = 230,
	NR_EPOLL_WAIT = 232,
	NR_PSELECT6 = 270,
	NR_PPOLL = 271,
	NR_SPLICE = 275,
	NR_EPOLL_PWAIT = 281,
	NR_ACCEPT4 = 288,
	NR_RECVMMSG = 299,
	NR_SENDMMSG = 307,
	NR_PREADV2 = 327,
	NR_PWRITEV2 = 328,
	NR_IO_URING_ENTER = 426,
	NR_EPOLL_PWAIT2 = 441,
	NR_FUTEX_WAITV = 449,
	NR_FUTEX_WAKE = 454,
	NR_FUTEX_WAIT = 455,
};

#define SYSCALL_NR(pt) ((long)(pt)->orig_ax)
#define ARG1(pt) ((pt)->di)
#define ARG2(pt) ((pt)->si)
#define ARG3(pt) ((pt)->dx)
#define ARG4(pt) ((pt)->r10)

/* A system call by the 32-bit entry has other numbers. TS_COMPAT. */
static __always_inline bool is_compat(struct task_struct *task)
{
	return task->thread_info.status & 2;
}

/* Address of the goroutine that runs on this thread: TLS slot -8. */
static __always_inline __u64 go_g(struct task_struct *task, struct pt_regs *regs)
{
	__u64 g = 0;

	bpf_probe_read_user(&g, sizeof(g), (void *)(task->thread.fsbase - 8));
	return g;
}

#elif defined(__TARGET_ARCH_arm64)

enum syscall_nr {
	NR_CLOSE = 57,
	NR_READ = 63,
	NR_WRITE = 64,
	NR_READV = 65,
	NR_WRITEV = 66,
	NR_SENDFILE = 71,
	NR_PSELECT6 = 72,
	NR_PPOLL = 73,
	NR_SPLICE = 76,
	NR_EPOLL_PWAIT = 22,
	NR_EXIT = 93,
	NR_FUTEX = 98,
	NR_NANOSLEEP = 101,
	NR_CLOCK_NANOSLEEP = 115,
	NR_ACCEPT = 202,
	NR_CONNECT = 203,
	NR_SENDTO = 206,
	NR_RECVFROM = 207,
	NR_SENDMSG = 211,
	NR_RECVMSG = 212,
	NR_ACCEPT4 = 242,
	NR_RECVMMSG = 243,
	NR_SENDMMSG = 269,
	NR_PREADV2 = 286,
	NR_PWRITEV2 = 287,
	NR_IO_URING_ENTER = 426,
	NR_EPOLL_PWAIT2 = 441,
	NR_FUTEX_WAITV = 449,
	NR_FUTEX_WAKE = 454,
	NR_FUTEX_WAIT = 455,
	/* not on this architecture */
	NR_POLL = -101,
	NR_SELECT = -102,
	NR_EPOLL_WAIT = -103,
};

#define SYSCALL_NR(pt) ((long)(pt)->syscallno)
#define ARG1(pt) ((pt)->orig_x0)
#define ARG2(pt) ((pt)->regs[1])
#define ARG3(pt) ((pt)->regs[2])
#define ARG4(pt) ((pt)->regs[3])

/* TIF_32BIT */
static __always_inline bool is_compat(struct task_struct *task)
{
	return task->thread_info.flags & (1 << 22);
}

/* The Go ABI keeps g in x28, also across system calls. */
static __always_inline __u64 go_g(struct task_struct *task, struct pt_regs *regs)
{
	return regs->regs[28];
}

#else
#error "unsupported architecture"
#endif

/*
 * READ(type, pointer, field) reads a field of a kernel struct through a pointer
 * that the verifier knows nothing of. Since 6.2 such a pointer can be given its
 * type and the read costs a load (a35b9af4ec2c, "bpf: Add a kfunc for generic type
 * cast"); before, it is a call. What cannot be read is zero in both ways.
 */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

#define TYPED(type, pointer) ((type *)bpf_rdonly_cast((pointer), bpf_core_type_id_kernel(type)))

#define READ(type, pointer, field)                                      \
	({                                                              \
		const void *from_ = (pointer);                          \
		&bpf_rdonly_cast ? TYPED(type, from_)->field            \
				 : BPF_CORE_READ((type *)from_, field); \
	})

/*
 * Masks an index where the compiler believes to know the bound already and the
 * verifier does not.
 */
#define INDEX(i, size)                                                     \
	({                                                                 \
		__u64 index_ = (i);                                        \
		asm volatile("%0 &= %1" : "+r"(index_) : "i"((size) - 1)); \
		index_;                                                    \
	})

/*
 * `v`, but at most `max`. Verifiers before 6.8 forget that two registers hold the
 * same value when one is moved to another by its lower half, which the compiler
 * likes to do between a comparison and the use.
 */
#define AT_MOST(v, max)                                                                 \
	({                                                                              \
		__u64 bound_ = (v);                                                     \
		asm volatile("if %0 <= %1 goto +1; %0 = %1" : "+r"(bound_) : "i"(max)); \
		bound_;                                                                 \
	})

/*
 * Since 7.0 the caller of a tracepoint can be preempted inside a program
 * (a46023d5616e, "tracing: Guard __DECLARE_TRACE() use of __DO_TRACE_CALL() with
 * SRCU-fast"). Until it runs again, the kernel skips the program for all that runs
 * on this CPU, as if it had called itself: milliseconds of lost records. Two things
 * are done about it.
 *
 * HOOK(body) runs body without preemption, which is then switched on while
 * interrupts are off, so that a preemption that is due comes not here but at the
 * next interrupt or on the way to user space. What is left is a few instructions
 * at either end. Older kernels see to it themselves, and some of them refuse
 * global functions between these two.
 *
 * AGAIN: for these few instructions, user space attaches the hooks of system calls
 * twice. The second program does what the first was skipped for.
 */
extern int LINUX_KERNEL_VERSION __kconfig;
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;
extern void bpf_local_irq_save(unsigned long *flags) __ksym __weak;
extern void bpf_local_irq_restore(unsigned long *flags) __ksym __weak;

#define PREEMPTIBLE_SINCE ((7 << 16) + (0 << 8) + 0)

#define HOOK(body)                                               \
	({                                                       \
		unsigned long flags_;                            \
		if (LINUX_KERNEL_VERSION >= PREEMPTIBLE_SINCE)   \
			bpf_preempt_disable();                   \
		body;                                            \
		if (LINUX_KERNEL_VERSION >= PREEMPTIBLE_SINCE) { \
			bpf_local_irq_save(&flags_);             \
			bpf_preempt_enable();                    \
			bpf_local_irq_restore(&flags_);          \
		}                                                \
		0;                                               \
	})

/*
 * Since 6.17 (ad892e912b84, "tcp: trace retransmit failures in tcp_retransmit_skb")
 * the tracepoint also tells of attempts that failed, by a third argument.
 */
static __always_inline bool retransmit_failed(__u64 *arguments)
{
	struct trace_event_raw_tcp_retransmit_skb *event = NULL;

	return bpf_core_field_exists(event->err) && (int)arguments[2];
}

/* Did the program's thread stop being in the group at this exit? */
static __always_inline bool group_dead(struct task_struct *task)
{
	return task->signal->live.counter == 0;
}

#endif
