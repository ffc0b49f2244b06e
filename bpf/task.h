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

/*
 * Grows with every word of user space on targets, so that a thread need not ask
 * each time whether its process is one.
 */
__u32 target_version = 1;

struct thread {
	__u64 enter_ns;	 /* of the system call under way; 0: not seen */
	__u32 io;	 /* I/O so far */
	__u32 tick;	 /* returns from epoll_wait so far */
	__u32 waited;	 /* IO_WAITED_* since the last I/O */
	__u32 pending;	 /* handoffs received since the last I/O */
	__u32 exit_seen; /* by the first of two programs, see AGAIN */
	__u32 version;	 /* target_version as of `target` */
	struct target target;
	/* The goroutine of the last I/O; its creator never changes. */
	__u64 goid;
	__u64 goid_parent;
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

/* Asks again whether `task` belongs to a target; `thread` is its state, if any. */
static __noinline struct thread *trace_anew(struct task_struct *task, struct thread *thread)
{
	__u32 version = *(volatile __u32 *)&target_version;
	struct target *target = target_of(task);

	if (!target) {
		if (thread) {
			thread->target.enabled = 0;
			thread->version = version;
		}
		return NULL;
	}
	if (!thread)
		thread = thread_of(task);
	if (!thread)
		return NULL;
	thread->target = *target;
	thread->version = version;
	thread->goid = 0; /* it may be another program by now */
	return thread;
}

/* Spares most tasks of the machine the look-ups. */
static __always_inline bool has_storage(struct task_struct *task)
{
	return !bpf_core_field_exists(task->bpf_storage) || task->bpf_storage;
}

/* The state of `task` if it is a thread of a target, else NULL. */
static __always_inline struct thread *traced(struct task_struct *task)
{
	struct thread *thread;

	if (!has_storage(task) && !has_storage(task->group_leader))
		return NULL;
	thread = bpf_task_storage_get(&threads, task, 0, 0);
	if (!thread || thread->version != *(volatile __u32 *)&target_version)
		return trace_anew(task, thread);
	return thread->target.enabled ? thread : NULL;
}

static __always_inline void thread_gone(struct task_struct *task)
{
	if (!bpf_task_storage_delete(&threads, task))
		__sync_fetch_and_sub(&thread_count, 1);
}

static __always_inline void read_goroutine(struct thread_point *at, struct thread *thread,
					   struct task_struct *task, struct pt_regs *regs)
{
	__u64 g, goid = 0;

	if (!thread->target.goid_offset)
		return;
	g = go_g(task, regs);
	if (!g)
		return;
	bpf_probe_read_user(&goid, sizeof(goid), (void *)(g + thread->target.goid_offset));
	at->goid = goid;
	if (!thread->target.goid_parent_offset)
		return;
	if (thread->goid != goid) {
		thread->goid_parent = 0;
		if (bpf_probe_read_user(&thread->goid_parent, sizeof(thread->goid_parent),
					(void *)(g + thread->target.goid_parent_offset)))
			goid = 0;
		thread->goid = goid;
	}
	at->goid_parent = thread->goid_parent;
}

/* Where `task`, the current one, is now. */
static __always_inline void point_of(struct thread_point *at, struct thread *thread,
				     struct task_struct *task, struct pt_regs *regs)
{
	at->pid = task->tgid;
	at->tid = task->pid;
	at->io = thread->io;
	at->tick = thread->tick;
	at->goid = 0;
	at->goid_parent = 0;
	read_goroutine(at, thread, task, regs);
}

#endif
