/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Handoffs: which message a thread was working on when it woke, created or
 * signalled another thread. Nothing is sent: the context is copied into the
 * other thread's state and rides on that thread's next I/O record.
 */
#ifndef OTELCOL_BPF_HANDOFF_H
#define OTELCOL_BPF_HANDOFF_H

#include "socket.h"
#include "syscall.h"

#define HOPS_MAX 3
/* A write to a wake fd is tiny: 8 bytes to an eventfd, 1 to a pipe. */
#define WAKE_WRITE_MAX 8

/*
 * What a thread hands on is its own last message (source 0) and, if it was
 * handed something since, that with one more hop (source 1): a relay thread has
 * nothing of its own, a worker may have been woken for reasons that have nothing
 * to do with its work. Which of them counts is not for the kernel to say.
 */
#define CONTEXTS 2

static __always_inline bool own_context(struct handoff *out, const struct thread *from)
{
	*out = from->last;
	return out->source_kind != MESSAGE_NONE;
}

static __always_inline bool was_read(const struct handoff *handoff)
{
	return handoff->source_kind == MESSAGE_SERVER_READ ||
	       handoff->source_kind == MESSAGE_CLIENT_READ;
}

/*
 * The newer one tells more. Of two that came with one wake it is what was read:
 * a waker that had written last had nothing new of its own.
 */
static __always_inline bool tells_more(const struct handoff *handoff, const struct handoff *than)
{
	if (handoff->time_ns == than->time_ns)
		return was_read(handoff) && !was_read(than);
	return handoff->time_ns > than->time_ns;
}

static __always_inline bool relayed_context(struct handoff *out, const struct thread *from)
{
	const struct handoff *newest = &from->last;
	__u32 i;

	for (i = 0; i < HANDOFFS_MAX; i++) {
		const struct handoff *handoff = &from->handoff[i];

		if (i < from->pending && tells_more(handoff, newest))
			newest = handoff;
	}
	if (newest == &from->last)
		return false;
	*out = *newest;
	out->hops++;
	return out->hops <= HOPS_MAX &&
	       (out->source_tid != from->last.source_tid || out->source_io != from->last.source_io);
}

static __always_inline bool context_of(struct handoff *out, const struct thread *from, int which)
{
	return which == 0 ? own_context(out, from) : relayed_context(out, from);
}

static __always_inline bool has_context(const struct thread *from)
{
	return from->last.source_kind != MESSAGE_NONE || from->pending;
}

/*
 * One slot per futex word and hop class: a contended lock must not fill them
 * all. Not one per source: a worker that signals its result and then lets go of
 * a lock wakes the same thread twice, and only the first wake says something.
 */
static __always_inline bool same_handoff(const struct handoff *a, const struct handoff *b)
{
	if (a->edge != b->edge || a->address != b->address)
		return false;
	if (a->edge == EDGE_FUTEX)
		return !a->hops == !b->hops;
	return a->source_tid == b->source_tid && a->source_io == b->source_io;
}

/* Relayed contexts give way first, then the older ones. */
static __always_inline __u64 keep_rank(const struct handoff *handoff)
{
	return handoff->hops ? handoff->time_ns : handoff->time_ns | (1ULL << 63);
}

/*
 * Where to keep `handoff`: with its like, in a free slot, or for the one least
 * worth keeping. Global and not inlined, so that the verifier looks at it once.
 */
__noinline int slot_for(struct thread *to, const struct handoff *handoff)
{
	__u64 least = ~0ULL;
	__u32 slot = 0, i;

	if (!to || !handoff)
		return 0;
	for (i = 0; i < HANDOFFS_MAX; i++) {
		const struct handoff *other = &to->handoff[i];

		if (i >= to->pending) {
			to->pending = i + 1;
			return i;
		}
		if (same_handoff(other, handoff))
			return i;
		if (keep_rank(other) < least) {
			least = keep_rank(other);
			slot = i;
		}
	}
	count(CUT_HANDOFFS);
	return slot;
}

