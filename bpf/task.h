/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Targets and their threads. Both live in task storage: it costs nothing for
 * tasks that have none, goes away with the task, and user space reaches a
 * process through its pidfd.
 */
#ifndef OTELCOL_BPF_TASK_H
#define OTELCOL_BPF_TASK_H

#include "counters.h"

/* On the thread group leader; see struct target. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct target);
} targets SEC(".maps");

struct thread {
	__u64 enter_ns;	 /* of the system call under way; 0: not seen */
	__u32 io;	 /* I/O so far */
	__u32 tick;	 /* returns from epoll_wait so far */
	__u32 waited;	 /* IO_WAITED_* since the last I/O */
	__u32 pending;	 /* handoffs received since the last I/O */
	__u32 exit_seen; /* by the first of two programs, see AGAIN */
	__u32 pad;
	/* The last message of this thread, as the source of a handoff. */
	struct handoff last;
	struct handoff handoff[HANDOFFS_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct thread);
} threads SEC(".maps");

__u32 thread_count;

static __always_inline struct target *target_of(struct task_struct *task)
{
	struct target *target = bpf_task_storage_get(&targets, task->group_leader, 0, 0);

	return target && target->enabled ? target : NULL;
}

/* The state of a target's thread, made at its first system call of interest. */
static __always_inline struct thread *thread_of(struct task_struct *task)
{
	struct thread *thread = bpf_task_storage_get(&threads, task, 0, 0);

	if (thread)
		return thread;
	if (thread_count >= max_threads) {
		count(LOST_THREAD_LIMIT);
		return NULL;
	}
	thread = bpf_task_storage_get(&threads, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!thread) {
		count(LOST_STORAGE);
		return NULL;
	}
	__sync_fetch_and_add(&thread_count, 1);
	return thread;
}

static __always_inline void thread_gone(struct task_struct *task)
{
	if (!bpf_task_storage_delete(&threads, task))
		__sync_fetch_and_sub(&thread_count, 1);
}

static __always_inline void read_goroutine(struct thread_point *at, const struct target *target,
					   struct task_struct *task, struct pt_regs *regs)
{
	__u64 g;

	if (!target->goid_offset)
		return;
	g = go_g(task, regs);
	if (!g)
		return;
	bpf_probe_read_user(&at->goid, sizeof(at->goid), (void *)(g + target->goid_offset));
	if (target->goid_parent_offset)
		bpf_probe_read_user(&at->goid_parent, sizeof(at->goid_parent),
				    (void *)(g + target->goid_parent_offset));
}

/* Where `task`, the current one, is now. */
static __always_inline void point_of(struct thread_point *at, const struct thread *thread,
				     const struct target *target, struct task_struct *task,
				     struct pt_regs *regs)
{
	at->pid = task->tgid;
	at->tid = task->pid;
	at->io = thread->io;
	at->tick = thread->tick;
	at->goid = 0;
	at->goid_parent = 0;
	read_goroutine(at, target, task, regs);
}

#endif