/* Keeps `handoff` for the next I/O of `to`. */
static __always_inline void receive(struct thread *to, const struct handoff *handoff)
{
	to->handoff[INDEX(slot_for(to, handoff), HANDOFFS_MAX)] = *handoff;
}

/* ---- wake fds ---------------------------------------------------------- */

/* Contexts written to an eventfd, pipe or socketpair and not read yet. */
struct fd_contexts {
	__u64 written;
	struct handoff handoff[HANDOFFS_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, __u64);
	__type(value, struct fd_contexts);
} wake_fds SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fd_contexts);
} no_contexts SEC(".maps");

/* What the two ends of a wake fd have in common; zero if `file` is none. */
static __always_inline __u64 wake_fd(struct file *file, bool writing)
{
	unsigned short type = mode_of(file);
	struct super_block *sb;
	struct sock *sk;

	if (type == S_IFIFO)
		return (__u64)READ(struct file, file, private_data);
	if (type == S_IFSOCK) {
		sk = socket_of(file);
		if (READ(struct sock, sk, __sk_common.skc_family) != AF_UNIX)
			return 0;
		return (__u64)(writing ? READ(struct unix_sock, sk, peer) : sk);
	}
	sb = READ(struct inode, READ(struct file, file, f_inode), i_sb);
	if (READ(struct super_block, sb, s_magic) == ANON_INODE_FS_MAGIC)
		return (__u64)READ(struct file, file, private_data);
	return 0;
}

static __always_inline struct fd_contexts *fd_contexts(__u64 key, bool create)
{
	struct fd_contexts *contexts = bpf_map_lookup_elem(&wake_fds, &key);
	__u32 zero = 0;

	if (contexts || !create)
		return contexts;
	contexts = bpf_map_lookup_elem(&no_contexts, &zero);
	if (!contexts)
		return NULL;
	if (bpf_map_update_elem(&wake_fds, &key, contexts, BPF_NOEXIST))
		count(LOST_FD_TABLE);
	return bpf_map_lookup_elem(&wake_fds, &key);
}

static __always_inline void fd_leave(struct fd_contexts *contexts, struct handoff *context,
				     __u64 key, __u64 time_ns)
{
	__u32 slot = INDEX(__sync_fetch_and_add(&contexts->written, 1), HANDOFFS_MAX);

	context->time_ns = 0;
	context->address = key;
	context->edge = EDGE_FD_READ;
	context->waker_tid = bpf_get_current_pid_tgid();
	contexts->handoff[slot] = *context;
	/* Publishes the slot: a reader skips one without a time. */
	__sync_lock_test_and_set(&contexts->handoff[slot].time_ns, time_ns);
}

/*
 * Before a write to a wake fd: leaves the writer's context with the fd, for a
 * reader that is awake and so will not be woken. Before, not after: the reader
 * may be faster than the end of the writer's system call.
 */
static __always_inline void fd_write(struct thread *from, struct file *file)
{
	struct fd_contexts *contexts;
	struct handoff context;
	__u64 key, time_ns;
	int which;

	if (!has_context(from))
		return;
	key = wake_fd(file, true);
	if (!key)
		return;
	contexts = fd_contexts(key, true);
	if (!contexts)
		return;
	time_ns = bpf_ktime_get_ns();
	for (which = 0; which < CONTEXTS; which++) {
		if (context_of(&context, from, which))
			fd_leave(contexts, &context, key, time_ns);
	}
}

/* After a read from a wake fd: takes the contexts that writers left with it. */
static __always_inline bool fd_read(struct thread *to, struct file *file)
{
	__u64 key = wake_fd(file, false);
	struct fd_contexts *contexts;
	__u32 i;

	if (!key)
		return false;
	contexts = fd_contexts(key, false);
	for (i = 0; contexts && i < HANDOFFS_MAX; i++) {
		struct handoff context = contexts->handoff[i];

		context.time_ns = __sync_lock_test_and_set(&contexts->handoff[i].time_ns, 0);
		if (context.time_ns)
			receive(to, &context);
	}
	return true;
}

/* ---- wakes ------------------------------------------------------------- */

/* A waker in FUTEX_WAKE and a wakee that waits on the very word. */
static __always_inline bool futex_edge(struct handoff *edge, struct pt_regs *waker,
				       struct pt_regs *wakee)
{
	enum syscall_class class = classify(SYSCALL_NR(wakee));

	if (class != CLASS_FUTEX && class != CLASS_FUTEX_WAIT)
		return false;
	edge->edge = EDGE_FUTEX;
	edge->address = ARG1(waker);
	if (SYSCALL_NR(waker) == NR_FUTEX && futex_moves_waiters(ARG2(waker)))
		return true;
	/* futex_waitv names an array: its word is not known. */
	return SYSCALL_NR(wakee) == NR_FUTEX_WAITV || ARG1(waker) == ARG1(wakee);
}

static __always_inline bool exit_edge(struct handoff *edge, struct pt_regs *wakee)
{
	edge->edge = EDGE_EXIT;
	edge->address = ARG1(wakee);
	return classify(SYSCALL_NR(wakee)) == CLASS_FUTEX;
}

/* Loopback delivery runs inside the sender's write: only wake fds count. */
static __always_inline bool fd_edge(struct handoff *edge, struct task_struct *waker,
				    struct pt_regs *regs)
{
	struct file *file;

	if (ARG3(regs) > WAKE_WRITE_MAX)
		return false;
	file = file_of(waker, ARG1(regs));
	edge->edge = EDGE_FD;
	edge->address = file ? wake_fd(file, true) : 0;
	return edge->address != 0;
}

/*
 * Is this wake the waker's own doing, by a system call for that purpose? An
 * interrupt that strikes a waker finds it outside such a call, or the wakee
 * waiting for something else.
 */
static __always_inline bool wake_edge(struct handoff *edge, struct task_struct *waker,
				      struct task_struct *wakee)
{
	struct pt_regs *from = (struct pt_regs *)bpf_task_pt_regs(waker);
	struct pt_regs *to = (struct pt_regs *)bpf_task_pt_regs(wakee);
	long nr = SYSCALL_NR(from);

	if (nr == NR_FUTEX || nr == NR_FUTEX_WAKE)
		return waker->tgid == wakee->tgid && futex_edge(edge, from, to);
	if (nr == NR_EXIT)
		return waker->tgid == wakee->tgid && exit_edge(edge, to);
	if (classify(nr) == CLASS_WRITE)
		return fd_edge(edge, waker, from);
	return false;
}

static __always_inline void hand_over(const struct thread *from, __u32 waker_tid, struct thread *to,
				      const struct handoff *edge)
{
	__u64 time_ns = bpf_ktime_get_ns();
	struct handoff context;
	int which;

	for (which = 0; which < CONTEXTS; which++) {
		if (!context_of(&context, from, which))
			continue;
		context.edge = edge->edge;
		context.address = edge->address;
		context.waker_tid = waker_tid;
		context.time_ns = time_ns;
		receive(to, &context);
	}
}

static __always_inline void on_wake(struct task_struct *waker, struct task_struct *wakee)
{
	struct handoff edge = {};
	struct thread *from, *to;

	if (!has_storage(waker) || !has_storage(wakee))
		return;
	from = bpf_task_storage_get(&threads, waker, 0, 0);
	if (!from || !has_context(from))
		return;
	to = bpf_task_storage_get(&threads, wakee, 0, 0);
	if (to && to != from && wake_edge(&edge, waker, wakee))
		hand_over(from, waker->pid, to, &edge);
}

static __always_inline void on_clone(const struct thread *from, __u32 parent_tid, struct thread *to)
{
	struct handoff edge = { .edge = EDGE_CLONE };

	if (has_context(from))
		hand_over(from, parent_tid, to, &edge);
}

#endif
